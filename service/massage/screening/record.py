"""What is known of a patient, and what of it counts today.

https://hl7.org/fhir/R4/condition.html, https://hl7.org/fhir/R4/medicationrequest.html and the like. Content that nobody
validated is read as far as it goes: a status that is missing or misspelt counts as current, because to leave out is
the dangerous mistake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.temporal import range_of, range_of_period
from service.massage.screening.content import has_code, object_in, text_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from service.fhir.resource import Content

_FIELDS: Final[Mapping[str, str]] = {
    "Condition": "conditions",
    "MedicationRequest": "medications",
    "MedicationStatement": "medications",
    "Medication": "medicines",
    "AllergyIntolerance": "allergies",
    "Observation": "observations",
    "Procedure": "procedures",
}
READ_TYPES: Final = tuple(_FIELDS)
"""The resource types that screening looks at."""

_PAST: Final = frozenset({"inactive", "remission", "resolved"})
_DENIED: Final = frozenset({"refuted", "entered-in-error"})
_NOT_TAKEN: Final[Mapping[str, frozenset[str]]] = {
    "MedicationRequest": frozenset({"on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft"}),
    "MedicationStatement": frozenset({"completed", "entered-in-error", "stopped", "on-hold", "not-taken"}),
}
_MERELY_THOUGHT_OF: Final = frozenset({"proposal", "plan", "option"})
_NOT_OBSERVED: Final = frozenset({"registered", "cancelled", "entered-in-error", "unknown"})
_NOT_DONE: Final = frozenset({"preparation", "not-done", "stopped", "entered-in-error"})


class PatientRecord(Struct, frozen=True, kw_only=True):
    """The resources about one patient; `unread` are types that there may be more of, which could not be read.

    `medications` are MedicationRequests and MedicationStatements, `medicines` the Medications that they refer to.
    """

    conditions: tuple[Content, ...] = ()
    medications: tuple[Content, ...] = ()
    medicines: tuple[Content, ...] = ()
    allergies: tuple[Content, ...] = ()
    observations: tuple[Content, ...] = ()
    procedures: tuple[Content, ...] = ()
    responses: tuple[Content, ...] = ()
    unread: tuple[str, ...] = ()


def record_of(
    resources: Iterable[Content], *, unread: Iterable[str] = (), responses: Iterable[Content] = ()
) -> PatientRecord:
    """The record made of resources of any type; those that screening does not look at are left out.

    `responses` are QuestionnaireResponses that were validated, and belong to the referral.
    """
    sorted_out: dict[str, list[Content]] = {}
    for resource in resources:
        field = _FIELDS.get(text_in(resource, "resourceType"))
        if field is not None:
            sorted_out.setdefault(field, []).append(resource)
    return PatientRecord(
        unread=tuple(unread), responses=tuple(responses), **{name: tuple(found) for name, found in sorted_out.items()}
    )


def is_current_condition(condition: Content, now: datetime) -> bool:
    """Whether a condition or an allergy is there today, as far as it says."""
    if has_code(condition, "verificationStatus", _DENIED) or has_code(condition, "clinicalStatus", _PAST):
        return False
    return "clinicalStatus" in condition or not _has_abated(condition, now)


def is_taken(medication: Content, now: datetime) -> bool:
    """Whether a medication is being taken, or about to be."""
    status = text_in(medication, "status")
    if status in _NOT_TAKEN.get(text_in(medication, "resourceType"), frozenset()):
        return False
    if text_in(medication, "intent") in _MERELY_THOUGHT_OF or medication.get("doNotPerform") is True:
        return False
    end = text_in(object_in(medication, "effectivePeriod"), "end")
    ended = range_of(end) if end else None
    return ended is None or ended.high > now


def is_observed(observation: Content) -> bool:
    """Whether an observation is one that somebody made."""
    return text_in(observation, "status") not in _NOT_OBSERVED


def is_done(procedure: Content) -> bool:
    """Whether a procedure was performed, or is being."""
    return text_in(procedure, "status") not in _NOT_DONE


def moment_of(resource: Content, *names: str) -> datetime | None:
    """The last moment at which something was so, by the first of these elements that says; None where none does."""
    for name in names:
        value = resource.get(name)
        if isinstance(value, dict):
            found = range_of_period(value)
        else:
            found = range_of(value) if isinstance(value, str) else None
        if found is not None:
            return found.high
    return None


def _has_abated(condition: Content, now: datetime) -> bool:
    """Whether it has ended by its abatement, for conditions that have no clinical status."""
    named = [name for name in condition if name.startswith("abatement")]
    if not named:
        return False
    moment = moment_of(condition, "abatementDateTime", "abatementPeriod")
    return moment is None or moment <= now
