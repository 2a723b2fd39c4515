"""What the payer has said of a referral: coverage, authorisations, and that none is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.documents import words
from service.fhir.temporal import range_of_period
from service.massage.cycle.coverage import COVERAGE_INFORMATION, asserted
from service.massage.cycle.terms import references_in

if TYPE_CHECKING:
    from datetime import datetime

    from service.documents.case import Case
    from service.fhir.resource import Content

_SETTLED: Final = frozenset({"no-auth", "satisfied"})


class Authorisation(Struct, frozen=True, kw_only=True):
    """An answer of the payer: its number, its period in words, the visits that it allows; empty or None: not said."""

    number: str
    period: str
    visits: int | None
    source: str


def authorisations(case: Case) -> list[Authorisation]:
    """The active answers that the order names, and what the payer has written on the order."""
    found = []
    for answer in _insured(case, "ClaimResponse"):
        counts = [int(each["quantity"]["value"]) for each in answer.get("addItem", ()) if _is_counted(each)]
        found.append(
            Authorisation(
                number=str(answer.get("preAuthRef", "")),
                period=words.period(answer.get("preAuthPeriod")),
                visits=sum(counts) if counts else None,
                source=f"ClaimResponse/{answer['id']}",
            )
        )
    found += [
        Authorisation(
            number=one.number or "",
            period=words.period({"end": one.until}) if one.until else "",
            visits=one.visits,
            source="coverage information on the order",
        )
        for one in asserted(case.referral)
    ]
    return found


def is_waived(case: Case) -> bool:
    """Whether the payer has written on the order that no authorisation is needed, or that it is there."""
    held = [case.referral, *case.referral.get("insurance", ())]
    return any(
        part.get("url") == "pa-needed" and part.get("valueCode") in _SETTLED
        for each in held
        for one in each.get("extension", ())
        if one.get("url") == COVERAGE_INFORMATION
        for part in one.get("extension", ())
    )


def is_within_free_visits(case: Case) -> bool:
    """Whether there were no more visits than the payer's rules cover before it has answered."""
    return bool(coverages(case)) and len(case.log) <= case.policy.visits_without_authorisation


def coverages(case: Case) -> list[Content]:
    """The active Coverages that the order names."""
    return _insured(case, "Coverage")


def covered_on(case: Case, instant: datetime) -> bool:
    """Whether an active Coverage was in force then; one without a period is not known to be."""
    for each in coverages(case):
        period: Any = each.get("period")
        lasts = range_of_period(period, case.zone) if period else None
        if lasts is not None and lasts.low <= instant < lasts.high:
            return True
    return False


def _insured(case: Case, type: str) -> list[Content]:
    named = (case.view.find(each) for each in references_in(case.referral.get("insurance")))
    return [each for each in named if each and each["resourceType"] == type and each.get("status") == "active"]


def _is_counted(item: Content) -> bool:
    return "value" in item.get("quantity", {})
