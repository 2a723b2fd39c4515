"""Why a Task is declined, held, failed or ended: the codes of `referral-status-reason`, and where each makes sense.

Which status a reason goes with is ours, drawn wide: it keeps out only what contradicts the status, such as goals that
are met as a reason to decline.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

_UNSTARTED: Final = "rejected failed on-hold cancelled"

REASONS: Final = MappingProxyType(
    {
        code: frozenset(statuses.split())
        for code, statuses in (
            ("no-capacity", "rejected failed on-hold"),
            ("out-of-scope", "rejected failed"),
            ("no-qualified-therapist", "rejected failed on-hold"),
            ("out-of-network", "rejected failed"),
            ("contraindicated", _UNSTARTED),
            ("insufficient-information", _UNSTARTED),
            ("no-authorization", _UNSTARTED),
            ("patient-declined", _UNSTARTED),
            ("patient-unreachable", _UNSTARTED),
            ("duplicate-referral", "rejected cancelled"),
            ("identity-mismatch", _UNSTARTED),
            ("new-red-flag", _UNSTARTED),
            ("goals-met", "completed failed cancelled"),
            ("plateau", "completed failed cancelled"),
            ("adverse-event", "failed on-hold cancelled"),
            ("lost-to-follow-up", "failed on-hold cancelled"),
            ("referral-revoked", "in-progress cancelled failed rejected"),
            ("order-expired", "cancelled rejected"),
        )
    }
)
"""Reason → the statuses of the Task that it may explain."""


def reasons_for(status: str) -> tuple[str, ...]:
    """The reasons that may explain a status, in the order of the table."""
    return tuple(code for code, statuses in REASONS.items() if status in statuses)
