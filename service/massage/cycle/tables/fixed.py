"""What may not change: one row per kind and element.

`once` says that the element may still be set where it is absent. `type_code` restricts a row on `identifier` to the
identifiers of that v2-0203 type. Ours, and safer: the requester of referral and Task, because
ownership hangs on it; and what ties a resource to its patient and its referral, so that none can be moved away.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from service.massage.cycle.terms import FILLER_TYPE, PLACER


class Fixed(Struct, frozen=True, kw_only=True):
    """An element that keeps its value."""

    kind: str
    element: str
    once: bool = False
    type_code: str = ""


def _rows(kind: str, elements: str, *, once: bool = False) -> tuple[Fixed, ...]:
    return tuple(Fixed(kind=kind, element=element, once=once) for element in elements.split())


FIXED: Final = (
    *_rows("Referral", "intent subject requester"),
    Fixed(kind="Referral", element="identifier", type_code=PLACER),
    *_rows("Task", "intent code focus for requester authoredOn"),
    *_rows("Task", "owner", once=True),
    Fixed(kind="Task", element="identifier", type_code=PLACER),
    Fixed(kind="Task", element="identifier", type_code=FILLER_TYPE, once=True),
    *_rows("RequestTask", "intent code focus for requester owner"),
    *_rows("Reminder", "intent code focus for restriction"),
    *_rows("CarePlan", "intent subject"),
    *_rows("Goal", "subject"),
    *_rows("Appointment", "basedOn"),
    *_rows("Encounter", "subject basedOn"),
    *_rows("Procedure", "subject basedOn"),
    *_rows("Procedure", "encounter partOf", once=True),
    *_rows("Observation", "subject"),
    *_rows("Observation", "encounter basedOn", once=True),
    *_rows("DiagnosticReport", "subject"),
    *_rows("DiagnosticReport", "basedOn", once=True),
    *_rows("EpisodeOfCare", "patient referralRequest"),
    *_rows("DetectedIssue", "patient implicated", once=True),
)
