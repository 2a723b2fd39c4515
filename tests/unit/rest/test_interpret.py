"""Every row of R4's table of URLs: the request that is sent, the interaction that the engine is asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from service.fhir.interaction import (
    Capabilities,
    Create,
    Criteria,
    Delete,
    History,
    Interaction,
    Operation,
    Patch,
    Process,
    Read,
    Search,
    Update,
    VRead,
)
from tests.unit.rest.recording import FHIR, JSON_PATCH, PATIENT, Headers, RecordingEngine, application, exchange

CONTENT = json.loads(PATIENT)
FORM = ("Content-Type", "application/x-www-form-urlencoded")
BY_NAME = Criteria(parameters=(("identifier", "urn:x|1"),))
SINCE = datetime(2026, 1, 9, 8, 0, 0, tzinfo=UTC)

REQUESTS: tuple[tuple[str, str, Headers, bytes, Interaction], ...] = (
    # instance
    ("GET", "/Patient/a", (), b"", Read(type="Patient", id="a")),
    ("GET", "/Patient/a/", (), b"", Read(type="Patient", id="a")),
    ("HEAD", "/Patient/a", (), b"", Read(type="Patient", id="a")),
    ("GET", "/Patient/a?_format=json&_pretty=true", (), b"", Read(type="Patient", id="a")),
    ("GET", "/Patient/%61", (), b"", Read(type="Patient", id="a")),
    ("GET", "/Patient/a", (("If-None-Match", 'W/"3"'),), b"", Read(type="Patient", id="a", if_none_match=("3",))),
    (
        "GET",
        "/Patient/a",
        (("If-None-Match", 'W/"3"'), ("If-None-Match", '"4"')),
        b"",
        Read(type="Patient", id="a", if_none_match=("3", "4")),
    ),
    (
        "GET",
        "/Patient/a",
        (("If-Modified-Since", "Fri, 09 Jan 2026 08:00:00 GMT"),),
        b"",
        Read(type="Patient", id="a", if_modified_since=SINCE),
    ),
    (
        "GET",
        "/Patient/a",
        (("If-Modified-Since", "Fri, 09 Jan 2026 08:00:00 GMT"), ("If-None-Match", '"1"')),
        b"",
        Read(type="Patient", id="a", if_none_match=("1",)),
    ),
    ("GET", "/Patient/a", (("If-Modified-Since", "yesterday"),), b"", Read(type="Patient", id="a")),
    ("GET", "/Patient/a/_history/2", (), b"", VRead(type="Patient", id="a", version_id="2")),
    (
        "GET",
        "/Patient/a/_history/99999999999999999999",
        (),
        b"",
        VRead(type="Patient", id="a", version_id="99999999999999999999"),
    ),
    ("PUT", "/Patient/a", (FHIR,), PATIENT, Update(type="Patient", target="a", content=CONTENT)),
    (
        "PUT",
        "/Patient/a",
        (FHIR, ("If-Match", 'W/"3", "4"')),
        PATIENT,
        Update(type="Patient", target="a", content=CONTENT, if_match=("3", "4")),
    ),
    (
        "PUT",
        "/Patient/a",
        (FHIR, ("If-Match", "3")),
        PATIENT,
        Update(type="Patient", target="a", content=CONTENT, if_match=("3",)),
    ),
    (
        "PUT",
        "/Patient/a",
        (FHIR, ("If-Match", "*")),
        PATIENT,
        Update(type="Patient", target="a", content=CONTENT, if_match=("*",)),
    ),
    (
        "PUT",
        "/Patient/a",
        (FHIR, ("If-None-Match", "*")),
        PATIENT,
        Update(type="Patient", target="a", content=CONTENT, if_none_match_any=True),
    ),
    (
        "PATCH",
        "/Patient/a",
        (JSON_PATCH, ("If-Match", '"3"')),
        b'[{"op":"remove","path":"/active"}]',
        Patch(type="Patient", target="a", document=[{"op": "remove", "path": "/active"}], if_match=("3",)),
    ),
    (
        "PATCH",
        "/Patient/a",
        (FHIR,),
        b'{"resourceType":"Parameters"}',
        Patch(type="Patient", target="a", document={"resourceType": "Parameters"}),
    ),
    (
        "PATCH",
        "/Patient/a",
        (("Content-Type", "application/json"),),
        b"[]",
        Patch(type="Patient", target="a", document=[]),
    ),
    ("DELETE", "/Patient/a", (), b"", Delete(type="Patient", target="a")),
    ("DELETE", "/Patient/a", (("If-Match", '"3"'),), b"", Delete(type="Patient", target="a", if_match=("3",))),
    ("GET", "/Patient/a/_history", (), b"", History(type="Patient", id="a")),
    (
        "GET",
        "/Patient/a/_history?_since=2026-01-09&_count=2",
        (),
        b"",
        History(type="Patient", id="a", parameters=(("_since", "2026-01-09"), ("_count", "2"))),
    ),
    (
        "GET",
        "/Patient/a/$everything?_count=5",
        (),
        b"",
        Operation(name="everything", type="Patient", id="a", parameters=(("_count", "5"),), method="GET"),
    ),
    ("POST", "/Patient/a/$validate", (), b"", Operation(name="validate", type="Patient", id="a", method="POST")),
    (
        "GET",
        "/Patient/a/Observation?code=x",
        (),
        b"",
        Search(type="Observation", parameters=(("code", "x"),), compartment=("Patient", "a")),
    ),
    ("GET", "/Patient/a/*", (), b"", Search(type=None, parameters=(), compartment=("Patient", "a"))),
    (
        "POST",
        "/Patient/a/Observation/_search",
        (FORM,),
        b"code=x",
        Search(type="Observation", parameters=(("code", "x"),), compartment=("Patient", "a")),
    ),
    # type
    ("GET", "/Patient", (), b"", Search(type="Patient", parameters=())),
    ("GET", "/Patient/?active=true", (), b"", Search(type="Patient", parameters=(("active", "true"),))),
    (
        "GET",
        "/Patient?name=M%C3%BCller+Schmidt&name=a;b&_summary=true&birthdate",
        (),
        b"",
        Search(
            type="Patient",
            parameters=(("name", "Müller Schmidt"), ("name", "a;b"), ("_summary", "true"), ("birthdate", "")),
        ),
    ),
    (
        "POST",
        "/Patient/_search?active=true",
        (FORM,),
        b"name=M%C3%BCller&_format=json",
        Search(type="Patient", parameters=(("active", "true"), ("name", "Müller"), ("_format", "json"))),
    ),
    ("POST", "/Patient/_search?active=true", (), b"", Search(type="Patient", parameters=(("active", "true"),))),
    ("POST", "/Patient", (FHIR,), PATIENT, Create(type="Patient", content=CONTENT)),
    ("POST", "/Patient?_format=json", (FHIR,), PATIENT, Create(type="Patient", content=CONTENT)),
    (
        "POST",
        "/Patient",
        (FHIR, ("If-None-Exist", "identifier=urn:x|1")),
        PATIENT,
        Create(type="Patient", content=CONTENT, if_none_exist=BY_NAME),
    ),
    (
        "POST",
        "/Patient",
        (FHIR, ("If-None-Exist", "?identifier=urn:x%7C1")),
        PATIENT,
        Create(type="Patient", content=CONTENT, if_none_exist=BY_NAME),
    ),
    (
        "POST",
        "/Patient",
        (FHIR, ("If-None-Exist", "Patient?identifier=urn:x|1")),
        PATIENT,
        Create(type="Patient", content=CONTENT, if_none_exist=BY_NAME),
    ),
    (
        "POST",
        "/Patient",
        (FHIR, ("If-None-Exist", "identifier=http://x?y|1")),
        PATIENT,
        Create(type="Patient", content=CONTENT, if_none_exist=Criteria(parameters=(("identifier", "http://x?y|1"),))),
    ),
    (
        "PUT",
        "/Patient?identifier=urn:x|1&_format=json",
        (FHIR,),
        PATIENT,
        Update(type="Patient", target=BY_NAME, content=CONTENT),
    ),
    ("PUT", "/Patient/?identifier=urn:x|1", (FHIR,), PATIENT, Update(type="Patient", target=BY_NAME, content=CONTENT)),
    ("PATCH", "/Patient?identifier=urn:x|1", (JSON_PATCH,), b"[]", Patch(type="Patient", target=BY_NAME, document=[])),
    ("DELETE", "/Patient?identifier=urn:x|1", (), b"", Delete(type="Patient", target=BY_NAME)),
    ("GET", "/Patient/_history", (), b"", History(type="Patient")),
    (
        "POST",
        "/Patient/$validate?mode=create",
        (FHIR,),
        PATIENT,
        Operation(name="validate", type="Patient", parameters=(("mode", "create"),), content=CONTENT, method="POST"),
    ),
    # system
    ("POST", "/", (FHIR,), b'{"resourceType":"Bundle"}', Process(bundle={"resourceType": "Bundle"})),
    ("POST", "", (FHIR,), b'{"resourceType":"Bundle"}', Process(bundle={"resourceType": "Bundle"})),
    ("GET", "/?_type=Patient", (), b"", Search(type=None, parameters=(("_type", "Patient"),))),
    ("POST", "/_search", (FORM,), b"_type=Patient", Search(type=None, parameters=(("_type", "Patient"),))),
    ("GET", "/_history?_count=1", (), b"", History(parameters=(("_count", "1"),))),
    ("GET", "/_history?_format=json&_count=1", (), b"", History(parameters=(("_count", "1"), ("_format", "json")))),
    ("GET", "/metadata", (), b"", Capabilities()),
    ("GET", "/metadata?mode=terminology", (), b"", Capabilities(mode="terminology")),
    ("HEAD", "/metadata/", (), b"", Capabilities()),
    ("GET", "/$stats", (), b"", Operation(name="stats", method="GET")),
)


@pytest.mark.parametrize("method, target, headers, body, interaction", REQUESTS)
async def test_a_request_asks_for_its_interaction(
    method: str, target: str, headers: Headers, body: bytes, interaction: Interaction
) -> None:
    """Each row of R4's table of URLs becomes exactly one interaction value."""
    engine = RecordingEngine()
    response = await exchange(application(engine), method, target, headers, body)
    assert [asked for asked, _ in engine.asked] == [interaction], response.text


async def test_lenient_handling_lets_an_unknown_parameter_of_a_read_pass() -> None:
    """`Prefer: handling=lenient` is the client's own choice to be answered all the same."""
    engine = RecordingEngine()
    headers = (("Prefer", "handling=lenient"),)
    assert (await exchange(application(engine), "GET", "/Patient/a?_=1", headers)).status_code == 200


async def test_a_method_override_header_has_no_effect() -> None:
    """A GET stays a GET whatever X-HTTP-Method-Override says."""
    engine = RecordingEngine()
    await exchange(application(engine), "GET", "/Patient/a", (("X-HTTP-Method-Override", "DELETE"),))
    assert engine.asked[0][0] == Read(type="Patient", id="a")


async def test_the_body_of_a_get_is_ignored() -> None:
    """HTTP gives the body of a GET no meaning."""
    engine = RecordingEngine()
    await exchange(application(engine), "GET", "/Patient/a", (("Content-Type", "text/plain"),), b"x" * 100_000)
    assert engine.asked[0][0] == Read(type="Patient", id="a")
