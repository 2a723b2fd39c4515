"""By which elements a resource hangs on a referral, or on something else that does."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from service.massage.cycle.terms import references_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.resource import Content

ANCHORS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Task": ("focus",),
        "CarePlan": ("supportingInfo",),
        "Goal": ("addresses",),
        "Appointment": ("basedOn",),
        "Encounter": ("basedOn", "appointment"),
        "Procedure": ("basedOn", "encounter", "partOf"),
        "Observation": ("basedOn", "partOf", "encounter"),
        "DiagnosticReport": ("basedOn",),
        "QuestionnaireResponse": ("basedOn", "encounter", "partOf"),
        "DetectedIssue": ("implicated",),
        "EpisodeOfCare": ("referralRequest",),
        "Communication": ("basedOn",),
    }
)
"""Type → its elements that refer to the referral, or to something that hangs on it."""


def anchors(content: Content) -> tuple[str, ...]:
    """The literal references of a resource that lead towards the referral that it belongs to."""
    elements = ANCHORS.get(content["resourceType"], ())
    return tuple(reference for name in elements for reference in _references(content.get(name)))


def _references(value: Any) -> tuple[str, ...]:
    return references_in(value if isinstance(value, list) else [value])
