"""Criteria in the place of an id, by who sees none or some of what they would match: nothing is changed, or told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.auth.portal import portal_settings, register_portal, signed_in
from tests.api.auth.test_issuers import key_server
from tests.api.auth.test_scopes import Door, bundle, door, entry, observation

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers
    from tests.api.auth.test_jwks_url import KeyServer

__all__ = ["key_server"]

Json = dict[str, Any]

OPENED = {"X-Break-Glass": "These ids are the tests' own."}
HIDDEN, NOTHING = "hidden", "absent"
"""What the criteria say: what only its maker sees, and what never was, in as many characters."""

CRITERIA = {
    "an id": "Observation?_id={0}&_lastUpdated=gt2000",
    "an identifier": "Observation?identifier=urn:o|{0}",
    "a code and what it is not": "Observation?code={0}&status:not=entered-in-error",
    "what is missing": "Observation?code={0}&performer:missing=true",
    "a chain": "Observation?subject:Patient.identifier=urn:mrn|{0}",
    "a patient": "Patient?identifier=urn:mrn|{0}",
    "a reverse chain": "Patient?_has:Observation:subject:code={0}",
}


def content(criteria: str, told: str, **more: Any) -> Json:
    """What the criteria describe."""
    if criteria.startswith("Patient"):
        return {"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": told}], **more}
    return observation(code=told, patient="Patient/a") | {"identifier": [{"system": "urn:o", "value": told}], **more}


def patched() -> Json:
    return {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": "W10="}


Sent = tuple[str, str, Any, dict[str, str]]


def alone(method: str, url: str, told: str) -> list[Sent]:
    """The requests of one method, with their bodies and headers."""
    kind = url.partition("?")[0]
    patch = {"Content-Type": "application/json-patch+json"}
    change = [{"op": "add", "path": "/language", "value": "xx"}]
    own = content(url, told)
    if method == "PATCH":
        conditions: list[dict[str, str]] = [{}, {"If-Match": 'W/"1"'}, {"If-Match": 'W/"7"'}]
        return [
            *(("PATCH", url, change, patch | each) for each in conditions),
            ("PATCH", url, [{"op": "test", "path": "/status", "value": "final"}], patch),
            ("PATCH", url, [], patch | {"Prefer": "return=representation"}),
        ]
    if method == "PUT":
        return [
            ("PUT", url, own, {}),
            ("PUT", url, own, {"If-Match": 'W/"1"'}),
            ("PUT", url, own, {"If-Match": 'W/"7"'}),
            ("PUT", url, own, {"If-None-Match": "*"}),
            ("PUT", url, own | {"id": told}, {"Prefer": "return=representation"}),
        ]
    if method == "DELETE":
        return [("DELETE", url, None, {}), ("DELETE", url, None, {"If-Match": 'W/"7"'})]
    return [("POST", kind, own, {"If-None-Exist": url.partition("?")[2]})]


def together(method: str, url: str, told: str) -> list[Sent]:
    """The same as entries, beside others that delete and refer by the same criteria."""
    kind, _, query = url.partition("?")
    one = {
        "PATCH": entry("PATCH", url, patched()),
        "PUT": entry("PUT", url, content(url, told)),
        "DELETE": entry("DELETE", url),
        "POST": entry("POST", kind, content(url, told), ifNoneExist=query),
    }[method]
    basic = {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": url}}
    referring = entry("POST", "Basic", basic)
    made = [
        bundle("transaction", one),
        bundle("batch", one),
        bundle("transaction", referring),
        bundle("transaction", one, referring),
        bundle("transaction", entry("DELETE", f"{kind}/{told}"), referring),
        bundle("transaction", entry("DELETE", url), entry("GET", f"{url}&_summary=count")),
        bundle("batch", entry("GET", f"{kind}/{told}"), entry("GET", f"{url}&_total=accurate")),
    ]
    return [("POST", "", each, {"Prefer": "return=representation"}) for each in made]


@pytest.fixture(scope="module")
def auth_settings(key_server: KeyServer) -> Json:
    return portal_settings(key_server)


BASIC = "system/Basic.cruds"
FILTERED = {
    "a filter on all": f"system/Observation.cruds?category=survey system/Patient.cruds?gender=other {BASIC}",
    "a filter on finding": f"system/Observation.cud system/Observation.rs?category=survey "
    f"system/Patient.cud system/Patient.rs?gender=other {BASIC}",
    "a filter on changing": f"system/Observation.s?category=survey system/Observation.u?category=vital-signs "
    f"system/Patient.s?gender=other system/Patient.u {BASIC}",
    "nothing but writing": f"system/Observation.cud system/Patient.cud {BASIC}",
}
SIGNED_IN: dict[str, Json] = {
    "launched for another": {"scope": "patient/Observation.cruds patient/Patient.cruds " + BASIC, "patient": "a"},
    "launched for another, a clinician": {
        "scope": "patient/Observation.cruds patient/Patient.cruds user/Basic.cruds",
        "patient": "a",
        "fhirUser": "Practitioner/1",
    },
    "another patient": {
        "scope": "user/Observation.cruds user/Patient.cruds " + BASIC,
        "fhirUser": "Patient/a",
    },
    "for another patient": {"scope": "user/*.cruds", "fhirUser": "RelatedPerson/r", "patient": "a"},
}


@pytest.fixture(scope="module")
async def attackers(workers: Workers, key_server: KeyServer) -> dict[str, Door]:
    """Who sees nothing of a vital sign of a patient whom the clinic looks after."""
    own = {"organisation": "Organization/clinic"}
    filler = await door(workers, "system/*.cruds", role="administrator", **own)
    for name in ("a", "hidden-patient"):
        told = HIDDEN if name != "a" else "other"
        made = content("Patient", told, id=name, gender="female")
        assert (await filler("PUT", f"Patient/{name}", made, **OPENED)).status_code == 201
    made = content("Observation", HIDDEN, id=HIDDEN) | {"subject": {"reference": "Patient/hidden-patient"}}
    made["category"] = [{"coding": [{"code": "vital-signs"}]}]
    assert (await filler("PUT", f"Observation/{HIDDEN}", made, **OPENED)).status_code == 201
    await register_portal(workers, key_server, f"user/*.cruds patient/*.cruds {BASIC}")
    return {
        "another clinic": await door(workers, "system/*.cruds", organisation="Organization/other"),
        "another referrer": await door(workers, "system/*.cruds", role="referrer", organisation="Organization/third"),
        "an administrator": await door(workers, "system/*.cruds", role="administrator", organisation=None),
        **{name: await door(workers, scope, **own) for name, scope in FILTERED.items()},
        **{name: signed_in(workers, key_server, **claims) for name, claims in SIGNED_IN.items()},
        "": filler,
    }


ATTACKERS = ["another clinic", "another referrer", "an administrator", *FILTERED, *SIGNED_IN]

_MADE = re.compile(r"\w+/[0-9a-f]{8}-[0-9a-f-]{27}")
_CHANGING = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)")
_OF_ITS_TIME = {"x-request-id", "date", "last-modified"}


async def answer_to(attacker: Door, sent: Sent, told: str) -> tuple[Any, ...]:
    """What is answered, without what differs from one to the next; what was made is deleted again."""
    method, url, body, headers = sent
    answered = await attacker(method, url, body, **headers)
    told_of = f"{answered.text} {answered.headers.get('location')}"
    for made in set(_MADE.findall(told_of)):
        await attacker("DELETE", made)

    def plain(text: str) -> str:
        return _CHANGING.sub("*", text).replace(told, "told")

    kept = {name: plain(value) for name, value in answered.headers.items() if name not in _OF_ITS_TIME}
    return answered.status_code, kept | {"content-length": ""}, plain(answered.text)


async def versions(filler: Door) -> list[str]:
    """Every version of what must not change."""
    found = []
    for target in (f"Observation/{HIDDEN}", f"Patient/{HIDDEN}-patient", "Patient/a"):
        answered = await filler("GET", f"{target}/_history", **OPENED)
        assert answered.status_code == 200
        found.append(answered.text.partition('"entry"')[2])
    return found


@pytest.mark.parametrize("name", ATTACKERS)
async def test_criteria_change_nothing_and_tell_nothing(attackers: dict[str, Door], name: str) -> None:
    """Alone, in a batch and in a transaction: the same answer to the letter as for what never was."""
    attacker, filler = attackers[name], attackers[""]
    before = await versions(filler)
    for criteria in CRITERIA.values():
        for method in ("PATCH", "PUT", "DELETE", "POST"):
            rows = [
                [*alone(method, url, told), *together(method, url, told)]
                for told in (HIDDEN, NOTHING)
                for url in [criteria.format(told)]
            ]
            for seen, never in zip(*rows, strict=True):
                hidden = await answer_to(attacker, seen, HIDDEN)
                assert hidden == await answer_to(attacker, never, NOTHING), seen
    assert await versions(filler) == before


async def test_who_sees_it_changes_it_by_each_of_the_criteria(attackers: dict[str, Door]) -> None:
    """Else the rows above would show nothing."""
    for criteria in CRITERIA.values():
        patch = {"Content-Type": "application/json-patch+json"}
        answered = await attackers[""]("PATCH", criteria.format(HIDDEN), [], **patch)
        assert (answered.status_code, answered.json()["id"].partition("-")[0]) == (200, HIDDEN), criteria
