"""A synthetic clinic of any size: what massage clinics and the practices that refer to them store over two years.

`clinic(count)` yields `count` resources in the order in which they would arrive, so that the resources of one patient
lie as far apart as they would in practice. The same count and seed give the same resources, one at a time. Clinics,
therapists and referring physicians grow with the count; a clinic's size does not. Every person is made up of syllables.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count as count_from
from typing import Any, Final

from service.fhir.code_systems import SNOMED, UCUM
from tests.benchmarks.names import family_name
from tests.builders.resources import (
    CLINIC,
    EHR,
    TERMINOLOGY,
    care_plan,
    concept,
    identifier,
    observation,
    patient,
    reference,
    service_request,
)

Json = dict[str, Any]
Events = Iterator[tuple[datetime, list[Json]]]
"""What one referral adds, and when."""

BEGIN: Final = datetime(2024, 1, 1, 7, tzinfo=UTC)
TWO_YEARS: Final = timedelta(days=730)
END: Final = BEGIN + TWO_YEARS
PAIN: Final = "72514-3"
RANGE_OF_MOTION: Final = "range-of-motion"
MEASURES: Final = f"{CLINIC}/measures"

_PER_REFERRAL: Final = 31.5
"""Resources that one referral comes to, with its share of patients, clinics and practices."""
_REFERRALS_PER_CLINIC: Final = 150
_THERAPISTS: Final = 4
_REFERRERS: Final = 5
_NEW_PATIENTS: Final = 0.55
_GIVEN: Final = ("Pat", "Sam", "Alex", "Robin", "Kim", "Chris", "Jo", "Toni", "Lee", "Max", "Sasha", "Charlie")
_DIAGNOSES: Final = (("M54.50", "Low back pain"), ("M54.2", "Neck pain"), ("M79.10", "Myalgia"))
_SESSION: Final = concept(SNOMED, "387854002", "Medical massage")
_FULFILL: Final = concept("http://hl7.org/fhir/CodeSystem/task-code", "fulfill")
_AMBULATORY: Final = {"system": f"{TERMINOLOGY}/v3-ActCode", "code": "AMB", "display": "ambulatory"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Referral:
    number: int
    patient: int
    clinic: int
    referrer: int
    therapist: int
    authored: datetime
    sessions: int
    backlog: bool
    """Nobody at the clinic has dealt with it."""
    score: int
    degrees: float


def clinics_of(count: int) -> int:
    """How many clinics there are among `count` resources."""
    return max(2, round(count / _PER_REFERRAL / _REFERRALS_PER_CLINIC))


def clinic(count: int, *, seed: int = 1) -> Iterator[Json]:
    """`count` resources, each with an id; references point backwards."""
    left = count
    for content in _endless(count, random.Random(seed)):  # noqa: S311 - made-up data, the same every time
        if left == 0:
            return
        left -= 1
        yield content


def _endless(count: int, dice: random.Random) -> Iterator[Json]:
    clinics = clinics_of(count)
    yield from _staff(clinics)
    between = TWO_YEARS / max(1.0, count / _PER_REFERRAL)
    patients = 0
    numbers = count_from()
    waiting: list[tuple[datetime, int, list[Json], Events]] = []
    for number in count_from(1):
        authored = BEGIN + number * between
        while waiting and waiting[0][0] <= authored:
            _, _, contents, following = heapq.heappop(waiting)
            yield from contents
            _wait(waiting, following, next(numbers))
        is_new = patients == 0 or dice.random() < _NEW_PATIENTS
        patients += is_new
        who = patients if is_new else dice.randint(1, patients)
        referral = _referral(number, who, clinics, authored, dice)
        if is_new:
            yield from _registration(referral, dice)
        _wait(waiting, _episode(referral, dice), next(numbers))


def _wait(waiting: list[tuple[datetime, int, list[Json], Events]], events: Events, number: int) -> None:
    """Put the next event of an episode, if there is one, in its place in time."""
    following = next(events, None)
    if following is not None:
        heapq.heappush(waiting, (following[0], number, following[1], events))


def _referral(number: int, who: int, clinics: int, authored: datetime, dice: random.Random) -> _Referral:
    at = who % clinics
    return _Referral(
        number=number,
        patient=who,
        clinic=at,
        referrer=at * _REFERRERS + dice.randrange(_REFERRERS),
        therapist=at * _THERAPISTS + dice.randrange(_THERAPISTS),
        authored=authored,
        sessions=dice.choice((6, 6, 8, 10)),
        backlog=dice.random() < 0.2,
        score=dice.randint(4, 9),
        degrees=round(dice.uniform(20, 60), 1),
    )


def _staff(clinics: int) -> Iterator[Json]:
    for at in range(clinics):
        yield _organization(f"clinic-{at}", f"Clinic {family_name(at)}")
        yield _organization(f"practice-{at}", f"Practice {family_name(at + 1)}")
        for number in range(at * _THERAPISTS, (at + 1) * _THERAPISTS):
            yield _practitioner(f"therapist-{number}", number)
        for number in range(at * _REFERRERS, (at + 1) * _REFERRERS):
            yield _practitioner(f"physician-{number}", number + 7_000)
            yield {
                "resourceType": "PractitionerRole",
                "id": f"role-{number}",
                "identifier": [identifier(f"{EHR}/roles", f"ROLE-{number}")],
                "active": True,
                "practitioner": reference(f"Practitioner/physician-{number}"),
                "organization": reference(f"Organization/practice-{at}"),
                "code": [concept(f"{TERMINOLOGY}/practitioner-role", "doctor")],
            }


def _organization(logical_id: str, name: str) -> Json:
    return {
        "resourceType": "Organization",
        "id": logical_id,
        "identifier": [identifier(f"{CLINIC}/organizations", logical_id)],
        "active": True,
        "name": name,
        "telecom": [{"system": "email", "value": f"{logical_id}@example.org"}],
    }


def _practitioner(logical_id: str, number: int) -> Json:
    return {
        "resourceType": "Practitioner",
        "id": logical_id,
        "identifier": [identifier(f"{CLINIC}/staff", logical_id)],
        "name": [{"family": family_name(number), "given": [_GIVEN[number % len(_GIVEN)]]}],
    }


def _registration(referral: _Referral, dice: random.Random) -> Iterator[Json]:
    number = referral.patient
    given = [_GIVEN[number % len(_GIVEN)]]
    yield patient(
        number,
        id=f"patient-{number}",
        name=[{"use": "official", "family": family_name(number), "given": given}],
        gender=dice.choice(("female", "male", "other")),
        birthDate=f"{dice.randint(1935, 2010)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}",
        telecom=[{"system": "phone", "value": f"+1-555-{number:07}", "use": "home"}],
        address=[{"city": f"{family_name(number % 50)} Springs", "postalCode": f"{10_000 + number % 900}"}],
        managingOrganization=reference(f"Organization/clinic-{referral.clinic}"),
    )
    yield {
        "resourceType": "Coverage",
        "id": f"coverage-{number}",
        "status": "active",
        "subscriberId": f"MEMBER-{number}",
        "beneficiary": reference(f"Patient/patient-{number}"),
        "relationship": concept(f"{TERMINOLOGY}/subscriber-relationship", "self"),
        "payor": [{"display": "Example Payer"}],
    }


def _episode(referral: _Referral, dice: random.Random) -> Events:
    """Order and task; then, unless the task waits, plan, goal and weekly sessions."""
    yield referral.authored, _order(referral, dice)
    if referral.backlog:
        return
    accepted = referral.authored + timedelta(hours=dice.randint(5, 120))
    yield accepted, _plan(referral, accepted)
    for session in range(referral.sessions):
        began = accepted + timedelta(days=7 * session + dice.randint(1, 4), minutes=dice.randint(0, 600))
        yield began, _session(referral, session, began, dice)


def _order(referral: _Referral, dice: random.Random) -> list[Json]:
    number, subject = referral.number, f"Patient/patient-{referral.patient}"
    role = f"PractitionerRole/role-{referral.referrer}"
    clinic_at = reference(f"Organization/clinic-{referral.clinic}")
    code, text = dice.choice(_DIAGNOSES)
    diagnosis = concept("http://hl7.org/fhir/sid/icd-10-cm", code, text)
    condition = {
        "resourceType": "Condition",
        "id": f"condition-{number}",
        "clinicalStatus": concept(f"{TERMINOLOGY}/condition-clinical", "active"),
        "verificationStatus": concept(f"{TERMINOLOGY}/condition-ver-status", "confirmed"),
        "category": [concept(f"{TERMINOLOGY}/condition-category", "problem-list-item")],
        "code": diagnosis,
        "subject": reference(subject),
        "recordedDate": referral.authored.date().isoformat(),
    }
    order = service_request(
        subject,
        role,
        number=number,
        id=f"order-{number}",
        status="active" if _age(referral) < timedelta(days=90) else "completed",
        authoredOn=_text(referral.authored),
        performer=[clinic_at],
        reasonCode=[diagnosis],
        reasonReference=[reference(f"Condition/condition-{number}")],
        insurance=[reference(f"Coverage/coverage-{referral.patient}")],
    )
    task = {
        "resourceType": "Task",
        "id": f"task-{number}",
        "identifier": [identifier(f"{CLINIC}/tasks", f"TASK-{number}")],
        "status": _status(referral),
        "intent": "order",
        "code": _FULFILL,
        "focus": reference(f"ServiceRequest/order-{number}"),
        "for": reference(subject),
        "authoredOn": _text(referral.authored),
        "requester": reference(role),
        "owner": clinic_at,
    }
    return [condition, order, task]


def _status(referral: _Referral) -> str:
    age = _age(referral)
    if referral.backlog or age < timedelta(days=4):
        return "requested" if referral.number % 2 else "accepted"
    return "completed" if age > timedelta(weeks=10) else "in-progress"


def _age(referral: _Referral) -> timedelta:
    return END - referral.authored


def _plan(referral: _Referral, accepted: datetime) -> list[Json]:
    number, subject = referral.number, f"Patient/patient-{referral.patient}"
    goal = {
        "resourceType": "Goal",
        "id": f"goal-{number}",
        "lifecycleStatus": "active",
        "description": {"text": "Less pain at rest"},
        "subject": reference(subject),
        "startDate": accepted.date().isoformat(),
    }
    plan = care_plan(
        subject,
        f"ServiceRequest/order-{number}",
        id=f"plan-{number}",
        goal=[reference(f"Goal/goal-{number}")],
        period={"start": accepted.date().isoformat(), "end": (accepted + timedelta(weeks=10)).date().isoformat()},
        created=accepted.date().isoformat(),
    )
    return [goal, plan]


def _session(referral: _Referral, session: int, began: datetime, dice: random.Random) -> list[Json]:
    """An hour at the clinic: encounter, procedure, pain before and after, and how far the joint moves."""
    key = f"{referral.number}-{session + 1}"
    subject = f"Patient/patient-{referral.patient}"
    ended = began + timedelta(hours=1)
    period = {"start": _text(began), "end": _text(ended)}
    therapist = reference(f"Practitioner/therapist-{referral.therapist}")
    encounter = {
        "resourceType": "Encounter",
        "id": f"encounter-{key}",
        "status": "finished",
        "class": _AMBULATORY,
        "subject": reference(subject),
        "basedOn": [reference(f"ServiceRequest/order-{referral.number}")],
        "participant": [{"individual": therapist}],
        "period": period,
        "serviceProvider": reference(f"Organization/clinic-{referral.clinic}"),
    }
    procedure = {
        "resourceType": "Procedure",
        "id": f"procedure-{key}",
        "basedOn": [reference(f"CarePlan/plan-{referral.number}")],
        "status": "completed",
        "code": _SESSION,
        "subject": reference(subject),
        "encounter": reference(f"Encounter/encounter-{key}"),
        "performedPeriod": period,
        "performer": [{"actor": therapist}],
        "note": [{"text": "Myofascial release and effleurage of the region of complaint; no adverse reaction."}],
    }
    shared = {
        "basedOn": [reference(f"ServiceRequest/order-{referral.number}")],
        "partOf": [reference(f"Procedure/procedure-{key}")],
        "encounter": reference(f"Encounter/encounter-{key}"),
        "performer": [therapist],
    }
    before = max(0, referral.score - session // 2 + dice.randint(-1, 1))
    after = max(0, before - dice.randint(0, 2))
    found = [
        observation(subject, score=before, id=f"before-{key}", effectiveDateTime=_text(began), **shared),
        observation(subject, score=after, id=f"after-{key}", effectiveDateTime=_text(ended), **shared),
    ]
    if session % 2:
        found.append(_range_of_motion(referral, session, subject, f"motion-{key}", _text(ended), shared))
    return [encounter, procedure, *found]


def _range_of_motion(
    referral: _Referral, session: int, subject: str, logical_id: str, ended: str, shared: Json
) -> Json:
    degrees = round(referral.degrees + 3.7 * session, 1)
    return observation(
        subject,
        id=logical_id,
        category=[concept(f"{TERMINOLOGY}/observation-category", "exam")],
        code=concept(MEASURES, RANGE_OF_MOTION, "Range of motion of the joint of complaint"),
        effectiveDateTime=ended,
        valueQuantity={"value": degrees, "unit": "degrees", "system": UCUM, "code": "deg"},
        **shared,
    )


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
