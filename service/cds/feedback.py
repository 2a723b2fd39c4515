"""What became of cards: read, and made into records. https://cds-hooks.hl7.org/2.0/#feedback

Kept is a bounded record in the audit trail (which card and rule, accepted or overridden, for which of our reasons):
what is needed to see which rules are overridden. A comment is free text that may hold anything, and is not kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from msgspec import Struct

from service.cds.cards import rule_of_card
from service.fhir.outcome import failure
from service.fhir.temporal import range_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from service.fhir.outcome import FhirError

MOST_FEEDBACK: Final = 50
OUTCOMES: Final = ("accepted", "overridden")


class Feedback(Struct, frozen=True, kw_only=True):
    """What somebody did with a card; `reason` is one of ours, ``other`` for any other, None where none was given."""

    card: str
    rule: str
    outcome: Literal["accepted", "overridden"]
    reason: str | None
    at: str

    def as_fields(self) -> dict[str, str]:
        """What is kept of it."""
        kept = {"card": self.card, "rule": self.rule, "outcome": self.outcome, "at": self.at}
        return kept | ({"reason": self.reason} if self.reason else {})


def read_feedback(content: Any, marks: Mapping[bytes, str], reasons: Collection[str]) -> tuple[Feedback, ...]:
    """The feedback that a body holds; FhirError."""
    sent = content.get("feedback") if isinstance(content, dict) else None
    if not isinstance(sent, list) or not sent:
        raise failure("element-missing", "feedback must be an array of what became of cards.", "feedback")
    if len(sent) > MOST_FEEDBACK:
        raise failure("too-costly", f"Send feedback on at most {MOST_FEEDBACK} cards at once.", "feedback")
    return tuple(_one(each, f"feedback[{number}]", marks, reasons) for number, each in enumerate(sent))


def _one(sent: Any, place: str, marks: Mapping[bytes, str], reasons: Collection[str]) -> Feedback:
    if not isinstance(sent, dict):
        raise failure("value-invalid", f"{place} must be an object.", place)
    card = _uuid(sent.get("card"))
    rule = rule_of_card(card, marks) if card else None
    if card is None or rule is None:
        raise _invalid(f"{place}.card", "must be the uuid of a card of this service")
    outcome = sent.get("outcome")
    if outcome not in OUTCOMES:
        raise _invalid(f"{place}.outcome", f"must be {' or '.join(OUTCOMES)}")
    accepted = sent.get("acceptedSuggestions")
    if outcome == "accepted" and not _are_suggestions(accepted):
        raise _invalid(f"{place}.acceptedSuggestions", "must name the id of each suggestion that was accepted")
    at = sent.get("outcomeTimestamp")
    if not isinstance(at, str) or "T" not in at or range_of(at) is None:
        raise _invalid(f"{place}.outcomeTimestamp", "must be a date and time such as 2026-03-01T12:00:00Z")
    return Feedback(card=str(card), rule=rule, outcome=outcome, reason=_reason(sent, place, reasons), at=at)


def _reason(sent: dict[str, Any], place: str, reasons: Collection[str]) -> str | None:
    given = sent.get("overrideReason")
    if given is None:
        return None
    reason = given.get("reason", {}) if isinstance(given, dict) else None
    if not isinstance(reason, dict):
        raise _invalid(f"{place}.overrideReason", "must be an object with reason, a Coding, or userComment")
    code = reason.get("code")
    return code if code in reasons else "other"


def _are_suggestions(accepted: Any) -> bool:
    if not isinstance(accepted, list) or not accepted:
        return False
    return all(isinstance(each, dict) and _uuid(each.get("id")) for each in accepted)


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return None


def _invalid(place: str, wanted: str) -> FhirError:
    return failure("value-invalid", f"{place} {wanted}.", place)
