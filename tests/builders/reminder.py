"""A reminder of the service to the clinic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.concept import coded
from service.massage.cycle.terms import TASK_KIND
from tests.builders.loop import SUBJECT

if TYPE_CHECKING:
    from service.fhir.resource import Content


def reminder(**elements: Any) -> Content:
    """A reminder of the service."""
    return {
        "resourceType": "Task",
        "id": "reminder",
        "status": "ready",
        "intent": "order",
        "code": coded(TASK_KIND, "reminder"),
        "focus": {"reference": "Task/task"},
        "for": SUBJECT,
    } | elements
