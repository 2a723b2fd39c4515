"""The statements that add audit records: by themselves, or within the one that writes what they are about.

Records of one moment are one row, whatever their number, and a row for each clue that leads to them. That is a third of
what a row for each record costs, with all that it is found by.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from service.store.write_text import WRITTEN

if TYPE_CHECKING:
    from service.store.audit.chain import Row

_TYPES: Final = ("integer", "bigint", "timestamptz", "bytea", "bytea", "bigint[]")
_LINK: Final = """INSERT INTO audit_link (chain, number, recorded, content, hash)
  SELECT {chain}, {number}, {recorded}, {content}, {hash}{go}"""
_CLUES: Final = """INSERT INTO audit_clue (clue, recorded, chain, number)
  SELECT clue, {recorded}, {chain}, {number} FROM unnest({clues}) AS clue{go}"""


def record_statement(row: Row) -> tuple[str, tuple[Any, ...]]:
    """The text and the arguments that add the row."""
    return _text(), _values(row)


def with_records(text: str, arguments: list[Any], row: Row, *, written: int) -> tuple[str, list[Any]]:
    """A statement of `store.write_statement` that also adds the row, provided that it writes `written` resources."""
    return _joined(text, len(arguments) + 1), [*arguments, written, *_values(row)]


def _values(row: Row) -> tuple[Any, ...]:
    return row.chain, row.number, row.recorded, row.content, row.hash, row.clues


@lru_cache(maxsize=1)
def _text() -> str:
    link, clues = _parts(1, "")
    return f"WITH clues AS ({clues})\n{link}"


@lru_cache(maxsize=1024)
def _joined(text: str, first: int) -> str:
    if not text.endswith(WRITTEN):
        raise ValueError("the statement does not end by counting what it wrote")
    link, clues = _parts(first + 1, f" WHERE (SELECT count(*) FROM written) = ${first}::bigint")  # noqa: S608 - a number
    return f"{text.removesuffix(WRITTEN)},\nrecorded AS ({link}),\nrecorded_clues AS ({clues}){WRITTEN}"


def _parts(first: int, go: str) -> tuple[str, str]:
    """The inserts of both tables; their parameters begin with `first`."""
    names = ("chain", "number", "recorded", "content", "hash", "clues")
    given = {name: f"${first + index}::{kind}" for index, (name, kind) in enumerate(zip(names, _TYPES, strict=True))}
    return _LINK.format(**given, go=go), _CLUES.format(**given, go=go)
