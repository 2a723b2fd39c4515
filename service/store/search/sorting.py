"""What matches are sorted by: the columns of a table that hold the values of a search parameter in order.

Quantities go by their canonical units, one after the other, and within one unit by their canonical numbers; those whose
unit is none of UCUM's come behind them, by their own units and numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from service.fhir.search.parameter import SearchParameter

Columns = tuple[tuple[str, str], ...]
"""Columns that order the rows one after the other, each with its SQL type."""

_SORTED_BY: Final[dict[str, tuple[str, Columns]]] = {
    "date": ("index_date", (("low", "timestamptz"),)),
    "string": ("index_string", (("value", "text"),)),
    "token": ("index_token", (("code", "text"),)),
    "uri": ("index_uri", (("value", "text"),)),
    "reference": ("index_reference", (("target", "uuid"),)),
    "number": ("index_quantity", (("low", "numeric"),)),
    "quantity": ("index_quantity", (("canonical_unit", "text"), ("canonical_low", "numeric"))),
    "_id": ("resource", (("id", "text"),)),
    "_lastUpdated": ("resource", (("last_updated", "timestamptz"),)),
}
"""Kind or special of a parameter → the table and the columns that it is sorted by."""

_INDEXED: Final = frozenset(
    {
        ("index_string", ("value",)),
        ("index_date", ("low",)),
        ("index_quantity", ("low",)),
        ("index_quantity", ("canonical_unit", "canonical_low")),
        ("resource", ("last_updated",)),
    }
)
"""The columns that an index orders, after the source or the type and ahead of the key."""


def sorted_by(parameter: SearchParameter) -> tuple[str, Columns]:
    """The table and the columns that a search parameter is sorted by."""
    return _SORTED_BY[parameter.special or parameter.kind]


class Sorted(Struct, frozen=True, kw_only=True):
    """A key to sort by: the column `value` of a table's rows of the sources, or of the resource itself.

    `target_types` is the position of the types of references' targets that count, None where all of them do. Where a
    value is ordered by several columns, each is a key of its own, and `among` names all of them: the row that comes
    first in their order counts, of those in which the last one is filled. `codes` is the position of all codes that
    there can be, where they are few and nothing else is sorted by.
    """

    table: str
    value: str
    type: str
    sources: int | None
    descending: bool
    target_types: int | None = None
    parameter: int = -1
    single: bool = False
    among: tuple[str, ...] = ()
    codes: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that order the rows, one after the other."""
        return self.among or (self.value,)

    @property
    def walkable(self) -> bool:
        """Whether an index holds the rows in this order, or those of each code in the order of the keys."""
        return self.codes is not None or (self.table, self.columns) in _INDEXED
