"""A referral of six sessions with all that a report tells, in numbers that are easily worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from service.documents.case import Knowledge, case_of
from service.massage.catalogue.published import canonical
from service.massage.catalogue.rows import load
from service.massage.cycle.view import View
from service.massage.outcome import Measures
from service.massage.payers import load as load_payers
from tests.builders import loop

if TYPE_CHECKING:
    from service.documents.case import Case
    from service.massage.catalogue.rows import Catalogue

Json = dict[str, Any]

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
BASE: Final = "https://fhir.example.org/fhir"
TECHNIQUE: Final = canonical("CodeSystem", "massage-technique")
PAIN: Final[Json] = {"coding": [{"system": "http://loinc.org", "code": "72514-3"}]}
DISABILITY: Final[Json] = {"coding": [{"system": "http://loinc.org", "code": "97909-6"}]}
_FIRST: Final = datetime(2026, 1, 12, 9, tzinfo=UTC)


@cache
def catalogue() -> Catalogue:
    """The rows of the service, read once."""
    return load()


@cache
def knowledge() -> Knowledge:
    """What the documents of the service are made by."""
    return Knowledge(catalogue=catalogue(), measures=Measures(catalogue()), payers=load_payers())


def people() -> list[Json]:
    """The patient, who ordered, who treats, and where."""
    return [
        {
            "resourceType": "Patient",
            "id": "anna",
            "name": [{"given": ["Anna"], "family": "Example"}],
            "birthDate": "1980-02-29",
        },
        {"resourceType": "Organization", "id": "clinic", "name": "Example Clinic"},
        {"resourceType": "Practitioner", "id": "doctor", "name": [{"text": "Dr Dora Doe"}]},
        {"resourceType": "PractitionerRole", "id": "doctor", "practitioner": {"reference": "Practitioner/doctor"}},
        {"resourceType": "Practitioner", "id": "thea", "name": [{"given": ["Thea"], "family": "Ravn"}]},
    ]


def goal(name: str, text: str, measure: Json, value: int, unit: str) -> Json:
    """A goal in a number, by the middle of March."""
    quantity = {"value": value, "system": "http://unitsofmeasure.org", "code": unit}
    target = {"measure": measure, "detailQuantity": quantity, "dueDate": "2026-03-15"}
    return loop.goal(id=name, description={"text": text}, target=[target])


def measured(name: str, code: Json, number: int, value: int, unit: str) -> Json:
    """A measurement on the day of the n-th session, before it."""
    return {
        "resourceType": "Observation",
        "id": f"{name}-{number}",
        "status": "final",
        "code": code,
        "subject": {"reference": "Patient/anna"},
        "basedOn": [{"reference": "ServiceRequest/order"}],
        "partOf": [{"reference": f"Procedure/session{number}"}],
        "effectiveDateTime": (_FIRST + timedelta(weeks=number - 1, minutes=-5)).isoformat(),
        "valueQuantity": {"value": Decimal(value), "system": "http://unitsofmeasure.org", "code": unit},
    }


def session(number: int, **elements: Any) -> Json:
    """The n-th session: an hour, a week apart."""
    start = _FIRST + timedelta(weeks=number - 1)
    return {
        "resourceType": "Procedure",
        "id": f"session{number}",
        "status": "completed",
        "code": {"coding": [{"system": TECHNIQUE, "code": "deep-tissue", "display": "Deep tissue massage"}]},
        "subject": {"reference": "Patient/anna"},
        "basedOn": [{"reference": "ServiceRequest/order"}],
        "performedPeriod": {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()},
        "performer": [{"actor": {"reference": "Practitioner/thea"}}],
        "bodySite": [{"text": "Lower back"}],
        "note": [{"text": f"Finding {number}: muscles of the lower back less tense than before."}],
    } | elements


def contents(
    pain: tuple[int, ...] = (7, 6, 6, 5, 4, 3), disability: tuple[int, ...] = (42, 40, 36, 33, 30, 26)
) -> list[Json]:
    """The whole episode; as many sessions as there are ratings of pain."""
    subject = {"subject": {"reference": "Patient/anna"}}
    goals = [goal("pain", "Less pain", PAIN, 5, "{score}"), goal("work", "Back to work", DISABILITY, 32, "%")]
    return [
        loop.referral(**subject, performer=[{"reference": "Organization/clinic"}]),
        *people(),
        loop.task(status="in-progress", owner={"reference": "Organization/clinic"}),
        loop.plan(
            **subject,
            title="Low back pain, six sessions",
            period={"start": "2026-01-12", "end": "2026-03-15"},
            goal=[{"reference": "Goal/pain"}, {"reference": "Goal/work"}],
        ),
        *(each | subject for each in goals),
        *(session(number) for number in range(1, len(pain) + 1)),
        *(measured("pain", PAIN, number, value, "{score}") for number, value in enumerate(pain, 1)),
        *(measured("work", DISABILITY, number, value, "%") for number, value in enumerate(disability, 1)),
    ]


def case(*more: Json, plan: Json | None = None, unread: tuple[str, ...] = ()) -> Case:
    """The episode with what replaces a part of it or is added to it."""
    resources: dict[str, dict[str, Json]] = {}
    for each in (*contents(), *more):
        resources.setdefault(each["resourceType"], {})[each["id"]] = each
    view = View("order", resources, BASE)
    return case_of(view, knowledge(), base=BASE, now=NOW, zone=UTC, unread=unread, plan=plan)
