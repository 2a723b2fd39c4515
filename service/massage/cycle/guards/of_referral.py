"""Guards on the referral: that it is complete, active, withdrawn, closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.massage.cycle.guards.guard import Guard
from service.massage.cycle.terms import PLACER, identifiers, reference_in
from service.massage.cycle.validity import validity_end
from service.massage.cycle.visits import ordered_by_quantity, ordered_by_timing

if TYPE_CHECKING:
    from service.massage.cycle.situation import Situation

_WITHDRAWN: Final = frozenset({"revoked", "entered-in-error"})
_MINUTES: Final = {"min": 1, "h": 60}
_NOTES: Final = frozenset({"note", "meta", "text", "lastModified"})


def _not_active(situation: Situation) -> str | None:
    status = situation.draft.referral.get("status")
    return None if status == "active" else f"The referral must be active; it is {status or 'missing'}."


def _incomplete(situation: Situation) -> str | None:
    referral = situation.draft.referral
    wanted = {
        "intent order": referral.get("intent") == "order",
        "a placer identifier (type PLAC, with system and value)": any(
            system and value for system, value in identifiers(referral, PLACER)
        ),
        "category": bool(referral.get("category")),
        "code": bool(referral.get("code")),
        "subject": bool(reference_in(referral.get("subject"))),
        "authoredOn": bool(referral.get("authoredOn")),
        "requester": bool(reference_in(referral.get("requester"))),
        "reasonCode or reasonReference": bool(referral.get("reasonCode") or referral.get("reasonReference")),
    }
    missing = [name for name, given in wanted.items() if not given]
    return f"An active referral needs {', '.join(missing)}." if missing else None


def _sessions_disagree(situation: Situation) -> str | None:
    referral = situation.draft.referral
    number = referral.get("quantityQuantity", {}).get("value", 1)
    if number < 1 or number != int(number):
        return "quantityQuantity must be a whole number of sessions, from 1."
    quantity, count = ordered_by_quantity(referral), ordered_by_timing(referral)
    if quantity is not None and count is not None and quantity != count:
        return "quantityQuantity and occurrenceTiming.repeat.count must name the same number of sessions."
    return _length_outside(referral, situation)


def _length_outside(referral: dict[str, Any], situation: Situation) -> str | None:
    policy = situation.draft.surroundings.policy
    repeat = referral.get("occurrenceTiming", {}).get("repeat", {})
    minutes = repeat.get("duration", 0) * _MINUTES.get(repeat.get("durationUnit", ""), 0)
    if not minutes or policy.shortest_session_minutes <= minutes <= policy.longest_session_minutes:
        return None
    return (
        f"A session lasts {policy.shortest_session_minutes} to {policy.longest_session_minutes} minutes; "
        "occurrenceTiming.repeat.duration says otherwise."
    )


def _no_referral_any_more(situation: Situation) -> str | None:
    if situation.draft.surroundings.is_referral(situation.content):
        return None
    return "A referral must stay one: keep a massage code and intent order, or mark it as entered-in-error."


def _not_withdrawn(situation: Situation) -> str | None:
    if situation.draft.referral.get("status") in _WITHDRAWN:
        return None
    return "The referral must be revoked (or entered-in-error) before, or in the same transaction."


def _not_withdrawn_though_asked(situation: Situation) -> str | None:
    asks_for_referral = situation.draft.names_referral(reference_in(situation.content.get("focus")))
    return _not_withdrawn(situation) if asks_for_referral else None


def _loop_open(situation: Situation) -> str | None:
    tasks = situation.draft.tasks()
    if any(task.get("status") == "completed" for task in tasks) and situation.draft.live_task() is None:
        return None
    return "A referral is completed to acknowledge the closed loop: its Task must be completed first."


def _not_consult_only(situation: Situation) -> str | None:
    referral = situation.draft.referral
    if ordered_by_quantity(referral) is None and ordered_by_timing(referral) is None:
        return None
    return "Sessions were ordered; only a referral that orders none is completed without one."


def _more_than_notes(situation: Situation) -> str | None:
    before = situation.before or {}
    names = before.keys() | situation.content.keys()
    changed = sorted(name for name in names - _NOTES if before.get(name) != situation.content.get(name))
    return f"After its end only notes may be added; this changes {', '.join(changed)}." if changed else None


def _still_valid(situation: Situation) -> str | None:
    end = validity_end(situation.draft, situation.content)
    return None if end is not None and end <= situation.draft.now else "The order is still valid."


def _without_consent(situation: Situation) -> str | None:
    if not situation.draft.surroundings.policy.consent_required:
        return None
    if any(situation.draft.with_status("Consent", frozenset({"active"}))):
        return None
    return "This service requires an active Consent in the referral's supportingInfo."


GUARDS: Final = (
    Guard("referral-active", "guard-referral", "", "the referral is active", _not_active),
    Guard("referral-complete", "guard-referral", "", "the referral says all that an order must say", _incomplete),
    Guard("sessions-agree", "guard-referral", "occurrence", "number and length of sessions agree", _sessions_disagree),
    Guard("still-a-referral", "guard-referral", "code", "the referral stays a referral", _no_referral_any_more),
    Guard("referral-withdrawn", "guard-cancellation", "", "the referral is revoked", _not_withdrawn),
    Guard(
        "referral-withdrawn-if-asked",
        "guard-cancellation",
        "",
        "the referral is revoked, where the Task asks for that",
        _not_withdrawn_though_asked,
    ),
    Guard("loop-closed", "guard-task", "", "the Task is completed", _loop_open),
    Guard("consult-only", "guard-referral", "", "no sessions were ordered", _not_consult_only),
    Guard("only-notes", "immutable-field", "", "only notes are added", _more_than_notes),
    Guard("validity-passed", "guard-referral", "", "the order's validity has passed", _still_valid),
    Guard("consent-given", "guard-consent", "", "an active Consent is there, where one is required", _without_consent),
)
