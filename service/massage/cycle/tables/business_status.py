"""Which business status goes with which status of the referral's Task, and which the service sets.

A status that no row names (entered-in-error) has no business status.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

ALLOWED: Final = MappingProxyType(
    {
        code: frozenset(statuses.split())
        for code, statuses in (
            ("awaiting-triage", "requested"),
            ("in-review", "received"),
            ("awaiting-information", "received on-hold"),
            ("awaiting-authorization", "received accepted on-hold"),
            ("safety-hold", "requested received accepted on-hold"),
            ("accepted-unscheduled", "accepted"),
            ("declined", "rejected"),
            ("visit-scheduled", "in-progress"),
            ("visit-no-show", "in-progress"),
            ("visit-cancelled", "in-progress"),
            ("visit-completed", "in-progress"),
            ("progress-report-due", "in-progress"),
            ("visits-exhausted", "in-progress on-hold"),
            ("cancellation-requested", "in-progress on-hold"),
            ("report-pending", "in-progress"),
            ("cancelled-by-referrer", "cancelled"),
            ("cancelled-by-patient", "cancelled"),
            ("discontinued", "failed"),
            ("expired", "cancelled"),
            ("closed-loop", "completed"),
        )
    }
)
"""Business status → the statuses of the Task that it may stand beside."""

DEFAULTS: Final = MappingProxyType(
    {
        "requested": "awaiting-triage",
        "received": "in-review",
        "accepted": "accepted-unscheduled",
        "in-progress": "visit-scheduled",
        # there is no word for a referral that its referrer holds; what is awaited is their word to go on
        "on-hold": "awaiting-information",
        "rejected": "declined",
        "cancelled": "cancelled-by-referrer",
        "failed": "discontinued",
        "completed": "closed-loop",
    }
)
"""Status of the Task → the business status that it falls back to when nothing more is known."""


def allowed_with(status: str) -> tuple[str, ...]:
    """The business statuses that may stand beside a status of the Task, in the order of the table."""
    return tuple(code for code, statuses in ALLOWED.items() if status in statuses)
