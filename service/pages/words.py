"""Plain words for codes, elements and states; what has none here is made readable by its own name."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import CPT, ICD10CM, LOINC, SNOMED, UCUM
from service.massage.catalogue.code_systems import code_systems
from service.massage.cycle.terms import BUSINESS_STATUS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.fhir.resource import Content
    from service.massage.catalogue.rows import Catalogue

_TITLED: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CODE: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")

SYSTEMS: Final[Mapping[str, str]] = {
    SNOMED: "SNOMED CT",
    LOINC: "LOINC",
    ICD10CM: "ICD-10-CM",
    CPT: "CPT",
    UCUM: "UCUM",
}
"""Code systems that everybody knows by a short name."""

_CODES: Final[Mapping[str, str]] = {
    "noshow": "missed (no-show)",
    "entered-in-error": "entered in error",
    "on-hold": "on hold",
    "not-done": "not done",
    "in-progress": "in progress",
    "male": "male",
    "female": "female",
    "asap": "as soon as possible",
    "stat": "immediately",
}
_TASK: Final[Mapping[str, str]] = {
    "requested": "sent, not opened yet",
    "received": "opened, under review",
    "accepted": "accepted by the clinic",
    "rejected": "declined by the clinic",
    "in-progress": "treatment under way",
    "on-hold": "on hold",
    "completed": "finished",
    "cancelled": "cancelled",
    "failed": "ended early",
    "entered-in-error": "entered in error",
}
_REFERRAL: Final[Mapping[str, str]] = {
    "draft": "draft",
    "active": "active",
    "on-hold": "on hold",
    "revoked": "withdrawn by the referrer",
    "completed": "completed",
    "entered-in-error": "entered in error",
}
SEVERITIES: Final[Mapping[str, str]] = {
    "high": "Absolute: no massage until it is cleared",
    "moderate": "Relative: with clearance or restrictions",
    "low": "Local: not on the area",
}
"""Of a DetectedIssue, as the screening means them."""

ACHIEVEMENTS: Final[Mapping[str, str]] = {
    "in-progress": "in progress",
    "improving": "improving",
    "worsening": "getting worse",
    "no-change": "no change",
    "achieved": "achieved",
    "sustaining": "achieved and kept",
    "not-achieved": "not achieved",
    "no-progress": "not achieved, no progress",
    "not-attainable": "not attainable",
}
PROGRESS: Final[Mapping[str, str]] = {
    "improved": "Better",
    "worse": "Worse",
    "no-change": "No meaningful change",
    "below-mdc": "Change may be the measuring",
    "insufficient-data": "One measurement only",
    "unknown": "Not known whether it matters",
}
"""Of a comparison, for a heading."""

_UNITS: Final[Mapping[str, str]] = {"{score}": "points", "{session}": "sessions", "{visit}": "visits", "deg": "°"}


def label(name: str) -> str:
    """An element's name as a label: ``reasonCode`` is ``Reason code``."""
    words = _TITLED.sub(" ", name.replace("_", " ")).split()
    kept = [word if word.isupper() and len(word) > 1 else word.lower() for word in words]
    text = " ".join(kept)
    return text[:1].upper() + text[1:]


def code(value: str) -> str:
    """A code as words: ``in-progress`` is ``in progress``; what is no word of lower case stays as it is."""
    if value in _CODES:
        return _CODES[value]
    return value.replace("-", " ").replace("_", " ") if _CODE.fullmatch(value) else value


def status(resource_type: str, value: str) -> str:
    """The state of a resource in words."""
    table = {"Task": _TASK, "ServiceRequest": _REFERRAL}.get(resource_type, {})
    return table.get(value, code(value))


def unit(text: str) -> str:
    """A unit as people write it."""
    return _UNITS.get(text, text)


class Terms:
    """What the codes of a catalogue are called, gathered when the first page is made."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def text(self, concept: Any) -> str:
        """A CodeableConcept in words: its text, if that is more than a code, else what its codings are called."""
        if not isinstance(concept, dict):
            return ""
        codings = [each for each in concept.get("coding", ()) if isinstance(each, dict)]
        codes = [str(each["code"]) for each in codings if "code" in each]
        text = str(concept.get("text") or "")
        if text and text not in codes:
            return text
        named = next((name for each in codings if (name := self.display(each))), "")
        return named or text or next(iter(codes), "")

    def display(self, coding: Content) -> str:
        """What a code is called, by its own display or by the catalogue; empty where neither says."""
        if coding.get("display"):
            return str(coding["display"])
        return self._displays.get((str(coding.get("system", "")), str(coding.get("code", ""))), "")

    def business(self, value: str) -> str:
        """A business status of a Task."""
        return self._displays.get((BUSINESS_STATUS, value), code(value))

    @cached_property
    def _displays(self) -> dict[tuple[str, str], str]:
        catalogue = self._catalogue
        found = {(SNOMED, "387854002"): "Massage therapy"}
        for system in code_systems(catalogue):
            found |= {(system["url"], value): display for value, display in _concepts(system)}
        for measure in catalogue.outcome_measures.values():
            found |= {(LOINC, loinc): measure.display for loinc in measure.loinc}
        for condition in catalogue.conditions.values():
            found |= {(SNOMED, value): display for value, display in condition.snomed.items() if display}
            found |= {(ICD10CM, value): display for value, display in condition.icd10cm.items() if display}
        return found


def _concepts(part: Content) -> Iterator[tuple[str, str]]:
    for each in part.get("concept", ()):
        if "display" in each:
            yield each["code"], each["display"]
        yield from _concepts(each)
