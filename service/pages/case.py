"""A referral with its whole episode, as $everything tells it: what the pages of referrals and plans show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir import codec
from service.fhir.reference import parse_local
from service.loop.episode import Organisations
from service.loop.safety import clearance_of
from service.massage.cycle import Episode
from service.massage.cycle.terms import reference_in, references_in
from service.massage.cycle.view import View, name_of
from service.massage.screening.detected_issue import is_withdrawn
from service.massage.screening.mitigation import mitigated

if TYPE_CHECKING:
    from collections.abc import Collection, Container

    from service.fhir.resource import Content

REFERRAL: Final = "ServiceRequest"
_COUNTED: Final = ("Appointment", "ClaimResponse", "Encounter", "Procedure")
_LEADING: Final = {
    "Appointment": "basedOn",
    "CarePlan": "supportingInfo",
    "DetectedIssue": "implicated",
    "DiagnosticReport": "basedOn",
    "Encounter": "basedOn",
    "EpisodeOfCare": "referralRequest",
    "Task": "focus",
}
"""Type → the element by which its resources name the referral that they belong to."""


class Case(Struct, frozen=True, kw_only=True):
    """The episode; `is_limited`: the caller's scopes leave types out; `is_cut`: there is more than was fetched."""

    view: View
    base: str
    types: Collection[str]
    is_limited: bool = False
    is_cut: bool = False

    @property
    def referral(self) -> Content:
        """The ServiceRequest."""
        return self.view.referral

    @property
    def unread(self) -> frozenset[str]:
        """Types of which nothing came, and of which it is not sure that there is nothing."""
        return frozenset(name for name in _COUNTED if self.is_limited and not self.view.of(name))

    def task(self) -> Content | None:
        """The coordination Task that counts: the live one, else the one that was changed last."""
        return self.view.live_task() or max(self.view.tasks(), key=_changed, default=None)

    def patient(self) -> Content | None:
        """The Patient, where the caller sees it."""
        return self.find(reference_in(self.referral.get("subject")))

    def find(self, reference: str) -> Content | None:
        """The resource of the episode that a reference leads to."""
        return self.view.find(reference) if reference else None

    def standing_issues(self) -> list[Content]:
        """The DetectedIssues that nobody has withdrawn or cleared, the gravest first."""
        episode = Episode(referral=self.referral, resources=self.view.resources, base=self.base)
        organisations = Organisations(episode, self.types)
        clearance = clearance_of(episode, organisations, self.view.resources)
        standing = [
            each for each in self.view.of("DetectedIssue") if not is_withdrawn(each) and not mitigated(each, clearance)
        ]
        return sorted(standing, key=lambda each: _GRAVITY.get(each.get("severity", ""), len(_GRAVITY)))


_GRAVITY: Final = {"high": 0, "moderate": 1, "low": 2}


def case_of(body: bytes, referral_id: str, base: str, types: Collection[str]) -> Case:
    """The case of a searchset Bundle that $everything answered."""
    bundle: Content = codec.decode(body)
    resources: dict[str, dict[str, Content]] = {}
    is_limited = False
    for entry in bundle.get("entry", ()):
        content = entry.get("resource", {})
        if entry.get("search", {}).get("mode") == "outcome":
            is_limited = True
        elif "id" in content:
            resources.setdefault(content["resourceType"], {})[content["id"]] = content
    is_cut = any(each.get("relation") == "next" for each in bundle.get("link", ()))
    view = View(referral_id, resources, base)
    return Case(view=view, base=base, types=types, is_limited=is_limited, is_cut=is_cut)


def referral_of(content: Content, base: str, types: Container[str]) -> str | None:
    """The id of the referral that a resource is, or says that it belongs to; None where it says none."""
    type = content.get("resourceType")
    if type == REFERRAL:
        return str(content["id"]) if content.get("intent") == "order" and "id" in content else None
    named: Any = content.get(_LEADING.get(str(type), ""))
    listed = references_in(named if isinstance(named, list) else [named])
    found = (parse_local(each, base, types) for each in listed)
    return next((each.id for each in found if each is not None and each.type == REFERRAL), None)


def reference_to(content: Content) -> str:
    """``Type/id``."""
    return name_of(content)


def _changed(content: Content) -> str:
    return str(content.get("meta", {}).get("lastUpdated", ""))
