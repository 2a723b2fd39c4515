"""What becomes of the demo's referrals: one row for each way that a referral can go, as often as `often` says.

A hundred referrals and more repeat the rows; the first as many as there are show each of them at least once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

Ending = Literal[
    "requested", "open", "received", "awaiting-information", "accepted", "planned", "rejected", "cancelled",
    "entered-in-error", "expired", "safety-hold", "under-way", "due", "no-show", "visit-cancelled", "on-hold",
    "exhausted", "report-pending", "cancellation-requested", "aborted", "lost", "adverse-event", "closed",
    "acknowledged",
]  # fmt: skip
"""How far a referral has come, or how it ended."""

Course = Literal["better", "worse", "plateau"]
"""What the measurements show."""


class Scenario(Struct, frozen=True, kw_only=True):
    """`visits` are delivered sessions, of those ordered; None: all of them."""

    ending: Ending
    course: Course = "better"
    visits: int | None = 0
    often: int = 1
    authorised: int | None = None


SCENARIOS: Final = (
    Scenario(ending="acknowledged", visits=None, often=6),
    Scenario(ending="acknowledged", course="plateau", visits=None, often=2),
    Scenario(ending="closed", course="worse", visits=None),
    Scenario(ending="closed", visits=None, often=2),
    Scenario(ending="under-way", visits=3, often=3),
    Scenario(ending="under-way", course="plateau", visits=4),
    Scenario(ending="under-way", course="worse", visits=2),
    Scenario(ending="due", visits=5),
    Scenario(ending="no-show", visits=2),
    Scenario(ending="visit-cancelled", visits=1),
    Scenario(ending="on-hold", visits=2),
    Scenario(ending="exhausted", visits=4, authorised=4),
    Scenario(ending="report-pending", visits=None),
    Scenario(ending="cancellation-requested", visits=1),
    Scenario(ending="aborted", course="worse", visits=2),
    Scenario(ending="lost", visits=2, often=2),
    Scenario(ending="adverse-event", course="worse", visits=3),
    Scenario(ending="requested", often=2),
    Scenario(ending="open"),
    Scenario(ending="safety-hold"),
    Scenario(ending="received"),
    Scenario(ending="awaiting-information"),
    Scenario(ending="accepted"),
    Scenario(ending="planned"),
    Scenario(ending="rejected"),
    Scenario(ending="cancelled"),
    Scenario(ending="entered-in-error"),
    Scenario(ending="expired"),
)


def scenario_of(number: int, shuffled: Random) -> Scenario:
    """The row of the patient with this number, from 0; `shuffled` is to be drawn from the seed alone."""
    rows: Sequence[Scenario] = [row for row in SCENARIOS for _ in range(row.often)]
    order = shuffled.sample(range(len(rows)), len(rows))
    return rows[order[number % len(rows)]]
