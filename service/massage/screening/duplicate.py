"""A second referral for the same: an active one of the same patient, for the same reason, within thirty days."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from service.massage.screening.content import codings_in, objects_in, reference_to, text_in
from service.massage.screening.finding import Finding
from service.massage.screening.record import moment_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from service.fhir.resource import Content

DUPLICATE: Final = "duplicate-referral"
WITHIN: Final = timedelta(days=30)
_LIVE: Final = frozenset({"active", "on-hold"})


def similar_referral(referral: Content, others: Iterable[Content], now: datetime) -> Finding | None:
    """The finding that `others`, referrals for massage of the same patient, have one like it; None where none is.

    A referral that replaces another one is no duplicate of it, nor is that one of it.
    """
    reasons = _reasons(referral)
    replaced = _replaced(referral)
    alike = [
        reference
        for other in others
        if (reference := reference_to(other)) not in {"", reference_to(referral), *replaced}
        and reference_to(referral) not in _replaced(other)
        and text_in(other, "status") in _LIVE
        and not reasons.isdisjoint(_reasons(other))
        and _is_recent(other, now)
    ]
    if not alike:
        return None
    return Finding(
        rule=DUPLICATE,
        title="A similar referral is active",
        severity="relative",
        alert="DUPTHPY",
        detail=f"{', '.join(alike)}: active, for the same reason, of the last {WITHIN.days} days.",
        action="Ask the referrer which of them holds.",
        evidence=tuple(alike),
        source="design",
    )


def unnamed(finding: Finding) -> Finding:
    """The finding without the references of the others, for readers who may not see these; their number is left out."""
    told = f"Another referral of the patient is active, for the same reason, of the last {WITHIN.days} days."
    return replace(finding, detail=told, evidence=())


def _replaced(referral: Content) -> set[str]:
    return {text_in(each, "reference") for each in objects_in(referral, "replaces")} - {""}


def _reasons(referral: Content) -> set[str]:
    coded = {f"{system}|{code}" for system, code in codings_in(referral, "reasonCode") if code}
    named = {text_in(each, "reference") for each in objects_in(referral, "reasonReference")}
    return coded | (named - {""})


def _is_recent(other: Content, now: datetime) -> bool:
    """Whether it was written within thirty days; one that does not say when counts."""
    written = moment_of(other, "authoredOn")
    return written is None or written >= now - WITHIN
