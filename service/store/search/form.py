"""What a form of probe is: see `forms` for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT, UUID, TIME, NUMERIC, INTEGER, BIGINT = "text", "uuid", "timestamptz", "numeric", "integer", "bigint"

PLACES: Final = "abcd"


class Window(Struct, frozen=True):
    """A part of the rows that pass, as an index holds it: what to seek, and the column whose order they come in.

    `without_low`: none of the rows has a lower end.
    """

    column: str
    seek: str
    without_low: bool = False


class Form(Struct, frozen=True, kw_only=True):
    """A form of probe.

    `types` are those of the values, `passes` says when a row matches one row of them. `equal` are the columns that are
    compared for equality with the values, where nothing else is. `ordered`: with source and values given, an index
    yields resource keys in order; where it is on a hash, `hashed` names the function, the column and the place of its
    value. `windows`: the index yields the rows by their values, part after part, from the highest if `descending`, and
    where it may be `walked`, equal ones by their keys; all rows that pass have a first column of the windows, if any,
    within the `bounds`: operator and place of the value.
    `rank` orders the forms by how few resources a value usually has, fewest first. `alike`: resources that are alike,
    see `store.likeness`, pass alike.
    """

    table: str
    types: tuple[str, ...]
    passes: str
    rank: int
    equal: tuple[str, ...] = ()
    hashed: tuple[str, str, int] | None = None
    ordered: bool = False
    windows: tuple[Window, ...] = ()
    bounds: tuple[tuple[str, int], ...] = ()
    descending: bool = False
    walked: bool = True
    alike: bool = False

    @property
    def key(self) -> str:
        """The column with the key of the resource."""
        return "key" if self.table == "resource" else "resource_key"

    def passes_with(self, row: str, values: Sequence[str]) -> str:
        """When the row matches the values."""
        return placed(self.passes, row, values)

    def found_with(self, row: str, values: Sequence[str], source: str) -> str:
        """When the row matches, beginning with what the index seeks."""
        passes = self.passes_with(row, values)
        if self.hashed is None:
            return passes
        name, column, place = self.hashed
        return f"{name}({row}.{column}, {row}.source) = {name}({values[place]}, {source}) AND {passes}"


def placed(condition: str, row: str, values: Sequence[str]) -> str:
    """The condition with its places filled."""
    return condition.format(t=row, **dict(zip(PLACES, values, strict=False)))
