"""What searches find: matches, and what goes with them."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.store.stored_content import head_at, pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTANT: Final = """to_char(r.last_updated AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
"""`fhir.stamp.instant_text` of a row: that takes less time here than bringing an instant to Python does."""

FOUND_COLUMNS: Final = f"r.key, r.type, r.id, r.version_id, {INSTANT} AS instant, r.content"
"""What statements of searches begin their rows with."""

FOUND_NAMES: Final = ("key", "type", "id", "version_id", "instant", "content")
"""The names of these columns."""

_COLUMNS: Final = len(FOUND_NAMES)


class Found(Struct, frozen=True):
    """A resource as its row has it, see `store.stored_content`; a match with what it is sorted by before its key.

    What is included has in the place of that the step, from 1, which led to it.
    """

    key: int
    type: str
    id: str
    version_id: int
    instant: str
    stored: bytes
    sort: tuple[Any, ...] = ()

    @property
    def content(self) -> bytes:
        """The JSON as it is served."""
        return b"".join(self.pieces(""))

    def pieces(self, before: str) -> tuple[bytes, bytes]:
        """The same behind another text, in two pieces for whoever joins more of them."""
        return pieces(self.stored, head_at(self.type, self.id, self.version_id, self.instant, before))

    @property
    def position(self) -> tuple[str | int | None, ...]:
        """Where it stands in the order of the search."""
        return (*self.sort, self.key)


def found_in(rows: Sequence[Sequence[Any]]) -> list[Found]:
    """The resources of rows of `FOUND_COLUMNS` and, behind them, the sort values."""
    if rows and len(rows[0]) > _COLUMNS:
        return [Found(row[0], row[1], row[2], row[3], row[4], row[5], tuple(row[_COLUMNS:])) for row in rows]
    return [Found(*row) for row in rows]


def found_columns(columns: Sequence[Sequence[Any] | None]) -> list[Found]:
    """The same of the columns that such rows have, each a list; None for no rows."""
    if columns[0] is None:
        return []
    sorts = zip(*columns[_COLUMNS:], strict=True) if len(columns) > _COLUMNS else repeat(())
    return list(map(Found, *columns[:_COLUMNS], sorts))  # type: ignore[arg-type]
