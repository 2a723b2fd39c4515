"""What the documents tell of: a referral with its episode, as far as the caller sees it, and what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.massage.cycle.terms import reference_in, references_in
from service.massage.cycle.view import name_of
from service.massage.outcome import achievement_of
from service.massage.outcome.achievement import series_of
from service.massage.visits import account, session_log

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime, tzinfo

    from service.fhir.resource import Content
    from service.massage.catalogue.rows import Catalogue, StatusReason, Technique
    from service.massage.cycle import Policy
    from service.massage.cycle.view import View
    from service.massage.outcome import LeftOut, Measures, Series
    from service.massage.payers import Payers
    from service.massage.visits import SessionEntry, Visits

_NO_GOALS: Final = frozenset({"entered-in-error", "rejected"})
_SIGNING: Final = frozenset({"Organization", "Practitioner", "PractitionerRole"})
_NO_PLANS: Final = frozenset({"draft", "entered-in-error", "unknown"})


class Knowledge(Struct, frozen=True, kw_only=True):
    """What documents are made by: the catalogue, its measures, and the rules of payers."""

    catalogue: Catalogue
    measures: Measures
    payers: Payers


class Case(Struct, frozen=True, kw_only=True):
    """An episode at an instant; `base` is that of the caller, `unread` are types that the caller may not read.

    `policy` has the rules of the referral's payer.
    """

    view: View
    base: str
    now: datetime
    zone: tzinfo
    measures: Measures
    techniques: Mapping[str, Technique]
    progress_classes: Mapping[str, StatusReason]
    policy: Policy
    plan: Content | None
    task: Content | None
    series: tuple[Series, ...]
    left_out: tuple[LeftOut, ...]
    log: tuple[SessionEntry, ...]
    visits: Visits
    unread: tuple[str, ...]

    @property
    def referral(self) -> Content:
        """The order."""
        return self.view.referral

    @property
    def patient(self) -> Content:
        """The patient; empty where the caller does not see it."""
        return self.view.find(reference_in(self.referral.get("subject"))) or {}

    @property
    def goals(self) -> tuple[Content, ...]:
        """The goals of the plan, or without a plan those of the referral."""
        named = {self.view.local(each) for each in references_in((self.plan or {}).get("goal"))}
        return tuple(
            each
            for each in self.view.of("Goal")
            if each.get("lifecycleStatus") not in _NO_GOALS and (self.plan is None or f"Goal/{each['id']}" in named)
        )

    @property
    def clinic(self) -> dict[str, str]:
        """A Reference to who treats: the Task's owner, or whom the order names; empty where neither can sign."""
        for each in ((self.task or {}).get("owner"), *self.referral.get("performer", ())):
            found = self.view.find(reference_in(each)) if each else None
            if found is not None and found["resourceType"] == "HealthcareService":
                found = self.view.find(reference_in(found.get("providedBy")))
            if found is not None and found["resourceType"] in _SIGNING:
                return {"reference": name_of(found)}
        return {}

    def achievement(self, goal: Content) -> str | None:
        """The code of the goal's achievement, as wherever else it is told."""
        return achievement_of(goal, self.series, self.measures, as_of=self.now, zone=self.zone)


def case_of(
    view: View,
    knowledge: Knowledge,
    *,
    base: str,
    now: datetime,
    zone: tzinfo,
    unread: Collection[str] = (),
    plan: Content | None = None,
) -> Case:
    """The case of a referral; `plan` is the one that is asked about, else the latest that was not a draft."""
    series, left_out = series_of(view, knowledge.measures, zone, until=now)
    policy = knowledge.payers.policy_of(view.referral, view.resources, base)
    tasks = view.tasks()
    return Case(
        view=view,
        base=base,
        now=now,
        zone=zone,
        measures=knowledge.measures,
        techniques=knowledge.catalogue.techniques,
        progress_classes=knowledge.catalogue.progress_classes,
        policy=policy,
        plan=plan or _latest_plan(view),
        task=view.live_task() or (tasks[-1] if tasks else None),
        series=tuple(series),
        left_out=tuple(left_out),
        log=session_log(view, knowledge.payers.unit_policy(view.referral, view.resources, base, unread)),
        visits=account(view, unread, policy, now=now, zone=zone),
        unread=tuple(unread),
    )


def _latest_plan(view: View) -> Content | None:
    plans = [each for each in view.of("CarePlan") if each.get("status") not in _NO_PLANS]
    return max(plans, key=lambda each: str(each.get("meta", {}).get("lastUpdated", "")), default=None)
