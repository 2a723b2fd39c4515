"""The life cycles of the referral loop as rows: machines, business status, reasons, ownership, what stays fixed."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from service.massage.cycle.tables.care import APPOINTMENT, ENCOUNTER, PROCEDURE, REPORT
from service.massage.cycle.tables.plan import CARE_PLAN, GOAL
from service.massage.cycle.tables.referral import REFERRAL
from service.massage.cycle.tables.reminder import REMINDER
from service.massage.cycle.tables.request_task import REQUEST_TASK
from service.massage.cycle.tables.task import TASK

MACHINES: Final = MappingProxyType(
    {
        machine.kind: machine
        for machine in (
            *(REFERRAL, TASK, REQUEST_TASK, REMINDER),
            *(CARE_PLAN, GOAL, APPOINTMENT, ENCOUNTER, PROCEDURE, REPORT),
        )
    }
)
"""Kind of resource → its life cycle. A kind is a type, or one of the parts that a type plays in the loop."""

NEEDS_IF_MATCH: Final = frozenset({"ServiceRequest", "Task", "CarePlan"})
"""The types of an episode whose updates must say which version they change; the interaction asks for it (428)."""
