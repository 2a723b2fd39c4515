"""Goals whose `achievementStatus` follows from what a unit of work measures: new versions in the same commit.

A unit that touches no measure of a goal costs a look into a table for each of its Observations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import GOAL_ACHIEVEMENT
from service.fhir.concept import code_in, coded
from service.fhir.outcome import Issue
from service.fhir.stamp import instant_text, new_logical_id
from service.interactions.rules import Addition
from service.massage.cycle import versioned
from service.massage.cycle.provenance import SERVICE
from service.massage.cycle.terms import PARTICIPANT, STEP
from service.massage.cycle.view import View
from service.massage.outcome.achievement import (
    achievement_code,
    assessed,
    code_now,
    goals_of_plans,
    is_judged,
    is_marked,
    is_overdue,
    measured_by,
    unmarked,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

    from service.fhir.interaction import Context
    from service.fhir.resource import Content
    from service.interactions.rules import Proposal
    from service.loop.episode import Loaded, Name
    from service.massage.outcome import Measures

_STEP: Final = "G10"
"""The row of the goal's life cycle by which something else of it than its state changes."""

_ALL: Final = "*"


class Achievements:
    """Keeps the goals of referrals up to date, by the measures of a catalogue; `zone` is that of dates."""

    def __init__(self, measures: Measures, zone: tzinfo) -> None:
        self._measures = measures
        self._zone = zone

    def added(
        self, loaded: Loaded, own: Sequence[Proposal], additions: list[Addition], context: Context
    ) -> tuple[list[Addition], list[Issue]]:
        """The additions with those that follow for goals, and what is said where a person has judged."""
        measured, written = self._measured(own), _written(own)
        if not measured and not written:
            return additions, []
        view = _after(loaded, own, additions, context.base)
        goals = [
            goal
            for goal in goals_of_plans(view)
            if written & {goal["id"], _ALL} or measured_by(goal, self._measures) & measured
        ]
        return self._renewed(goals, view, loaded, own, additions, context.received_at)

    def overdue(self, loaded: Loaded, additions: list[Addition], context: Context) -> list[Addition]:
        """The additions of the clock with those that follow for goals whose time is over."""
        view = _after(loaded, (), additions, context.base)
        goals = [each for each in goals_of_plans(view) if is_overdue(each, context.received_at, self._zone)]
        return self._renewed(goals, view, loaded, (), additions, context.received_at)[0]

    def _renewed(
        self,
        goals: Sequence[Content],
        view: View,
        loaded: Loaded,
        own: Sequence[Proposal],
        additions: Sequence[Addition],
        now: datetime,
    ) -> tuple[list[Addition], list[Issue]]:
        made: dict[Name, Addition] = {(each.type, each.id): each for each in additions}
        sent = {each.id: each for each in own if each.type == "Goal"}
        notices: list[Issue] = []
        for goal in goals:
            if not measured_by(goal, self._measures):
                continue
            content, is_said = self._kept(goal, sent.get(goal["id"]), view, now)
            notices += [_STANDS] if is_said else []
            if content == goal:
                continue
            previous = loaded.versions.get(("Goal", goal["id"]))
            made["Goal", goal["id"]] = Addition(type="Goal", id=goal["id"], content=content, previous=previous)
            if goal["id"] not in sent and previous is not None:
                told = _provenance(goal, content, previous.version_id + 1, now)
                made["Provenance", told.id] = told
        return [*made.values()], notices

    def _kept(self, goal: Content, sent: Proposal | None, view: View, now: datetime) -> tuple[Content, bool]:
        """The goal as it is to be stored, and whether a person's word stands against what is measured."""
        code = code_now(goal, view, self._measures, as_of=now, zone=self._zone)
        is_other = code is not None and code != code_in(goal.get("achievementStatus"), GOAL_ACHIEVEMENT)
        if is_judged(goal, sent.before if sent else None, is_sent=sent is not None):
            return unmarked(goal), is_other
        is_lost = code is not None and not is_marked(goal)
        return (assessed(goal, code) if code is not None and (is_other or is_lost) else goal), False

    def _measured(self, own: Sequence[Proposal]) -> frozenset[str]:
        """The codes of the measures by which the unit measures something, or did until now."""
        return frozenset(
            measure.code
            for each in own
            if each.type == "Observation" and each.before != each.after
            for content in (each.before, each.after)
            if content is not None and (measure := self._measures.of(content.get("code", {}))) is not None
        )


_STANDS: Final = Issue(
    code=None,
    severity="warning",
    diagnostics="A Goal keeps the achievementStatus that a person gave it; what is measured comes to another. "
    "Take it away, and the service keeps it up to date.",
    expression=("Goal.achievementStatus",),
)


def _written(own: Sequence[Proposal]) -> frozenset[str]:
    """The ids of the goals that the unit writes; `_ALL` of them where it changes which goals a plan has."""
    plans = (each for each in own if each.type == "CarePlan")
    changed = any((each.before or {}).get("goal") != (each.after or {}).get("goal") for each in plans)
    goals = {each.id for each in own if each.type == "Goal" and each.after is not None and each.before != each.after}
    return frozenset(goals | ({_ALL} if changed else set()))


def _after(loaded: Loaded, own: Sequence[Proposal], additions: Sequence[Addition], base: str) -> View:
    """The referral as the unit leaves it."""
    gone = {(each.type, each.id) for each in own if each.after is None}
    contents = {
        ("ServiceRequest", loaded.id): loaded.content,
        **{name: content for name, content in loaded.contents.items() if name not in gone},
        **{(each.type, each.id): {**each.after, "id": each.id} for each in own if each.after is not None},
        **{(each.type, each.id): each.content for each in additions},
    }
    by_type: dict[str, dict[str, Content]] = {}
    for (kind, logical_id), content in contents.items():
        by_type.setdefault(kind, {})[logical_id] = content
    return View(loaded.id, by_type, base)


def _provenance(before: Content, after: Content, version: int, now: datetime) -> Addition:
    """Who changed the goal: the service, by what was measured."""
    logical_id = new_logical_id(now)
    was, becomes = (achievement_code(each) for each in (before, after))
    content: dict[str, Any] = {
        "resourceType": "Provenance",
        "id": logical_id,
        "target": [{"reference": f"Goal/{after['id']}"}],
        "recorded": instant_text(now),
        "activity": coded(STEP, _STEP, f"achievementStatus: {was or 'none'} → {becomes or 'none'}"),
        "agent": [{"type": coded(PARTICIPANT, "assembler"), "who": {"display": SERVICE}}],
    }
    return Addition(type="Provenance", id=logical_id, content=versioned(content, lambda _: version))
