"""Cases of the guards in guards/ (of_referral)."""

from __future__ import annotations

from service.massage.cycle import SYSTEM, Policy
from tests.builders.guard_case import CLOSED, FINAL, REVOKED, Case, accepted, without, working
from tests.builders.loop import (
    REFERRER,
    abort,
    business,
    referral,
    report,
    task,
)

CASES = (
    Case(
        guard="referral-active",
        broken=((referral(status="on-hold"), task()), (task(status="accepted"),)),
        holding=((referral(), task()), (task(status="accepted"),)),
    ),
    *(
        Case(
            guard="referral-complete",
            party=REFERRER,
            broken=((), (without(referral(), name),)),
            holding=((), (referral(),)),
        )
        for name in ("identifier", "code", "requester", "reasonCode")
    ),
    Case(
        guard="sessions-agree",
        party=REFERRER,
        broken=((), (referral(occurrenceTiming={"repeat": {"count": 10}}),)),
        holding=((), (referral(occurrenceTiming={"repeat": {"count": 6}}),)),
    ),
    Case(
        guard="sessions-agree",
        party=REFERRER,
        broken=((), (referral(occurrenceTiming={"repeat": {"duration": 2, "durationUnit": "h"}}),)),
        holding=((), (referral(occurrenceTiming={"repeat": {"duration": 90, "durationUnit": "min"}}),)),
    ),
    Case(
        guard="referral-withdrawn",
        party=REFERRER,
        broken=((referral(), task()), (task(status="cancelled"),)),
        holding=((referral(), task()), (task(status="cancelled"), REVOKED)),
    ),
    Case(
        guard="referral-withdrawn-if-asked",
        party=REFERRER,
        broken=(
            (
                referral(),
                task(),
                _asked := abort(focus={"reference": "ServiceRequest/order"})
                | {
                    "requester": {"reference": "Organization/clinic"},
                    "owner": {"reference": "Organization/referrer"},
                },
            ),
            (_asked | {"status": "completed"},),
        ),
        holding=((referral(), task(), _asked), (_asked | {"status": "completed"}, REVOKED)),
    ),
    Case(
        guard="loop-closed",
        party=REFERRER,
        broken=((referral(), working()), (referral(status="completed"),)),
        holding=((referral(), CLOSED), (referral(status="completed"),)),
    ),
    Case(
        guard="consult-only",
        broken=((referral(), accepted(), report()), (accepted(status="completed", output=FINAL),)),
        holding=(
            (without(referral(), "quantityQuantity"), accepted(), report()),
            (accepted(status="completed", output=FINAL),),
        ),
    ),
    Case(
        guard="only-notes",
        broken=((referral(), CLOSED), (CLOSED | {"output": FINAL},)),
        holding=((referral(), CLOSED), (CLOSED | {"note": [{"text": "A remark."}]},)),
    ),
    Case(
        guard="validity-passed",
        party=SYSTEM,
        broken=(
            (referral(occurrencePeriod={"end": "2026-01-12"}), task()),
            (task(status="cancelled", businessStatus=business("expired")),),
        ),
        holding=(
            (referral(occurrencePeriod={"end": "2026-01-11"}), task()),
            (task(status="cancelled", businessStatus=business("expired")),),
        ),
    ),
    Case(
        guard="consent-given",
        policy=Policy(consent_required=True),
        broken=((referral(), task()), (task(status="accepted"),)),
        holding=(
            (referral(), task(), {"resourceType": "Consent", "id": "consent", "status": "active"}),
            (task(status="accepted"),),
        ),
    ),
)
