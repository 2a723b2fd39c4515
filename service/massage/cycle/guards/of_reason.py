"""Guards on reasons: a code of ours and a text, where a step must be explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.concept import code_in
from service.massage.cycle.guards.guard import Guard
from service.massage.cycle.tables.status_reason import reasons_for
from service.massage.systems import STATUS_REASON

if TYPE_CHECKING:
    from service.massage.cycle.situation import Situation


def _unexplained(situation: Situation) -> str | None:
    reason = situation.content.get("statusReason")
    accepted = reasons_for(situation.target)
    if code_in(reason, STATUS_REASON) in accepted and _has_text(reason):
        return None
    return f"statusReason needs a text and one of these codes of {STATUS_REASON}: {', '.join(accepted)}."


def _hold_unexplained(situation: Situation) -> str | None:
    return None if "system" in situation.party.roles else _unexplained(situation)


def _without_text(situation: Situation) -> str | None:
    if "system" in situation.party.roles or _has_text(situation.content.get("statusReason")):
        return None
    return "statusReason.text must say why."


def _not_said_why(situation: Situation) -> str | None:
    return None if situation.content.get("statusReason") else "statusReason must say why it was not done."


def _has_text(reason: object) -> bool:
    return isinstance(reason, dict) and bool(str(reason.get("text", "")).strip())


GUARDS: Final = (
    Guard("reason-given", "guard-reason", "statusReason", "a reason with code and text is given", _unexplained),
    Guard("hold-reason-given", "guard-reason", "statusReason", "a reason for the hold is given", _hold_unexplained),
    Guard("reason-text-given", "guard-reason", "statusReason", "a reason is given as text", _without_text),
    Guard("reason-not-done", "guard-reason", "statusReason", "a reason for not doing it is given", _not_said_why),
)
