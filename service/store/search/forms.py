"""The forms of probes: which table each reads, which values it takes, and when a row passes.

Dates compare as R4 says (https://hl7.org/fhir/R4/search.html#prefix): with [l, h) the range of the stored value and
[L, H) that of the search, `eq` means that [L, H) contains [l, h), `gt` that something of [l, h) lies above H, `ge`
either of the two, `sa` that all of it does, and so on downwards; `ap` that they overlap. Where a condition is wider
than its index can seek, the bound that follows from it is added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, FromClause, Integer, Table, Text, and_, func, not_, or_, true
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from service.store.tables import (
    INDEX_TABLES,
    index_date,
    index_reference,
    index_string,
    index_token,
    index_uri,
    resource,
)

if TYPE_CHECKING:
    from sqlalchemy.types import TypeEngine

Condition = ColumnElement[bool]
Values = Sequence[ColumnElement[Any]]

_TEXT: Final = Text()
_TIME: Final = TIMESTAMP(timezone=True)
_UUID: Final = UUID(as_uuid=True)


class Form(Struct, frozen=True, kw_only=True):
    """A form of probe.

    `types` are those of the value columns, `passes` says when a row matches one row of values. `ordered`: with the
    source and the values given, the index yields resource keys in order; where it is on a hash, `hashed` names the
    function, the hashed column and its position among the values. `sought`: the index finds the rows by a range.
    `rank` orders the forms by how few resources a value usually has, fewest first.
    """

    table: Table
    types: tuple[TypeEngine[Any], ...]
    passes: Callable[[FromClause, Values], Condition]
    rank: int
    hashed: tuple[str, str, int] | None = None
    ordered: bool = False
    sought: bool = False

    @property
    def sourced(self) -> bool:
        """Whether the probe reads an index table, whose rows name their source."""
        return self.table is not resource

    def found(self, row: FromClause, values: Values, source: ColumnElement[int] | None) -> Condition:
        """What the index seeks: the hash of a row is that of the values."""
        if self.hashed is None or source is None:
            return true()
        name, hashed, position = self.hashed
        function = getattr(func, name)
        condition: Condition = function(row.c[hashed], row.c.source) == function(values[position], source)
        return condition


def _token_code(row: FromClause, values: Values) -> Condition:
    return row.c.code == values[0]


def _token_system_and_code(row: FromClause, values: Values) -> Condition:
    return and_(row.c.system == values[0], row.c.code == values[1])


def _token_code_without_system(row: FromClause, values: Values) -> Condition:
    return and_(row.c.code == values[0], row.c.system.is_(None))


def _token_system(row: FromClause, values: Values) -> Condition:
    return row.c.system == values[0]


def _reference(row: FromClause, values: Values) -> Condition:
    return row.c.target == values[0]


def _string_prefix(row: FromClause, values: Values) -> Condition:
    return and_(row.c.value >= values[0], row.c.value < values[1])


def _string_exact(row: FromClause, values: Values) -> Condition:
    return and_(row.c.value == values[0], row.c.exact == values[1])


def _uri(row: FromClause, values: Values) -> Condition:
    return row.c.value == values[0]


def _identified(row: FromClause, values: Values) -> Condition:
    return row.c.identity == values[0]


def _present(_row: FromClause, _values: Values) -> Condition:
    return true()


def _present_target(row: FromClause, values: Values) -> Condition:
    return row.c.target_type == values[0]


def _date(prefix: str) -> Callable[[FromClause, Values], Condition]:
    def passes(row: FromClause, values: Values) -> Condition:
        low, high = row.c.low, row.c.high
        first, after = values
        match prefix:
            case "eq":
                return and_(low >= first, low < after, high <= after)
            case "ne":
                return or_(low < first, high > after)
            case "gt":
                return high > after
            case "lt":
                return low < first
            case "ge":
                return or_(high > after, low >= first)
            case "le":
                return and_(low < after, or_(low < first, high <= after))
            case "sa":
                return low >= after
            case "eb":
                return and_(low < first, high <= first)
            case _:
                return and_(low < after, high > first)

    return passes


def _updated(prefix: str) -> Callable[[FromClause, Values], Condition]:
    """An instant against a range: there is nothing between `gt` and `sa`, or `lt` and `eb`."""

    def passes(row: FromClause, values: Values) -> Condition:
        instant = row.c.last_updated
        first, after = values
        match prefix:
            case "gt" | "sa":
                return instant >= after
            case "lt" | "eb":
                return instant < first
            case "ge":
                return instant >= first
            case "le":
                return instant < after
            case "ne":
                return not_(and_(instant >= first, instant < after))
            case _:
                return and_(instant >= first, instant < after)

    return passes


_PREFIXES: Final = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_DATES_SOUGHT: Final = frozenset({"eq", "sa", "lt", "eb", "le"})

IDENTIFYING_RANK: Final = 1
"""The rank of a token of an identifier, whatever its form."""

SELECTIVE: Final = 4
"""The last rank of the forms that lead a search on their own: an identity, an identifier, a reference, a whole text."""

_CODE: Final = ("hashtextextended", "code", 0)
_CODE_OF_SYSTEM: Final = ("hashtextextended", "code", 1)
_TARGET: Final = ("uuid_hash_extended", "target", 0)
_URI: Final = ("hashtextextended", "value", 0)

FORMS: Final[dict[str, Form]] = {
    "identified": Form(table=resource, types=(_UUID,), passes=_identified, rank=0, ordered=True),
    "reference": Form(table=index_reference, types=(_UUID,), passes=_reference, rank=2, ordered=True, hashed=_TARGET),
    "string-exact": Form(table=index_string, types=(_TEXT, _TEXT), passes=_string_exact, rank=3, ordered=True),
    "uri": Form(table=index_uri, types=(_TEXT,), passes=_uri, rank=4, ordered=True, hashed=_URI),
    "string-prefix": Form(table=index_string, types=(_TEXT, _TEXT), passes=_string_prefix, rank=5, sought=True),
    "token-system-and-code": Form(
        table=index_token,
        types=(_UUID, _TEXT),
        passes=_token_system_and_code,
        rank=6,
        ordered=True,
        hashed=_CODE_OF_SYSTEM,
    ),
    "token-code": Form(table=index_token, types=(_TEXT,), passes=_token_code, rank=6, ordered=True, hashed=_CODE),
    "token-code-without-system": Form(
        table=index_token, types=(_TEXT,), passes=_token_code_without_system, rank=6, ordered=True, hashed=_CODE
    ),
    **{
        f"date-{prefix}": Form(
            table=index_date,
            types=(_TIME, _TIME),
            passes=_date(prefix),
            rank=7,
            sought=prefix in _DATES_SOUGHT,
        )
        for prefix in _PREFIXES
    },
    **{
        f"updated-{prefix}": Form(
            table=resource, types=(_TIME, _TIME), passes=_updated(prefix), rank=8, sought=prefix != "ne"
        )
        for prefix in _PREFIXES
    },
    "token-system": Form(table=index_token, types=(_UUID,), passes=_token_system, rank=9),
    **{f"present-{kind}": Form(table=table, types=(), passes=_present, rank=9) for kind, table in INDEX_TABLES.items()},
    "present-target": Form(table=index_reference, types=(Integer(),), passes=_present_target, rank=9),
}
"""Form → how it probes."""
