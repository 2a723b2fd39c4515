"""What _include and _revinclude bring along and tell, where the scopes do not let the client read every type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api.auth.test_scopes import Door, bundle, door, entry
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers

MOST = 3


@pytest.fixture(scope="module")
def auth_settings() -> dict[str, Any]:
    """So few are included that a handful is too many."""
    return {"max_included": MOST}


def named(resource_type: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": resource_type, **more}


@pytest.fixture(scope="module")
async def led(workers: Workers) -> Workers:
    """An observation of a patient whom an organisation manages, and more provenances of it than are included."""
    filler = await door(workers, "system/*.cruds", role="administrator", organisation=None)
    patient = named("Patient", id="p", managingOrganization={"reference": "Organization/o"})
    subject = {"reference": "Patient/p"}
    observation = named("Observation", id="led", status="final", code={"text": "x"}, subject=subject)
    agents = [{"who": {"reference": "Organization/o"}}]
    targets = [{"reference": "Observation/led"}]
    recorded = "2024-01-01T00:00:00Z"
    sent = [
        named("Organization", id="o", name="O"),
        patient,
        observation,
        *(named("Provenance", id=f"v{n}", target=targets, recorded=recorded, agent=agents) for n in range(MOST + 2)),
    ]
    entries = [entry("PUT", f"{each['resourceType']}/{each['id']}", each) for each in sent]
    opened = {"X-Break-Glass": "These ids are the tests' own."}
    answered = await filler("POST", "", bundle("transaction", *entries), **opened)
    assert answered.status_code == 200, answered.text
    return workers


async def shown(scoped: Door, search: str, **headers: str) -> list[str]:
    answered = await scoped("GET", search, **headers)
    assert answered.status_code == 200, answered.text
    return sorted({each["resource"]["resourceType"] for each in answered.json().get("entry", ())})


THROUGH = [
    "_include=Observation:subject&_include:iterate=Patient:organization",
    "_include=Observation:subject&_include:iterate=Patient:organization:Organization",
    "_include=*&_include:iterate=Patient:*",
    "_include:iterate=*",
]


@pytest.mark.parametrize("include", THROUGH)
async def test_nothing_leads_through_what_may_not_be_read(led: Workers, include: str) -> None:
    """Who manages a patient is told by the patient."""
    glass = {"X-Break-Glass": "What belongs to nobody is looked at."}
    clients = {"role": "administrator", "organisation": None}
    whole = await door(led, "system/Observation.rs system/Patient.r system/Organization.r", **clients)
    search = f"Observation?_id=led&{include}"
    assert {"Patient", "Organization"} <= set(await shown(whole, search, **glass))
    for scope in ("", " system/Patient.s", " system/Patient.r?gender=male"):
        part = await door(led, f"system/Observation.rs system/Organization.r{scope}", **clients)
        assert set(await shown(part, search, **glass)) == {"Observation", "OperationOutcome"}


@pytest.mark.parametrize("include", ["_revinclude=*", "_revinclude:iterate=*"])
async def test_what_may_not_be_read_is_not_counted(led: Workers, include: str) -> None:
    """Else a refusal would tell that there is much of it, and keep what may be read from who asks."""
    glass = {"X-Break-Glass": "What belongs to nobody is looked at."}
    clients = {"role": "administrator", "organisation": None}
    whole = await door(led, "system/*.rs", **clients)
    search = f"Observation?_id=led&_include=Observation:subject&{include}"
    assert_outcome(await whole("GET", search, **glass), 400, "too-costly", "http._include")
    part = await door(led, "system/Observation.rs system/Patient.r", **clients)
    assert await shown(part, search, **glass) == ["Observation", "OperationOutcome", "Patient"]


def performed(performer: str, number: int) -> dict[str, Any]:
    by = [{"reference": performer}]
    when = f"2024-01-{number + 1:02}"
    return named("Observation", status="final", code={"text": "x"}, performer=by, effectiveDateTime=when)


async def test_what_others_store_keeps_nothing_from_being_included(led: Workers) -> None:
    """Everybody refers to the directory; what is hidden uses up no room, however much of it comes first."""
    other, clinic = [await door(led, "system/*.cruds", organisation=f"Organization/{name}") for name in ("x", "y")]
    made = (await clinic("POST", "Practitioner", named("Practitioner"))).json()["id"]
    theirs = [entry("POST", "Observation", performed(f"Practitioner/{made}", each)) for each in range(MOST + 5)]
    assert (await other("POST", "", bundle("transaction", *theirs))).status_code == 200
    assert (await clinic("POST", "Observation", performed(f"Practitioner/{made}", 0))).status_code == 201
    for include in ("Observation:performer", "Observation:*", "*"):
        found = await shown(clinic, f"Practitioner?_id={made}&_revinclude={include}")
        assert found == ["Observation", "Practitioner"], include


async def test_the_matches_keep_nothing_from_being_included(led: Workers) -> None:
    """They are reached again, and are no part of what goes with them."""
    clinic = await door(led, "system/*.cruds", organisation="Organization/z")
    made = (await clinic("POST", "Practitioner", named("Practitioner"))).json()["id"]
    own = [entry("POST", "Observation", performed(f"Practitioner/{made}", each)) for each in range(MOST + 5)]
    assert (await clinic("POST", "", bundle("transaction", *own))).status_code == 200
    back = "_include=Observation:performer&_revinclude:iterate=Observation:performer"
    for sort in ("date", "-date"):
        search = f"Observation?performer=Practitioner/{made}&_sort={sort}&{back}&_count="
        answered = (await clinic("GET", f"{search}{MOST + 3}")).json()["entry"]
        modes = [each["search"]["mode"] for each in answered]
        assert (modes.count("match"), modes.count("include")) == (MOST + 3, 3)
        assert_outcome(await clinic("GET", f"{search}{MOST}"), 400, "too-costly", "http._include")
