"""How long an order holds: until the end that the referral or its Task gives, else for a time after it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.massage.cycle.moment import end_of, start_of

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from service.fhir.resource import Content
    from service.massage.cycle.draft import Draft


def validity_end(draft: Draft, task: Content) -> datetime | None:
    """The instant from which the Task is expired; None where nothing tells."""
    return order_end(draft.referral, task, draft.surroundings.policy.validity)


def order_end(referral: Content, task: Content, validity: timedelta) -> datetime | None:
    """The same of a referral and its Task, where an order holds for `validity` unless it says otherwise.

    An `occurrenceDateTime` is when the care is wanted, not until when: the time after `authoredOn` counts then.
    """
    bounds: Any = referral.get("occurrenceTiming", {}).get("repeat", {}).get("boundsPeriod")
    said = (end_of(referral.get("occurrencePeriod")), end_of(bounds), end_of(task.get("restriction", {}).get("period")))
    ends = [end for end in said if end is not None]
    if ends:
        return min(ends)
    written = start_of(referral.get("authoredOn")) or start_of(task.get("authoredOn"))
    return written + validity if written else None
