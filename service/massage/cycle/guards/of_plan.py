"""Guards on the plan and its goals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.massage.cycle.guards.guard import Guard
from service.massage.cycle.terms import reference_in, references_in
from service.massage.cycle.view import name_of

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.cycle.situation import Situation

_OPEN_PLAN: Final = frozenset({"draft", "active", "on-hold"})
_DROPPED: Final = frozenset({"cancelled", "rejected", "entered-in-error"})
_ENDED: Final = frozenset(
    {
        "completed",
        "cancelled",
        "stopped",
        "entered-in-error",
        "fulfilled",
        "noshow",
        "revoked",
        "rejected",
        "failed",
    }
)
"""The states in which an activity, or what it refers to, leaves nothing to do."""


def _plan_incomplete(situation: Situation) -> str | None:
    plan = situation.content
    missing = [name for name in ("goal", "activity", "addresses") if not plan.get(name)]
    return f"An active plan needs {', '.join(missing)}." if missing else None


def _activities_open(situation: Situation) -> str | None:
    open_ones = [
        number
        for number, activity in enumerate(situation.content.get("activity", ()))
        if not _has_ended(situation, activity)
    ]
    return f"Activities are not at their end: {', '.join(map(str, open_ones))} (from 0)." if open_ones else None


def _has_ended(situation: Situation, activity: Content) -> bool:
    """Whether nothing is left to do; what an activity refers to outside of the episode is not the plan's to end."""
    if "detail" in activity:
        return activity["detail"].get("status") in _ENDED
    referred = situation.draft.find(reference_in(activity.get("reference")))
    return referred is None or referred.get("status") in _ENDED


def _no_active_plan(situation: Situation) -> str | None:
    draft = situation.draft
    active = list(draft.with_status("CarePlan", frozenset({"active"})))
    if not active:
        return "A session needs an active CarePlan of this referral."
    named = {draft.local(one) for one in references_in(situation.content.get("basedOn"))}
    stored = [name_of(one) for one in draft.of("CarePlan") if name_of(one) in named]
    followed = [one for one in active if not stored or name_of(one) in stored]
    if not followed:
        return f"The CarePlan that the session is based on must be active ({stored[0]})."
    return (
        None if any(one.get("goal") for one in followed) else "The plan has no goal that a session could work towards."
    )


def _plans_open(situation: Situation) -> str | None:
    plans = [name_of(plan) for plan in situation.draft.with_status("CarePlan", _OPEN_PLAN)]
    return f"Plans must be completed or revoked first: {', '.join(plans)}." if plans else None


def _goals_unassessed(situation: Situation) -> str | None:
    goals = [
        name_of(goal)
        for goal in situation.draft.of("Goal")
        if goal.get("lifecycleStatus") not in _DROPPED and not goal.get("achievementStatus")
    ]
    return f"Goals without achievementStatus: {', '.join(goals)}." if goals else None


def _goal_unassessed(situation: Situation) -> str | None:
    return None if situation.content.get("achievementStatus") else "A completed goal needs achievementStatus."


GUARDS: Final = (
    Guard("plan-complete", "guard-plan", "", "the plan has goal, activity, addresses", _plan_incomplete),
    Guard("activities-ended", "guard-plan", "activity", "every activity is at its end", _activities_open),
    Guard("plan-active", "guard-plan", "", "an active plan with a goal is there", _no_active_plan),
    Guard("plans-ended", "guard-plan", "", "every plan is completed or revoked", _plans_open),
    Guard("goals-assessed", "guard-plan", "", "every goal is assessed", _goals_unassessed),
    Guard("goal-assessed", "guard-plan", "achievementStatus", "the goal is assessed", _goal_unassessed),
)
