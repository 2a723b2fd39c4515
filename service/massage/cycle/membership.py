"""What hangs on a referral, and by which elements: how to find the episode of a resource, and to gather an episode.

`ANCHORS` point towards the referral: from any resource, `anchors` lead to it in a few steps. `ALONG` point away from
it, to what the guards must look at. R4 cannot search by every anchor (CarePlan.supportingInfo, Goal.addresses): it is
enough to hand `gather` what is about the patient, and the therapists.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from service.massage.cycle.terms import reference_in
from service.massage.cycle.values import Episode
from service.massage.cycle.view import View, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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

ALONG: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "ServiceRequest": ("insurance", "supportingInfo", "performer"),
        "Task": ("owner", "output.valueReference"),
        "CarePlan": ("goal", "activity.reference"),
        "Procedure": ("performer.actor",),
        "PractitionerRole": ("practitioner",),
    }
)
"""Type → its elements that refer to what is read along with the episode."""


def anchors(content: Content) -> tuple[str, ...]:
    """The literal references of a resource that lead towards the referral that it belongs to."""
    return tuple(_references(content, ANCHORS.get(content["resourceType"], ())))


def gather(referral: Content, candidates: Iterable[Content], base: str = "") -> Episode:
    """The episode of a referral out of what may belong to it, such as all that is stored about its patient."""
    view = View(referral["id"], {}, base)
    waiting = {name_of(one): one for one in candidates}
    waiting.pop(name_of(referral), None)
    members: dict[str, Content] = {name_of(referral): referral}
    wanted = _along(view, referral)
    while found := [
        name
        for name, one in waiting.items()
        if name in wanted or any(view.local(reference) in members for reference in anchors(one))
    ]:
        for name in found:
            members[name] = waiting.pop(name)
            wanted |= _along(view, members[name])
    resources: dict[str, dict[str, Content]] = {}
    for content in members.values():
        resources.setdefault(content["resourceType"], {})[content["id"]] = content
    return Episode(referral=referral, resources=resources, base=base)


def _along(view: View, content: Content) -> set[str]:
    return {view.local(one) for one in _references(content, ALONG.get(content["resourceType"], ()))}


def _references(content: Content, paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        nodes: list[Any] = [content]
        for name in path.split("."):
            nodes = [value for node in nodes for value in _values(node.get(name))]
        yield from filter(None, map(reference_in, nodes))


def _values(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
