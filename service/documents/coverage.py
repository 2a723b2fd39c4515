"""What the payer has said of a referral: which coverage is in force, and what it pays unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.temporal import range_of_period
from service.massage.cycle.terms import references_in

if TYPE_CHECKING:
    from datetime import datetime

    from service.documents.case import Case
    from service.fhir.resource import Content


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
