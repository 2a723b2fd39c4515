"""When the care was given that a resource is about: what `start` and `end` of $everything choose by.

https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir import codec
from service.fhir.outcome import failure
from service.fhir.temporal import parse_instant_range

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from service.fhir.resource import Version
    from service.interactions.parts import Parts
    from service.store.found import Found

CARE_DATES: Final[Mapping[str, tuple[str, ...]]] = {
    "Appointment": ("date",),
    "CarePlan": ("date",),
    "CareTeam": ("date",),
    "Claim": ("created",),
    "ClaimResponse": ("created",),
    "ClinicalImpression": ("date",),
    "Communication": ("sent", "received"),
    "CommunicationRequest": ("occurrence", "authored"),
    "Composition": ("period", "date"),
    "CoverageEligibilityRequest": ("created",),
    "CoverageEligibilityResponse": ("created",),
    "DetectedIssue": ("identified",),
    "DiagnosticReport": ("date", "issued"),
    "DocumentReference": ("period", "date"),
    "Encounter": ("date",),
    "EpisodeOfCare": ("date",),
    "ExplanationOfBenefit": ("created",),
    "Flag": ("date",),
    "Goal": ("start-date",),
    "ImagingStudy": ("started",),
    "Immunization": ("date",),
    "MedicationAdministration": ("effective-time",),
    "MedicationRequest": ("date", "authoredon"),
    "MedicationStatement": ("effective",),
    "Observation": ("date",),
    "Procedure": ("date",),
    "Provenance": ("when", "recorded"),
    "QuestionnaireResponse": ("authored",),
    "RiskAssessment": ("date",),
    "Schedule": ("date",),
    "ServiceRequest": ("occurrence", "authored"),
    "Task": ("period", "authored-on"),
}
"""Type → the search parameters over its dates of care; the first one that a resource has a value of counts.

Of other types nothing is left out: they hold at any time (allergies, diagnoses, coverage), or are about nobody's care.
"""


class CareDates(Struct, frozen=True):
    """From the first instant, to the instant after the last one."""

    low: datetime
    high: datetime

    def cover(self, parts: Parts, base: str, found: Found | Version) -> bool:
        """Whether the care lies in the dates, or overlaps them; what says no date is not known to lie elsewhere."""
        codes = CARE_DATES.get(found.type)
        if codes is None or found.content is None:
            return True
        content: Any = codec.decode(found.content)
        rows = parts.extractor.rows(found.type, content, base).get("date", ())
        parameters = parts.registry.parameters(found.type)
        for code in codes:
            sources = parameters[code].source_numbers
            ranges = [(low, high) for source, _, low, high in rows if source in sources]
            if ranges:
                return any(low < self.high and self.low < high for low, high in ranges)
        return True


def care_dates(start: str | None, end: str | None, zone: tzinfo) -> CareDates | None:
    """What the parameters ask for, dates of any precision; None where neither was sent; FhirError parameter-value."""
    if start is None and end is None:
        return None
    low = parse_instant_range(start, zone, "start")[0] if start else datetime.min.replace(tzinfo=UTC)
    high = parse_instant_range(end, zone, "end")[1] if end else datetime.max.replace(tzinfo=UTC)
    if high <= low:
        raise failure("parameter-value", "end lies before start.", "http.end")
    return CareDates(low, high)
