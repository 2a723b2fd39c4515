"""Tokens given, refused and revoked, changes of the registry and looks at it are on record for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.validation import Validator
from tests.api.auth.signing import Signer, claims_of, key_set

if TYPE_CHECKING:
    from service.assembly import Standard
    from tests.api.auth.conftest import Workers

TOKEN, REVOKE = "http://testserver/auth/token", "http://testserver/auth/revoke"
CLIENTS = "http://testserver/auth/clients"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"


@pytest.fixture(scope="module")
async def office(workers: Workers) -> Workers:
    await workers.register("office", role="administrator", organisation=None)
    return workers


async def events(office: Workers, query: str) -> list[dict[str, Any]]:
    headers = await office.bearer("office")
    answered = await office.other.get(f"/AuditEvent?{query}", headers=headers)
    assert answered.status_code == 200, answered.text
    return [entry["resource"] for entry in answered.json().get("entry", [])]


def summary(event: dict[str, Any]) -> tuple[str, str, str | None]:
    """Subtype, outcome and what it says of it."""
    return event["subtype"][0]["code"], event["outcome"], event.get("outcomeDesc")


async def test_a_token_is_on_record_and_never_the_assertion(office: Workers, standard: Standard) -> None:
    await office.register("given", "system/Task.rs")
    form = {"grant_type": "client_credentials", "scope": "system/Task.rs", **office.form("given")}
    told = (await office.one.post(TOKEN, data=form)).json()
    (event,) = await events(office, "agent:identifier=given")
    assert summary(event) == ("110122", "0", None)
    assert (event["type"]["system"], event["type"]["code"]) == (DICOM, "110114")
    client, _, organisation = event["agent"]
    assert client["who"]["identifier"]["value"] == "given"
    assert client["network"]["address"] == "127.0.0.1"
    assert organisation["who"] == {"reference": "Organization/clinic"}
    assert Validator(standard.definitions).issues(event, "AuditEvent") == []
    async with office.clients._pool.acquire() as connection:
        kept = "".join(bytes(row[0]).decode() for row in await connection.fetch("SELECT content FROM audit_link"))
    assert form["client_assertion"] not in kept
    assert told["access_token"] not in kept


async def test_who_pretends_to_be_a_client_is_found_by_whom_it_pretends_to_be(office: Workers) -> None:
    await office.register("victim", "system/Task.rs")
    forged = Signer("victim-key").sign(claims_of("victim", now=office.clock.seconds))
    form = {"grant_type": "client_credentials", "scope": "system/Task.rs", **office.form("victim")}
    refused = await office.one.post(TOKEN, data={**form, "client_assertion": forged})
    assert refused.status_code == 401
    (event,) = await events(office, "agent:identifier=victim")
    assert summary(event) == ("110122", "4", "invalid_client")


@pytest.mark.parametrize(
    "form, code",
    [
        ({}, "invalid_request"),
        ({"grant_type": "client_credentials"}, "invalid_client"),
        ({"grant_type": "password", "username": "the-user", "password": "the-password"}, "unsupported_grant_type"),
    ],
)
async def test_who_is_nobody_is_on_record_without_a_name(office: Workers, form: dict[str, str], code: str) -> None:
    before = await events(office, f"type={DICOM}|110114&outcome=4")
    await office.one.post(TOKEN, data=form)
    after = await events(office, f"type={DICOM}|110114&outcome=4")
    assert len(after) == len(before) + 1
    assert summary(after[0]) == ("110122", "4", code)
    assert after[0]["agent"][0]["who"] == {"display": "a client that was not identified"}
    assert "the-password" not in str(after)


async def test_a_revocation_is_on_record(office: Workers) -> None:
    await office.register("revoking", "system/Task.rs")
    headers = await office.bearer("revoking", "system/Task.rs")
    token = headers["Authorization"].partition(" ")[2]
    assert (await office.one.post(REVOKE, data={"token": token, **office.form("revoking")})).status_code == 200
    found = await events(office, "agent:identifier=revoking")
    assert [summary(each) for each in found] == [("110123", "0", None), ("110122", "0", None)]


async def test_changes_of_the_registry_are_on_record_with_who_made_them_and_of_whom(
    office: Workers, standard: Standard
) -> None:
    headers = await office.bearer("office")
    body = {
        "id": "made",
        "name": "Made",
        "role": "referrer",
        "organisation": "Organization/p",
        "jwks": key_set(Signer("k")),
    }
    assert (await office.one.post(CLIENTS, json=body, headers=headers)).status_code == 201
    assert (await office.one.post(CLIENTS, json=body, headers=headers)).status_code == 409
    assert (await office.one.patch(f"{CLIENTS}/made", json={"name": "Other"}, headers=headers)).status_code == 200
    assert (await office.one.post(f"{CLIENTS}/made/disable", headers=headers)).status_code == 200
    found = [each for each in await events(office, "subtype=110137") if "made" in str(each["entity"][0].get("what"))]
    done = [(each["entity"][0]["detail"][0]["valueString"], each["outcome"]) for each in found]
    assert done == [("disable", "0"), ("change", "0"), ("add", "0")]
    assert {each["agent"][0]["who"]["identifier"]["value"] for each in found} == {"office"}
    assert [Validator(standard.definitions).issues(each, "AuditEvent") for each in found] == [[]] * 3


async def test_who_reads_the_registry_is_on_record_with_what_was_read(office: Workers, standard: Standard) -> None:
    await office.register("reader", role="administrator", organisation=None)
    headers = await office.bearer("reader")
    for place, status in (("", 200), ("/office", 200), ("/missing", 404)):
        assert (await office.one.get(f"{CLIENTS}{place}", headers=headers)).status_code == status
    found = await events(office, "type=110113&agent:identifier=reader")
    told = [(summary(each)[:2], each["action"], each["entity"][0]["detail"][0]["valueString"]) for each in found]
    assert told == [
        (("110132", "4"), "R", "read"),
        (("110132", "0"), "R", "read"),
        (("110132", "0"), "R", "list"),
    ]
    whom = [each["entity"][0].get("what", {}).get("identifier", {}).get("value") for each in found]
    assert whom == ["missing", "office", None]
    assert [Validator(standard.definitions).issues(each, "AuditEvent") for each in found] == [[]] * 3


@pytest.mark.parametrize("place", ["", "/office"])
async def test_who_may_not_read_the_registry_is_on_record(office: Workers, place: str) -> None:
    who = f"peeping{len(place)}"
    await office.register(who, "system/*.cruds")
    assert (await office.one.get(f"{CLIENTS}{place}", headers=await office.bearer(who))).status_code == 403
    (event,) = await events(office, f"subtype=110132&agent:identifier={who}")
    assert summary(event) == ("110132", "4", "insufficient_scope")


async def test_who_may_not_change_the_registry_is_on_record(office: Workers) -> None:
    await office.register("curious", "system/*.cruds")
    headers = await office.bearer("curious")
    assert (await office.one.post(f"{CLIENTS}/office/disable", headers=headers)).status_code == 403
    (event,) = await events(office, "subtype=110137&agent:identifier=curious")
    assert summary(event) == ("110137", "4", "insufficient_scope")
    assert event["entity"][0]["what"]["identifier"]["value"] == "office"


async def test_events_of_security_are_told_from_interactions_by_type(office: Workers) -> None:
    await office.register("both", "system/Task.rs")
    headers = await office.bearer("both", "system/Task.rs")
    await office.one.get("/Task", headers=headers)
    by_type = {
        kind: [each["subtype"][0]["code"] for each in await events(office, f"agent:identifier=both&type={kind}")]
        for kind in ("rest", "110114", f"{DICOM}|110114", "rest,110114", "110113", "nonsense")
    }
    assert by_type == {
        "rest": ["search-type"],
        "110114": ["110122"],
        f"{DICOM}|110114": ["110122"],
        "rest,110114": by_type["rest,110114"],
        "110113": [],
        "nonsense": [],
    }
    assert sorted(by_type["rest,110114"]) == ["110122", "search-type"]


async def test_of_requests_that_are_too_many_one_is_on_record_under_their_client(office: Workers) -> None:
    await office.register("hasty", "system/Task.rs", requests_per_minute=2)
    headers = await office.bearer("hasty", "system/Task.rs")
    statuses = [(await office.one.get("/Task", headers=headers)).status_code for _ in range(6)]
    assert statuses == [200, 429, 429, 429, 429, 429]
    found = await events(office, "agent:identifier=hasty&type=rest&outcome=4")
    assert [each["outcomeDesc"].partition(":")[0] for each in found] == ["throttled"]
