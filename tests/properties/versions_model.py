"""What a server of versioned resources must answer, in its plainest form: lists in memory, nothing to go wrong.

https://hl7.org/fhir/R4/http.html. The criteria of a transaction match what was stored before it, save for what it
deletes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Method = Literal["POST", "PUT", "PATCH", "DELETE"]
IfMatch = Literal["none", "right", "wrong", "any"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is stored of a resource: the value of its identifier, and an element to change."""

    key: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version; a tombstone has no content."""

    number: int
    method: Method
    content: Content | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A request that may change one resource: by its id, by criteria (the value of an identifier), or a new one.

    A patch sets `active` and leaves the key alone. With criteria, `id` is what the content of an update says.
    """

    method: Method
    id: str | None = None
    criteria: str | None = None
    if_match: IfMatch = "none"
    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The answer to a write. `id` is None where the server makes one up; `version` None where there is nothing."""

    status: int
    id: str | None = None
    version: Version | None = None
    stored: bool = False

    @property
    def refused(self) -> bool:
        """Whether nothing may have happened."""
        return self.status >= 400


@dataclass(slots=True)
class Model:
    """All versions of all resources, oldest first."""

    resources: dict[str, list[Version]] = field(default_factory=dict)

    def latest(self, logical_id: str | None) -> Version | None:
        """The latest version or the tombstone; None where there never was one."""
        return self.resources[logical_id][-1] if logical_id in self.resources else None

    def content(self, logical_id: str | None) -> Content | None:
        """The current content; None where there is none."""
        latest = self.latest(logical_id)
        return latest.content if latest else None

    def matches(self, key: str) -> list[str]:
        """The ids of what can be found by a key."""
        return [one for one in self.resources if (content := self.content(one)) and content.key == key]

    def store(self, logical_id: str, expected: Expected) -> None:
        """Keep what a write has made, under the id that it got."""
        if expected.stored and expected.version:
            self.resources.setdefault(logical_id, []).append(expected.version)

    def expect(self, write: Write, doomed: frozenset[str] = frozenset()) -> Expected:
        """The answer to a write; `doomed` are resources that its criteria do not find any more."""
        found = write.id
        if write.criteria is not None:
            matches = [one for one in self.matches(write.criteria) if one not in doomed or write.method == "DELETE"]
            if len(matches) > 1:
                return Expected(status=412)
            found = matches[0] if matches else None
            if write.id is not None:
                return self._update_named(write, found)
        match write.method:
            case "POST":
                return self._create(write, found)
            case "PUT":
                return self._update(write, found)
            case "PATCH":
                return self._patch(write, found)
            case "DELETE":
                return self._delete(write, found)

    def expect_transaction(self, writes: list[Write]) -> tuple[int, list[Expected]]:
        """The status of the whole and, if that is 200, the answers to its entries in the order sent."""
        doomed = self._doomed(writes)
        answers = [self.expect(write, doomed) for write in writes]
        if any(answer.refused for answer in answers):
            return 400, []
        changed = [
            answer.id for write, answer in zip(writes, answers, strict=True) if answer.id and write.method != "POST"
        ]
        made_by = [
            write.criteria
            for write in writes
            if write.criteria and write.method in {"POST", "PUT"} and not set(self.matches(write.criteria)) - doomed
        ]
        overlap = len(changed) > len(set(changed)) or len(made_by) > len(set(made_by))
        return (400, []) if overlap else (200, answers)

    def _doomed(self, writes: list[Write]) -> frozenset[str]:
        deletes = [write for write in writes if write.method == "DELETE"]
        found = {write.id for write in deletes if write.id is not None}
        return frozenset(found.union(*(self.matches(write.criteria) for write in deletes if write.criteria)))

    def _create(self, write: Write, found: str | None) -> Expected:
        if found:
            return Expected(status=200, id=found, version=self.latest(found))
        return self._changed(write, None, write.content)

    def _update(self, write: Write, found: str | None) -> Expected:
        current = self.content(found)
        if not self._version_matches(write, found):
            return Expected(status=412)
        if current == write.content:
            return Expected(status=200, id=found, version=self.latest(found))
        return self._changed(write, found, write.content)

    def _update_named(self, write: Write, found: str | None) -> Expected:
        """An update by criteria whose content names the resource: the match, or a new one."""
        if found is not None and found != write.id:
            return Expected(status=400)
        if found is None and self.content(write.id) is not None:
            return Expected(status=409)
        return self._update(write, write.id)

    def _patch(self, write: Write, found: str | None) -> Expected:
        current = self.content(found)
        if current is None:
            return Expected(status=410 if self.latest(found) else 404)
        if not self._version_matches(write, found):
            return Expected(status=412)
        if current.active == write.content.active:
            return Expected(status=200, id=found, version=self.latest(found))
        return self._changed(write, found, Content(key=current.key, active=write.content.active))

    def _delete(self, write: Write, found: str | None) -> Expected:
        if write.criteria is not None and found is None:
            return Expected(status=204)
        if not self._version_matches(write, found):
            return Expected(status=412)
        if self.content(found) is None:
            return Expected(status=204, id=found)
        return self._changed(write, found, None)

    def _version_matches(self, write: Write, found: str | None) -> bool:
        return write.if_match == "none" or (self.content(found) is not None and write.if_match != "wrong")

    def _changed(self, write: Write, found: str | None, content: Content | None) -> Expected:
        latest = self.latest(found)
        version = Version(number=latest.number + 1 if latest else 1, method=write.method, content=content)
        status = 204 if content is None else 200 if self.content(found) else 201
        return Expected(status=status, id=found, version=version, stored=True)
