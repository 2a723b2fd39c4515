"""Bad input: a clear OperationOutcome, nothing stored, never a 500."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.outcome import assert_outcome
from tests.builders.resources import patient

if TYPE_CHECKING:
    import httpx

FHIR = {"Content-Type": "application/fhir+json"}
VALID = json.dumps(patient(1)).encode()


async def count(client: httpx.AsyncClient) -> int:
    """How many patients are stored."""
    return int((await client.get("/Patient?_summary=count")).json()["total"])


BODIES: tuple[tuple[str, bytes, str], ...] = (
    ("empty", b"", "body-required"),
    ("truncated", VALID[:-1], "malformed-json"),
    ("not JSON", b"<Patient/>", "malformed-json"),
    ("two values", VALID + VALID, "malformed-json"),
    ("invalid UTF-8", VALID.replace(b"Pat", b"\xff\xfe"), "malformed-json"),
    ("UTF-16", VALID.decode().encode("utf-16"), "malformed-json"),
    ("NUL", VALID.replace(b"Pat", b"\\u0000"), "malformed-json"),
    ("a raw NUL", VALID.replace(b"Pat", b"\0"), "malformed-json"),
    ("a lone surrogate", VALID.replace(b"Pat", b"\\ud800"), "malformed-json"),
    ("a duplicate key", b'{"resourceType":"Patient","active":true,"active":false}', "duplicate-key"),
    ("nesting", b'{"resourceType":"Patient","x":' + b"[" * 100_000, "nesting-too-deep"),
    ("closed nesting", b'{"resourceType":"Patient","x":' + b"[" * 5000 + b"]" * 5000 + b"}", "nesting-too-deep"),
    ("a huge number", b'{"resourceType":"Patient","multipleBirthInteger":1e999999999}', "number-out-of-range"),
    (
        "a long number",
        b'{"resourceType":"Patient","multipleBirthInteger":' + b"9" * 10_000 + b"}",
        "number-out-of-range",
    ),
    ("not a number", b'{"resourceType":"Patient","multipleBirthInteger":NaN}', "malformed-json"),
    ("an array", b"[]", "type-mismatch"),
    ("a string", b'"Patient"', "type-mismatch"),
    ("no type", b'{"active":true}', "type-mismatch"),
    ("another type", b'{"resourceType":"Observation"}', "type-mismatch"),
    ("a type that is no string", b'{"resourceType":["Patient"]}', "type-mismatch"),
    ("an unknown element", b'{"resourceType":"Patient","massage":true}', "element-unknown"),
    ("a null", b'{"resourceType":"Patient","active":null}', "element-empty"),
    ("an empty array", b'{"resourceType":"Patient","name":[]}', "element-empty"),
    ("an unknown code", b'{"resourceType":"Patient","gender":"massage"}', "code-invalid"),
)


@pytest.mark.parametrize("body, code", [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
async def test_a_body_that_is_no_valid_resource_is_refused(client: httpx.AsyncClient, body: bytes, code: str) -> None:
    """The refusal names what is wrong, and nothing is stored."""
    stored = await count(client)
    assert_outcome(await client.post("/Patient", content=body, headers=FHIR), 400, code)
    assert await count(client) == stored


@pytest.mark.parametrize(
    "logical_id, status, code",
    [(None, 400, "id-mismatch"), ("other", 400, "id-mismatch"), (7, 400, "id-mismatch")],
)
async def test_an_update_must_carry_the_id_of_its_url(
    client: httpx.AsyncClient, logical_id: object, status: int, code: str
) -> None:
    """A content that says it is another resource is not stored under this one."""
    content = patient(1) if logical_id is None else patient(1, id=logical_id)
    assert_outcome(await client.put("/Patient/mine", json=content), status, code)


async def test_a_body_over_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    """16 MiB unless set otherwise."""
    response = await client.post("/Patient", content=b" " * ((16 << 20) + 1), headers=FHIR)
    assert_outcome(response, 413, "body-too-large")


@pytest.mark.parametrize(
    "headers, status, code",
    [
        ({}, 415, "media-type-unsupported"),
        ({"Content-Type": "application/xml"}, 415, "media-type-unsupported"),
        ({"Content-Type": "application/fhir+json; charset=latin-1"}, 415, "media-type-unsupported"),
        ({**FHIR, "Content-Encoding": "br"}, 415, "media-type-unsupported"),
        ({**FHIR, "Content-Encoding": "gzip"}, 400, "encoding-invalid"),
        ({**FHIR, "Accept": "text/turtle"}, 406, "not-acceptable"),
        ({**FHIR, "If-None-Exist": "nonsense=1"}, 400, "parameter-unknown"),
        ({**FHIR, "If-None-Exist": "%zz=1"}, 400, "parameter-value"),
        ({**FHIR, "If-None-Exist": ""}, 400, "criteria-required"),
        ({**FHIR, "Host": "evil.example.org/<script>"}, 400, "header-invalid"),
    ],
)
async def test_a_header_that_cannot_be_honoured_stops_a_write(
    client: httpx.AsyncClient, headers: dict[str, str], status: int, code: str
) -> None:
    """Nothing is stored for a client that could not have read the answer."""
    stored = await count(client)
    assert_outcome(await client.post("/Patient", content=VALID, headers=headers), status, code)
    assert await count(client) == stored


@pytest.mark.parametrize(
    "url",
    [
        "/Patient/%00",
        "/Patient/%ff",
        "/Patient/..%2f..%2fetc",
        "/Patient/%2e%2e",
        "//Patient",
        "/Patient//1",
        "/Patient?name=%00",
        "/Patient?_id=%ff",
        "/Patient?_id=a%",
        "/Patient?=",
        "/Patient?&&&",
        "/Patient?_count=99999999999999999999",
        "/Patient?_cursor=x",
        "/Patient?_lastUpdated=99999",
        "/Patient?_id=" + ",".join(["a"] * 2000),
        "/Patient/1/_history/99999999999999999999",
        "/_history?_count=-1",
        "/_history?_since=yesterday",
        "/%F0%9F%92%86",
        "/Patient?" + "a=b&" * 1001,
        "/Patient?identifier=|",
        "/Patient?identifier='; DROP TABLE resource; --",
    ],
)
async def test_a_strange_address_never_breaks_the_service(client: httpx.AsyncClient, url: str) -> None:
    """Answered or refused, but understood."""
    response = await client.get(url)
    assert response.status_code in {200, 400, 404, 422}, response.text
    assert response.json()["resourceType"] in {"Bundle", "OperationOutcome"}


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(("Patient", "Patient/1", "urn:uuid:x", "2026-01-09", "official", "")),
)
NAMES = st.one_of(
    st.sampled_from(
        ("resourceType", "id", "meta", "name", "identifier", "contact", "link", "extension", "contained", "text", "_id")
    ),
    st.text(max_size=5),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=15
)
BROKEN = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@BROKEN
@given(body=st.one_of(st.binary(max_size=60), VALUES.map(lambda value: json.dumps(value).encode())))
async def test_no_body_breaks_the_service(client: httpx.AsyncClient, body: bytes) -> None:
    """Whatever is posted to a type or to the base is answered below 500."""
    for url in ("/Patient", "/", "/Patient/$validate"):
        response = await client.post(url, content=body, headers=FHIR)
        assert response.status_code < 500, (url, body, response.text)


@BROKEN
@given(changes=st.dictionaries(NAMES, VALUES, max_size=4))
async def test_no_element_breaks_the_service(client: httpx.AsyncClient, changes: dict[str, object]) -> None:
    """A patient with anything in its elements is stored or refused."""
    body = json.dumps(patient(1, id="broken") | changes)
    response = await client.put("/Patient/broken", content=body, headers=FHIR)
    assert response.status_code < 500, (changes, response.text)


@BROKEN
@given(
    document=st.lists(
        st.fixed_dictionaries(
            {
                "op": st.sampled_from(("add", "remove", "replace", "move", "copy", "test", "x")),
                "path": st.text(max_size=9),
            },
            optional={"value": VALUES, "from": st.text(max_size=9)},
        )
        | VALUES,
        max_size=3,
    )
)
async def test_no_patch_breaks_the_service(client: httpx.AsyncClient, document: list[object]) -> None:
    """A JSON Patch applies, or it is refused."""
    await client.put("/Patient/patched", json=patient(1, id="patched"))
    response = await client.patch(
        "/Patient/patched", content=json.dumps(document), headers={"Content-Type": "application/json-patch+json"}
    )
    assert response.status_code < 500, (document, response.text)


@BROKEN
@given(
    name=st.one_of(
        st.sampled_from(
            ("name", "identifier", "birthdate", "_id", "_lastUpdated", "_count", "link", "_tag", "_cursor")
        ),
        st.text(max_size=8),
    ),
    modifier=st.sampled_from(("", ":exact", ":contains", ":missing", ":not", ":Patient", ":", ":x")),
    value=st.one_of(
        st.text(max_size=20), st.sampled_from(("|", "a|b|c", "ge2026", "2026-13-01", "\\,", ",,", "Patient/1"))
    ),
)
async def test_no_search_breaks_the_service(client: httpx.AsyncClient, name: str, modifier: str, value: str) -> None:
    """A parameter is understood or refused."""
    response = await client.get("/Patient", params={f"{name}{modifier}": value})
    assert response.status_code < 500, (name, modifier, value, response.text)


@pytest.mark.parametrize(
    "url",
    [
        "Patient?name=%00",
        "Patient?_id=%ff",
        "Patient/%00",
        "Patient/%ff",
        "Patient?name=%zz",
        "//",
        "?",
        "Patient/1/2/3",
    ],
)
async def test_a_strange_address_inside_of_a_bundle_never_breaks_the_service(
    client: httpx.AsyncClient, url: str
) -> None:
    """An entry's URL is no less hostile than one of HTTP."""
    entry = {"request": {"method": "GET", "url": url}}
    response = await client.post("/", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]})
    assert response.status_code in {200, 400}, response.text
    if response.status_code == 200:
        assert response.json()["entry"][0]["response"]["status"][:1] in "24", response.text
