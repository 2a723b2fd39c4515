"""What a statement is written with: the places of its values, names that are used once, and its common tables."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Writer:
    """Writes one statement. `array` gives the SQL of a list of values by its position, `only` that of its only item.

    The item of an empty list is NULL.
    """

    def __init__(self, array: Callable[[int], str], only: Callable[[int], str] | None = None) -> None:
        self.array = array
        self.only = only or (lambda position: f"({array(position)})[1]")
        self._numbers = count(1)
        self._tables: dict[str, str] = {}
        self._recursive = False

    def name(self, prefix: str = "t") -> str:
        """A name that nothing else in the statement has."""
        return f"{prefix}{next(self._numbers)}"

    def table(self, prefix: str, query: str) -> str:
        """The name of a common table, computed at most once and only where it is asked for."""
        name = self.name(prefix)
        self._tables[name] = query
        return name

    def recursive(self, prefix: str, columns: Sequence[str], first: str, following: Callable[[str], str]) -> str:
        """A common table that begins with some rows; `following`, of its name, gives more from those found before."""
        name = self.name(prefix)
        self._tables[f"{name}({', '.join(columns)})"] = f"{first} UNION ALL {following(name)}"
        self._recursive = True
        return name

    def with_tables(self, query: str) -> str:
        """The query behind the common tables that it uses."""
        if not self._tables:
            return query
        tables = ",\n".join(f"{name} AS MATERIALIZED ({each})" for name, each in self._tables.items())
        return f"WITH {'RECURSIVE ' if self._recursive else ''}{tables}\n{query}"
