"""An episode as the rules look at it: resources by kind, references followed, the questions that all of them ask."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

from service.fhir.concept import code_in, codings
from service.massage.cycle.moment import start_of
from service.massage.cycle.terms import TASK_CODE, TASK_KIND, reference_in, references_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from service.fhir.resource import Content

_ASKING: Final = frozenset({"abort", "change"})
REMINDER: Final = "reminder"
"""The code of a Task by which the service reminds the clinic."""

LIVE: Final = frozenset({"requested", "received", "accepted", "in-progress", "on-hold"})
STARTED: Final = frozenset({"in-progress", "on-hold"})
ASKED: Final = frozenset({"requested", "received", "accepted"})
"""The states of an abort or change Task that nobody has answered yet."""
BOOKED: Final = frozenset({"booked", "arrived"})
OPEN_VISIT: Final = frozenset({"proposed", "pending", "booked", "arrived"})


class View:
    """The resources of one referral, read only. Where a type has several parts in the loop, they are told apart."""

    def __init__(self, referral_id: str, resources: Mapping[str, Mapping[str, Content]], base: str) -> None:
        self.referral_id = referral_id
        self.resources = resources
        self._base = f"{base}/" if base else ""

    def of(self, type: str) -> list[Content]:
        """The resources of a type, in the order in which they were handed in."""
        return list(self.resources.get(type, {}).values())

    def local(self, reference: str) -> str:
        """``Type/id`` of a literal reference: without our own base, without a version."""
        return reference.removeprefix(self._base).partition("/_history/")[0]

    def find(self, reference: str) -> Content | None:
        """The resource of the episode that a literal reference names."""
        type, _, logical_id = self.local(reference).partition("/")
        return self.resources.get(type, {}).get(logical_id)

    @property
    def referral(self) -> Content:
        """The referral as it is in this view; empty before it is created."""
        return self.resources.get("ServiceRequest", {}).get(self.referral_id, {})

    def names_referral(self, reference: str) -> bool:
        """Whether a reference names the referral."""
        return self.local(reference) == f"ServiceRequest/{self.referral_id}"

    def kind(self, content: Content) -> str:
        """The part that a resource plays: its type, or Referral, Task, RequestTask; empty for a bystander."""
        match content["resourceType"]:
            case "ServiceRequest":
                return "Referral" if content.get("id") == self.referral_id else ""
            case "Task":
                return self._kind_of_task(content)
            case "Observation":
                return "Observation" if self._is_of_the_care(content) else ""
            case other:
                return str(other)

    def _is_of_the_care(self, observation: Content) -> bool:
        """Whether an Observation was made in this care, unlike a baseline that the referrer points to."""
        named = [*references_in(observation.get("basedOn")), *references_in(observation.get("partOf"))]
        named.append(reference_in(observation.get("encounter")))
        return any(self.names_referral(one) or self.find(one) is not None for one in named)

    def _kind_of_task(self, task: Content) -> str:
        code = code_in(task.get("code"), TASK_CODE)
        if code in _ASKING:
            return "RequestTask"
        if code_in(task.get("code"), TASK_KIND) == REMINDER:
            return "Reminder"
        coordinates = code == "fulfill" or not any(True for _ in codings(task.get("code")))
        return "Task" if coordinates and self.names_referral(reference_in(task.get("focus"))) else ""

    def tasks(self) -> list[Content]:
        """The coordination Tasks of the referral, live or ended."""
        return [task for task in self.of("Task") if self.kind(task) == "Task"]

    def live_task(self) -> Content | None:
        """The one Task that is not at its end."""
        return next((task for task in self.tasks() if task.get("status") in LIVE), None)

    def open_aborts(self) -> list[Content]:
        """The abort Tasks that nobody has answered yet."""
        return [task for task in self.of("Task") if is_abort(task) and task.get("status") in ASKED]

    def reminders(self) -> list[Content]:
        """The reminders that the clinic has not seen to yet."""
        return [task for task in self.of("Task") if self.kind(task) == "Reminder" and task.get("status") == "ready"]

    def missed_in_a_row(self) -> int:
        """To how many visits the patient did not come since the last one that was kept, by when they begin."""
        dated = [
            (start, one.get("status") == "noshow")
            for one in self.with_status("Appointment", frozenset({"noshow", "arrived", "fulfilled"}))
            if (start := start_of(one.get("start"))) is not None
        ]
        dated.sort()
        return len(list(takewhile(lambda each: each[1], reversed(dated))))

    def open_issues(self, is_open: Callable[[Content], bool]) -> list[Content]:
        """The absolute contraindications that are not mitigated."""
        return [issue for issue in self.of("DetectedIssue") if is_open(issue)]

    def sessions(self) -> list[Content]:
        """The Procedures that are sessions: all but the techniques within one."""
        return [one for one in self.of("Procedure") if self.is_session(one)]

    def is_session(self, procedure: Content) -> bool:
        """Whether a Procedure is a session rather than a technique within one."""
        parts = references_in(procedure.get("partOf"))
        return not any(self.local(reference).startswith("Procedure/") for reference in parts)

    def delivered(self) -> list[Content]:
        """The sessions that were completed."""
        return [one for one in self.sessions() if one.get("status") == "completed"]

    def with_status(self, type: str, statuses: frozenset[str]) -> Iterator[Content]:
        """The resources of a type in any of these states."""
        return (one for one in self.of(type) if one.get("status") in statuses)


def is_abort(task: Content) -> bool:
    """Whether a Task asks for an abort."""
    return code_in(task.get("code"), TASK_CODE) == "abort"


def name_of(content: Content) -> str:
    """``Type/id``."""
    return f"{content['resourceType']}/{content['id']}"
