"""The same order sent twice.

The caller hands in what it found by the placer identifier of the same referrer; similar orders under other identifiers
are the screening's matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from service.massage.cycle.terms import PLACER, identifiers

if TYPE_CHECKING:
    from service.fhir.resource import Content

Sameness = Literal["other", "same", "conflict"]

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


def _ordered(referral: Content) -> dict[str, Any]:
    return {name: value for name, value in referral.items() if name not in _NOT_ORDERED}
