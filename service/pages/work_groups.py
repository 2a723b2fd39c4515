"""The groups of a work list, in the order in which they matter: by the business status of a referral's Task, and facts.

Those of visits are told by the Appointments; their statuses count where these may not be read.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from service.pages.work_visits import MISSED, UNBOOKED


class Group(Struct, frozen=True, kw_only=True):
    """`statuses` are business statuses; `hint` says what is to be done."""

    key: str
    title: str
    hint: str
    statuses: frozenset[str] = frozenset()


SAFETY: Final = "safety"
REQUESTS: Final = "requests"
EXPIRING: Final = "expiring"

UNSCREENED: Final = "unscreened"

GROUPS: Final = (
    Group(
        key=SAFETY,
        title="Held for safety",
        hint="A contraindication stands. No massage until the referrer clears it.",
        statuses=frozenset({"safety-hold"}),
    ),
    Group(
        key=UNSCREENED,
        title="Not screened",
        hint="No diagnosis of the patient that you see is one that the safety rules can judge, which does not mean "
        "safe: ask, and assess first.",
    ),
    Group(
        key="new",
        title="New referrals",
        hint="Sent and not decided yet: accept, decline, or ask for more.",
        statuses=frozenset({"awaiting-triage", "in-review"}),
    ),
    Group(
        key=REQUESTS,
        title="Requests to answer",
        hint="The other side asks to cancel or to change something.",
        statuses=frozenset({"cancellation-requested"}),
    ),
    Group(
        key=EXPIRING,
        title="Orders about to expire",
        hint="They end soon, and treatment has not begun.",
    ),
    Group(
        key="reports",
        title="Progress reports due",
        hint="Report to the referrer before treatment goes on.",
        statuses=frozenset({"progress-report-due"}),
    ),
    Group(
        key="exhausted",
        title="Visits used up",
        hint="All authorised visits are delivered: ask for more, or finish.",
        statuses=frozenset({"visits-exhausted"}),
    ),
    Group(
        key=MISSED,
        title="Missed or cancelled visits",
        hint="The last visit did not take place, and none is booked since: get in touch.",
        statuses=frozenset({"visit-no-show", "visit-cancelled"}),
    ),
    Group(
        key=UNBOOKED,
        title="Visits left, nothing booked",
        hint="Book the next visit.",
        statuses=frozenset({"accepted-unscheduled"}),
    ),
    Group(
        key="final",
        title="Final reports to write",
        hint="All sessions are delivered: report, and close the loop.",
        statuses=frozenset({"report-pending"}),
    ),
    Group(
        key="waiting",
        title="Waiting for others",
        hint="Information or an authorisation was asked for.",
        statuses=frozenset({"awaiting-information", "awaiting-authorization"}),
    ),
)
