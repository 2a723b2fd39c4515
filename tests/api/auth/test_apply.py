"""PlanDefinition/$apply without the rules of the loop: dangers that the caller does not see are not told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.code_systems import ICD10CM
from tests.api.auth.organisations import Organisation, patient, referral
from tests.builders.resources import concept, reference

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers

Json = dict[str, Any]


async def side(workers: Workers, role: str) -> Organisation:
    """An organisation's client."""
    await workers.register(role, role=role, organisation=f"Organization/{role}")
    return Organisation(workers.one, await workers.bearer(role))


async def techniques(caller: Organisation, person: str) -> list[str]:
    """The codes of the techniques of a draft for a patient."""
    answered = await caller("GET", f"PlanDefinition/low-back-pain-6x/$apply?subject={person}")
    assert answered.status_code == 200, answered.text
    (sessions,) = [each for each in answered.json()["contained"] if each["resourceType"] == "ServiceRequest"]
    return [each["coding"][0]["code"] for each in sessions["orderDetail"]]


async def test_a_draft_tells_of_no_danger_that_the_caller_does_not_see(workers: Workers) -> None:
    """The referrer's own note of osteoporosis, which hangs on no referral."""
    referrer, clinic = await side(workers, "referrer"), await side(workers, "clinic")
    person = await referrer.post(patient())
    note: Json = {"resourceType": "Condition", "subject": reference(person), "code": concept(ICD10CM, "M81.0")}
    await referrer.post(note)
    massage = concept("http://snomed.info/sct", "387854002")
    await referrer.post(referral(person, code=massage, reasonCode=[concept(ICD10CM, "M54.50")]))
    assert "deep-tissue" not in await techniques(referrer, person)
    assert "deep-tissue" in await techniques(clinic, person)
