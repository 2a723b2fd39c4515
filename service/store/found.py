"""What searches find: matches, and what goes with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.store.stored_content import head_at, served

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTANT: Final = """to_char(r.last_updated AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
"""`fhir.stamp.instant_text` of a row: that takes less time here than bringing an instant to Python does."""

FOUND_COLUMNS: Final = f"r.key, r.type, r.id, r.version_id, {INSTANT} AS instant, r.content"
"""What statements of searches begin their rows with."""


class Found(Struct, frozen=True):
    """A resource with its JSON as it is served; a match with what it is sorted by before its key."""

    key: int
    type: str
    id: str
    version_id: int
    content: bytes
    sort: tuple[str | None, ...] = ()

    @property
    def position(self) -> tuple[str | int | None, ...]:
        """Where it stands in the order of the search."""
        return (*self.sort, self.key)


def found_in(row: Sequence[Any]) -> Found:
    """A resource of `FOUND_COLUMNS` and the sort values behind them."""
    key, resource_type, logical_id, version_id, instant, content, *sort = row
    content = served(content, head_at(resource_type, logical_id, version_id, instant))
    return Found(key, resource_type, logical_id, version_id, content, tuple(sort))
