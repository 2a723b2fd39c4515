"""Searches of one text as one statement, with a row of arguments for each.

A lateral join answers them one after the other by the plan that each has alone, because the planner knows a column as
little as an argument. Lists stay arguments: only who asks with the same ones goes together.
"""

# ruff: noqa: S608 - texts are made of texts; no value is ever part of one

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.store.found import FOUND_NAMES
from service.store.search.kept import kept

if TYPE_CHECKING:
    from collections.abc import Sequence

_ARGUMENT: Final = re.compile(r"\$(\d+)::(\w+)(\[\])?")


class Shared(Struct, frozen=True):
    """The text for several, which of the arguments of each are columns, and which they have in common.

    Its rows: the place of who asks, and a list for each column of what is found; NULL for lists without items.
    """

    text: str
    columns: tuple[int, ...]
    common: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.text)

    def arguments(self, members: Sequence[Sequence[Any]]) -> list[Any]:
        """Those of the text, of the arguments that each of the members has."""
        columns = [[member[each] for member in members] for each in self.columns]
        return [[*range(len(members))], *columns, *(members[0][each] for each in self.common)]


@kept
def shared(text: str, sorts: int) -> Shared:
    """The statement for several searches of one text, whose rows have so many sort values."""
    types: dict[int, str] = {}
    lists: dict[int, str] = {}
    for number, sql_type, brackets in _ARGUMENT.findall(text):
        (lists if brackets else types)[int(number)] = sql_type
    first = 2 + len(types)
    places = {number: f"asking.a{number}" for number in types}
    places |= {number: f"${first + each}::{sql_type}[]" for each, (number, sql_type) in enumerate(lists.items())}
    one = _ARGUMENT.sub(lambda argument: places[int(argument[1])], text)
    found = ", ".join(f"array_agg(i.{name})" for name in (*FOUND_NAMES, *(f"sort_{each}" for each in range(sorts))))
    arrays = ", ".join(f"${each}::{sql_type}[]" for each, sql_type in enumerate(("integer", *types.values()), start=1))
    names = ", ".join(("place", *(f"a{number}" for number in types)))
    asking = f"unnest({arrays}) AS asking({names})"  # a name that no text has inside
    return Shared(
        f"SELECT asking.place, v.* FROM {asking} CROSS JOIN LATERAL (SELECT {found} FROM ({one}) i) v",
        tuple(number - 1 for number in types),
        tuple(number - 1 for number in lists),
    )
