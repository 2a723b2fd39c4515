"""The guards by the names that the tables use: each says why a step cannot be taken, or nothing when it can."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from service.massage.cycle.guards import (
    of_allowance,
    of_encounter,
    of_plan,
    of_reason,
    of_referral,
    of_report,
    of_session,
    of_task,
    of_therapist,
    of_visit,
    of_work,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.massage.cycle.guards.guard import Guard

GUARDS: Final[Mapping[str, Guard]] = MappingProxyType(
    {
        guard.name: guard
        for module in (
            of_referral,
            of_task,
            of_reason,
            of_work,
            of_visit,
            of_allowance,
            of_session,
            of_encounter,
            of_therapist,
            of_plan,
            of_report,
        )
        for guard in module.GUARDS
    }
)
