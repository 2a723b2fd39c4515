"""The same order sent twice, and different orders for the same care.

The caller hands in what it found by the placer identifier (same referrer) or by the patient; these functions decide.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from service.fhir.stamp import instant_text
from service.massage.cycle.moment import start_of
from service.massage.cycle.terms import ACT_CODE, PLACER, coded, codes_of, identifiers, reference_in, references_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from service.fhir.resource import Content

Sameness = Literal["other", "same", "conflict"]

SIMILAR_WITHIN: Final = timedelta(days=30)
"""How far apart two orders for the same reason may be written and still look like one care ordered twice."""

_UNDER_WAY: Final = frozenset({"active", "on-hold"})
_NOT_ORDERED: Final = frozenset({"id", "meta", "text", "language"})


def placer_identifiers(referral: Content) -> tuple[tuple[str, str], ...]:
    """The (system, value) pairs by which the referrer knows the order; they are unique per referrer."""
    return tuple(pair for pair in identifiers(referral, PLACER) if all(pair))


def same_order(stored: Content, sent: Content) -> Sameness:
    """Whether an order that is sent is one that is stored, both of the same referrer.

    ``other``: they share no placer identifier. ``same``: a retry, to be answered with what is stored (200).
    ``conflict``: the identifier is used again for something else (409, pointing at what is stored).
    """
    if not set(placer_identifiers(stored)) & set(placer_identifiers(sent)):
        return "other"
    return "same" if _ordered(stored) == _ordered(sent) else "conflict"


def similar_active(referral: Content, others: Iterable[Content]) -> tuple[Content, ...]:
    """The other referrals that are under way for the same patient and reason, written within `SIMILAR_WITHIN` of it."""
    return tuple(other for other in others if _is_similar(referral, other))


def duplicate_therapy(
    referral: Content, similar: Iterable[Content], now: datetime, new_id: Callable[[], str]
) -> Content:
    """The DetectedIssue that says of a referral that similar ones are under way (DUPTHPY, moderate)."""
    implicated = [referral, *similar]
    return {
        "resourceType": "DetectedIssue",
        "id": new_id(),
        "status": "final",
        "code": coded(ACT_CODE, "DUPTHPY", "A similar referral is under way."),
        "severity": "moderate",
        "patient": referral["subject"],
        "identifiedDateTime": instant_text(now),
        "implicated": [{"reference": f"ServiceRequest/{one['id']}"} for one in implicated],
    }


def _ordered(referral: Content) -> dict[str, Any]:
    return {name: value for name, value in referral.items() if name not in _NOT_ORDERED}


def _is_similar(referral: Content, other: Content) -> bool:
    if other.get("id") == referral.get("id") or other.get("status") not in _UNDER_WAY:
        return False
    if reference_in(other.get("subject")) != reference_in(referral.get("subject")):
        return False
    return _same_reason(referral, other) and _same_time(referral, other)


def _same_reason(one: Content, other: Content) -> bool:
    """Whether they share the code of a reason or a Condition; texts are not compared."""
    codes = [frozenset[tuple[str, str]]().union(*map(codes_of, each.get("reasonCode", ()))) for each in (one, other)]
    conditions = [set(references_in(each.get("reasonReference", ()))) for each in (one, other)]
    return bool(codes[0] & codes[1]) or bool(conditions[0] & conditions[1])


def _same_time(one: Content, other: Content) -> bool:
    """Whether they were written close to each other; one that does not say when counts as close."""
    first, second = start_of(one.get("authoredOn")), start_of(other.get("authoredOn"))
    return first is None or second is None or abs(first - second) <= SIMILAR_WITHIN
