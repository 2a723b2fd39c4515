"""A Goal's `achievementStatus` kept up to date: what measurements make of it, unless a person has judged.

The service marks what it writes: `userSelected` false. A code without that mark is a person's word, and so is one that
a client changes; it stands until the client takes it away. Once the goal's life cycle is over nothing is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import GOAL_ACHIEVEMENT
from service.fhir.concept import code_in, codings
from service.fhir.temporal import range_of
from service.massage.cycle.terms import reference_in
from service.massage.outcome.goals import due_of, measured_achievement
from service.massage.outcome.series import collect

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime, tzinfo

    from service.fhir.resource import Content
    from service.massage.cycle.view import View
    from service.massage.outcome.measures import Measures
    from service.massage.outcome.reading import LeftOut
    from service.massage.outcome.series import Series

_WORKED_ON: Final = frozenset({"proposed", "planned", "accepted", "active", "on-hold"})
_SETTLED: Final = frozenset({"achieved", "not-achieved"})
_DAY: Final = len("2026-01-12")


def series_of(
    view: View, measures: Measures, zone: tzinfo, *, until: datetime, only: Collection[str] | None = None
) -> tuple[list[Series], list[LeftOut]]:
    """What was measured of the referral's patient since the order; `only` by the measures with these codes."""
    subject = view.local(reference_in(view.referral.get("subject")))
    authored = range_of(str(view.referral.get("authoredOn", ""))[:_DAY], zone)
    counted = (
        each
        for each in view.of("Observation")
        if view.local(reference_in(each.get("subject"))) == subject
        if only is None or ((measure := measures.of(each.get("code", {}))) is not None and measure.code in only)
    )
    return collect(counted, measures, zone, since=authored.low if authored else None, until=until)


def measured_by(goal: Content, measures: Measures) -> frozenset[str]:
    """The codes of the measures of a goal's targets."""
    found = (measures.of(target.get("measure", {})) for target in goal.get("target", ()))
    return frozenset(each.code for each in found if each is not None)


def goals_of_plans(view: View) -> Iterator[Content]:
    """The goals of the referral's plans that somebody works towards."""
    named = {view.local(reference_in(each)) for plan in view.of("CarePlan") for each in plan.get("goal", ())}
    for goal in view.of("Goal"):
        if f"Goal/{goal['id']}" in named and goal.get("lifecycleStatus") in _WORKED_ON:
            yield goal


def is_judged(goal: Content, before: Content | None, *, is_sent: bool) -> bool:
    """Whether a person has judged the goal; `is_sent`: `goal` is what a client makes of `before`.

    A client that sends the service's own code back, with or without its mark, has not.
    """
    if not goal.get("achievementStatus"):
        return False
    if is_sent:
        return achievement_code(goal) != achievement_code(before or {}) or not is_marked(before or {})
    return not is_marked(goal)


def is_marked(goal: Content) -> bool:
    """Whether the goal's code is the service's."""
    return any(each.get("userSelected") is False for each in codings(goal.get("achievementStatus")))


def is_overdue(goal: Content, now: datetime, zone: tzinfo) -> bool:
    """Whether the time of a target is over, and the service's code does not say yet what became of it."""
    if not is_marked(goal) or achievement_code(goal) in _SETTLED:
        return False
    return any(due is not None and due <= now for due in (due_of(goal, each, zone) for each in goal.get("target", ())))


def assessed(goal: Content, code: str) -> Content:
    """The goal with a code that follows from measurements."""
    status: dict[str, Any] = {"coding": [{"system": GOAL_ACHIEVEMENT, "code": code, "userSelected": False}]}
    return goal | {"achievementStatus": status}


def unmarked(goal: Content) -> Content:
    """The goal whose code is a person's."""
    status = goal["achievementStatus"]
    listed = [
        {name: value for name, value in each.items() if (name, value) != ("userSelected", False)}
        for each in codings(status)
    ]
    return goal | {"achievementStatus": status | {"coding": listed}} if listed else goal


def code_now(goal: Content, view: View, measures: Measures, *, as_of: datetime, zone: tzinfo) -> str | None:
    """What the measurements of the episode say of a goal; None where they say nothing."""
    series, _ = series_of(view, measures, zone, until=as_of, only=measured_by(goal, measures))
    return measured_achievement(goal, series, measures, as_of=as_of, zone=zone)


def achievement_of(
    goal: Content, series: Sequence[Series], measures: Measures, *, as_of: datetime, zone: tzinfo
) -> str | None:
    """How far a goal is wherever it is told: a person's word, else what measurements say, else the service's code."""
    said = achievement_code(goal)
    if said is not None and not is_marked(goal):
        return said
    return measured_achievement(goal, series, measures, as_of=as_of, zone=zone) or said


def achievement_code(goal: Content) -> str | None:
    """The code that a goal has, by a person or by the service; None where it has none."""
    return code_in(goal.get("achievementStatus"), GOAL_ACHIEVEMENT)
