"""Findings as cards, in the words of the screening. https://cds-hooks.hl7.org/2.0/#card-attributes"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from msgspec import Struct

from service.fhir.outcome import CANONICAL
from service.massage.catalogue.published import SIGN_OFF
from service.massage.screening.content import codings_in, objects_in, reference_to
from service.massage.systems import CONTRAINDICATION, TECHNIQUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.cds.call import Call
    from service.fhir.resource import Content
    from service.massage.screening.finding import Finding, Screening
    from service.massage.screening.rule import Severity

    Card = dict[str, Any]

INDICATORS: Final[Mapping[Severity, str]] = {"absolute": "critical", "relative": "warning", "local": "info"}
OVERRIDE_REASON: Final = f"{CANONICAL}/CodeSystem/override-reason"
INCOMPLETE: Final = "screening-incomplete"
"""In the place of a rule: the card that says what was not screened."""

_SUMMARIES: Final[Mapping[Severity, str]] = {
    "absolute": "Massage is contraindicated",
    "relative": "Massage needs clearance or restrictions",
    "local": "Avoid the area",
}
_LONGEST_SUMMARY: Final = 139
_MOST_NAMED: Final = 10


class Deck(Struct, frozen=True, kw_only=True):
    """Makes cards: `policy` is the URL of the page with the rules, `override_reasons` code → display."""

    policy: str
    override_reasons: Mapping[str, str]

    def finding(self, finding: Finding, order: Content, call: Call) -> Card:
        """The card of one finding for one order."""
        identity = f"{call.instance}|{reference_to(order)}|{finding.rule}"
        card: Card = {
            "uuid": card_uuid(finding.rule, identity),
            "summary": _shortened(f"{_SUMMARIES[finding.severity]}: {finding.title}"),
            "indicator": INDICATORS[finding.severity],
            "detail": f"{finding.detail}\n\n{SIGN_OFF}",
            "source": self._source(finding.rule, finding.title),
            "overrideReasons": [
                {"system": OVERRIDE_REASON, "code": code, "display": display}
                for code, display in self.override_reasons.items()
            ],
            "links": [{"label": "What the rule says", "url": f"{self.policy}#{finding.rule}", "type": "absolute"}],
        }
        suggestions = _suggestions(finding, order, identity)
        if suggestions:
            card |= {"suggestions": suggestions, "selectionBehavior": "at-most-one"}
        return card

    def incomplete(self, screening: Screening, call: Call) -> Card | None:
        """The card that says what was not screened; None where all was."""
        told = []
        if screening.basis == "unscreened":
            told.append("No condition of the patient is known that the rules can judge: that is not a sign of safety.")
        if screening.unread:
            told.append(f"Not read, or not all of it: {', '.join(screening.unread)}.")
        if screening.unjudged:
            named = ", ".join(screening.unjudged[:_MOST_NAMED])
            more = f" and {len(screening.unjudged) - _MOST_NAMED} more" if len(screening.unjudged) > _MOST_NAMED else ""
            told.append(f"In words or codes that the rules do not know: {named}{more}.")
        if not told:
            return None
        is_unscreened = screening.basis == "unscreened"
        return {
            "uuid": card_uuid(INCOMPLETE, f"{call.instance}|{INCOMPLETE}"),
            "summary": "Not screened for contraindications" if is_unscreened else "Not everything could be screened",
            "indicator": "info",
            "detail": f"{' '.join(told)}\n\n{SIGN_OFF}",
            "source": self._source(INCOMPLETE, "Screening is not complete"),
        }

    def _source(self, rule: str, title: str) -> dict[str, Any]:
        topic = {"system": CONTRAINDICATION, "code": rule, "display": title}
        return {"label": "Medical massage safety rules", "url": self.policy, "topic": topic}


def card_uuid(rule: str, identity: str) -> str:
    """The UUID of a card, always the same for the same call, order and rule.

    It begins with a mark of the rule, so that feedback on it can be understood though no card is kept (version 8,
    https://www.rfc-editor.org/rfc/rfc9562#section-5.8).
    """
    digest = hashlib.blake2b(identity.encode(), digest_size=12).digest()
    raw = bytearray(_mark(rule) + digest)
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(raw)))


def rule_of_card(card: UUID, rules: Mapping[bytes, str]) -> str | None:
    """The rule that a card is about; None for a UUID that is not of one of ours."""
    is_ours = card.bytes[6] >> 4 == 8
    return rules.get(card.bytes[:4]) if is_ours else None


def marks_of(rules: Mapping[str, Any]) -> dict[bytes, str]:
    """Mark → rule; ValueError where two rules have the same."""
    marks = {_mark(rule): rule for rule in rules}
    if len(marks) < len(rules):
        raise ValueError("two rules have the same mark; rename one of them")
    return marks


def _mark(rule: str) -> bytes:
    return zlib.crc32(rule.encode()).to_bytes(4, "big")


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SUMMARY else f"{text[: _LONGEST_SUMMARY - 1]}…"


def _suggestions(finding: Finding, order: Content, identity: str) -> list[dict[str, Any]]:
    """What the EHR can do by itself: leave the techniques out, or not order at all."""
    reference = reference_to(order)
    suggestions = []
    without = _without(order, frozenset(finding.techniques))
    if without is not None and reference:
        left_out = ", ".join(each for each in finding.techniques if each in _techniques(order))
        action = {"type": "update", "description": f"Leave out {left_out}", "resource": without}
        suggestions.append({"label": f"Order without {left_out}", "actions": [action]})
    if finding.severity == "absolute" and reference:
        kind = "appointment" if order["resourceType"] == "Appointment" else "order"
        action = {"type": "delete", "description": f"Remove the {kind} for massage", "resourceId": reference}
        suggestions.append({"label": f"Remove this {kind}", "actions": [action]})
    return [
        {"uuid": card_uuid(finding.rule, f"{identity}|{number}"), **each} for number, each in enumerate(suggestions)
    ]


def _techniques(order: Content) -> set[str]:
    return {code for system, code in codings_in(order, "orderDetail") if system == TECHNIQUE}


def _without(order: Content, techniques: frozenset[str]) -> Content | None:
    """The order without the techniques that it asks for; None where it asks for none of them, or for nothing else."""
    if techniques.isdisjoint(_techniques(order)):
        return None
    details = objects_in(order, "orderDetail")
    kept = [each for each in details if techniques.isdisjoint(_techniques({"orderDetail": [each]}))]
    changed = {name: value for name, value in order.items() if name != "orderDetail"}
    return changed | ({"orderDetail": kept} if kept else {})
