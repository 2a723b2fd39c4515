"""The episode as it is going to be: what is stored, what the client changes, what the service adds.

Guards read it, effects write to it. A content is never changed in place.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from service.fhir.concept import coded
from service.massage.cycle.values import Change
from service.massage.cycle.view import View, name_of
from service.massage.systems import STATUS_REASON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from service.fhir.outcome import Issue
    from service.fhir.resource import Content
    from service.massage.cycle.machine import Step
    from service.massage.cycle.values import Episode, Party, Surroundings


class Taken(Struct, frozen=True, kw_only=True):
    """A step that was taken, for the Provenance: by whom, from which state to which."""

    name: str
    step: Step
    party: Party
    source: str
    target: str


class Move(Struct, frozen=True, kw_only=True):
    """A step that the service takes as the consequence of another; `elements` come with the new state."""

    name: str
    target: str
    elements: dict[str, Any]


class Draft(View):
    """A working copy of an episode; `stored` is the episode as it was, `proposed` what the client makes of it."""

    def __init__(self, episode: Episode, now: datetime, new_id: Callable[[], str], surroundings: Surroundings) -> None:
        resources = {type: dict(contents) for type, contents in episode.resources.items()}
        referral_id = episode.referral.get("id", "")
        super().__init__(referral_id, resources, episode.base)
        self.stored = View(referral_id, episode.resources, episode.base)
        self.now = now
        self.surroundings = surroundings
        self.moves: deque[Move] = deque()
        self.taken: list[Taken] = []
        self.notices: list[Issue] = []
        self.proposed: set[str] = set()
        self.restated: list[Content] = []
        self._resources = resources
        self._new_id = new_id
        self._touched: dict[str, Content] = {}

    def propose(self, changes: Iterable[Change]) -> None:
        """Take over what the client changes."""
        for change in changes:
            of_type = self._resources.setdefault(change.type, {})
            if change.after is None:
                of_type.pop(change.id, None)
            else:
                of_type[change.id] = complete(change, change.after)
            self.proposed.add(f"{change.type}/{change.id}")

    def put(self, content: Content) -> None:
        """Write a resource; it becomes an effect."""
        self._resources.setdefault(content["resourceType"], {})[content["id"]] = content
        self._touched[name_of(content)] = content

    def create(self, type: str, **elements: Any) -> Content:
        """Write a new resource."""
        content = {"resourceType": type, "id": self._new_id(), **elements}
        self.put(content)
        return content

    def move(self, content: Content, target: str, reason: tuple[str, str] | None = None, **elements: Any) -> None:
        """Let the service take a step; it happens after the effects that are under way.

        `reason` is a code of the status reasons (empty: none says it) and a text.
        """
        if reason:
            code, text = reason
            elements["statusReason"] = coded(STATUS_REASON, code, text) if code else {"text": text}
        self.moves.append(Move(name=name_of(content), target=target, elements=elements))

    def dangers(self) -> list[Content]:
        """The absolute contraindications that are open once the unit is written."""
        return self.open_issues(self.surroundings.is_open_absolute)

    def former_dangers(self) -> list[Content]:
        """The absolute contraindications that were open before it."""
        return self.stored.open_issues(self.surroundings.was_open_absolute or self.surroundings.is_open_absolute)

    def new_id(self) -> str:
        """A fresh logical id or identifier."""
        return self._new_id()

    def effects(self) -> tuple[Change, ...]:
        """What the service writes, in the order in which it first wrote to each resource."""
        return tuple(
            Change(
                type=content["resourceType"],
                id=content["id"],
                before=self.stored.find(name),
                after=content,
            )
            for name, content in self._touched.items()
        )


def complete(change: Change, content: Content) -> Content:
    """A content with the type and id that the change gives it."""
    if content.get("id") == change.id and "resourceType" in content:
        return content
    return {"resourceType": change.type, "id": change.id} | content | {"id": change.id}
