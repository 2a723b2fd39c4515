"""Visits of the demo: booked, arrived at, delivered with what is measured, or not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import ACT_CODE, OBSERVATION_CATEGORY, SNOMED, UCUM
from service.fhir.concept import coded
from service.fhir.stamp import instant_text
from service.massage.cycle.terms import PRE_SESSION_CHECK
from service.massage.cycle.units import TIMED_UNITS, timed_units
from service.massage.profiles import canonical as profile
from service.massage.protocol.goals import measure_concept
from service.massage.systems import TECHNIQUE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from service.demo.patients import Person
    from service.fhir.resource import Content
    from service.massage.assessment.rows import Form, Item
    from service.massage.catalogue.rows import OutcomeMeasure

_SOON: Final = timedelta(minutes=5)
_NOTES: Final = (
    "Tissue softer than at the last visit; left side more than right.",
    "Guarding at the beginning, less at the end.",
    "Taut bands as before; well tolerated.",
    "Light pressure only, as the patient asked for.",
)


def appointment(person: Person, logical_id: str, about: Content, start: datetime) -> Content:
    """A booked visit."""
    return {
        "resourceType": "Appointment",
        "id": logical_id,
        "status": "booked",
        "description": "Medical massage",
        "start": instant_text(start),
        "end": instant_text(start + timedelta(minutes=person.protocol.minutes)),
        "basedOn": about["basedOn"],
        "participant": [
            {"actor": about["subject"], "status": "accepted"},
            {"actor": {"reference": f"Practitioner/{person.therapist.id}"}, "status": "accepted"},
        ],
    }


def arrival(
    person: Person, ids: tuple[str, str], about: Content, visit: str, start: datetime, answers: list[Content]
) -> list[Content]:
    """The safety check with its answers, and the Encounter that begins."""
    check, encounter = ids
    return [
        {
            "resourceType": "QuestionnaireResponse",
            "id": check,
            "questionnaire": PRE_SESSION_CHECK,
            "status": "completed",
            "subject": about["subject"],
            "encounter": {"reference": f"Encounter/{encounter}"},
            "authored": instant_text(start),
            "item": answers,
        },
        {
            "resourceType": "Encounter",
            "id": encounter,
            "status": "in-progress",
            "class": {"system": ACT_CODE, "code": "AMB"},
            "subject": about["subject"],
            "basedOn": about["basedOn"],
            "appointment": [{"reference": f"Appointment/{visit}"}],
            "participant": [{"individual": {"reference": f"Practitioner/{person.therapist.id}"}}],
            "period": {"start": instant_text(start)},
            "serviceProvider": {"reference": person.clinic.reference},
        },
    ]


def session(person: Person, ids: Sequence[str], about: Content, encounter: str, start: datetime) -> list[Content]:
    """The delivered session, and each technique in it; `ids` are as many as these together."""
    end = start + timedelta(minutes=person.protocol.minutes)
    own, *parts = ids
    shared: Content = {
        "resourceType": "Procedure",
        "status": "completed",
        "subject": about["subject"],
        "encounter": {"reference": f"Encounter/{encounter}"},
        "performedPeriod": {"start": instant_text(start), "end": instant_text(end)},
        "performer": [{"actor": {"reference": f"Practitioner/{person.therapist.id}"}}],
    }
    minutes = person.protocol.minutes
    found: list[Content] = [
        shared
        | {
            "id": own,
            "meta": {"profile": [profile("massage-session")]},
            "extension": [{"url": TIMED_UNITS, "valueUnsignedInt": timed_units(minutes)}],
            "basedOn": [*about["basedOn"], {"reference": about["plan"]}],
            "code": coded(SNOMED, "387854002", "Medical massage"),
            "reasonReference": about["addresses"],
            "bodySite": about["bodySite"],
            "note": [{"text": _NOTES[start.toordinal() % len(_NOTES)]}],
        }
    ]
    uses = [use.code for use in person.protocol.techniques]
    for logical_id, technique in zip(parts, uses, strict=False):
        found.append(
            shared
            | {
                "id": logical_id,
                "partOf": [{"reference": f"Procedure/{own}"}],
                "code": coded(TECHNIQUE, technique),
                "bodySite": about["bodySite"],
            }
        )
    return found


def observation(
    logical_id: str,
    about: Content,
    code: str,
    measure: OutcomeMeasure,
    value: Decimal,
    moment: datetime,
    **elements: Any,
) -> Content:
    """A measurement."""
    unit = measure.values[0].unit
    concept = measure_concept(code, measure)
    return {
        "resourceType": "Observation",
        "id": logical_id,
        "meta": {"profile": [profile("massage-outcome")]},
        "status": "final",
        "category": [coded(OBSERVATION_CATEGORY, "exam" if unit in {"deg", "cm", "mm"} else "survey")],
        "code": concept,
        "subject": about["subject"],
        "basedOn": about["basedOn"],
        "effectiveDateTime": instant_text(moment),
        "performer": about["performer"],
        "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
    } | elements


def all_clear(form: Form) -> list[Content]:
    """No to every question of the safety check that asks for a danger."""
    return _all_clear(form.item)


def _all_clear(items: Sequence[Item]) -> list[Content]:
    found: list[Content] = []
    for each in items:
        if each.item:
            found.append({"linkId": each.id, "text": each.text, "item": _all_clear(each.item)})
        elif each.flag:
            found.append({"linkId": each.id, "text": each.text, "answer": [{"valueBoolean": False}]})
    return found


def after(person: Person, start: datetime) -> datetime:
    """When a visit is over and written down."""
    return start + timedelta(minutes=person.protocol.minutes) + _SOON
