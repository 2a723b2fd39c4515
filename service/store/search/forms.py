"""The forms of probes: which table each reads, which values it takes, when a row passes, how an index finds it.

Ranges compare as R4 says (https://hl7.org/fhir/R4/search.html#prefix): with [l, h) the range of the stored value and
[L, H) that of the search, `eq` means that [L, H) contains [l, h), `gt` that something of [l, h) lies above H, `ge`
either of the two, `sa` that all of it does, and so on downwards; `ap` that they overlap. A stored number, or range of
numbers, includes both of its ends.

Conditions are SQL with places for the row, ``{t}``, and the values, ``{a}`` to ``{d}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from service.store.search.form import BIGINT, INTEGER, NUMERIC, PLACES, TEXT, TIME, UUID, Form, Window, placed
from service.store.tables import ACTS, INDEX_TABLES, IS_LISTED, IS_NOT_LISTED, LONGER_THAN_A_DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

MANY: Final = 16
"""From how many pairs of source and value on a resource's rows are compared with all of them at once."""


_PREFIXES: Final = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")

_DATE: Final = {
    "eq": "{t}.low >= {a} AND {t}.low < {b} AND {t}.high <= {b}",
    "ne": "({t}.low < {a} OR {t}.high > {b})",
    "gt": "{t}.high > {b}",
    "lt": "{t}.low < {a}",
    "ge": "({t}.high > {b} OR {t}.low >= {a})",
    "le": "{t}.low < {b} AND ({t}.low < {a} OR {t}.high <= {b})",
    "sa": "{t}.low >= {b}",
    "eb": "{t}.low < {a} AND {t}.high <= {a}",
    "ap": "{t}.low < {b} AND {t}.high > {a}",
}
_LONG: Final = LONGER_THAN_A_DAY.replace("(high", "({t}.high").replace("(low", "({t}.low")
_DAY: Final = "interval '1 day'"

# Short ranges that reach beyond an instant begin less than a day before it; long ones are found by their ends.
_DATE_WINDOWS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "eq": (("low", "{t}.low >= {a} AND {t}.low < {b}"),),
    "gt": (
        ("low", f"{{t}}.low > {{b}} - {_DAY}"),
        ("high", f"{_LONG} AND {{t}}.high > {{b}} AND {{t}}.low <= {{b}} - {_DAY}"),
    ),
    "lt": (("low", "{t}.low < {a}"),),
    "ge": (
        ("low", f"{{t}}.low > {{a}} - {_DAY}"),
        ("high", f"{_LONG} AND {{t}}.high > {{b}} AND {{t}}.low <= {{a}} - {_DAY}"),
    ),
    "le": (("low", "{t}.low < {b}"),),
    "sa": (("low", "{t}.low >= {b}"),),
    "eb": (("low", "{t}.low < {a}"),),
    "ap": (
        ("low", f"{{t}}.low > {{a}} - {_DAY} AND {{t}}.low < {{b}}"),
        ("high", f"{_LONG} AND {{t}}.high > {{a}} AND {{t}}.low <= {{a}} - {_DAY}"),
    ),
}

_DATE_BOUNDS: Final[dict[str, tuple[tuple[str, int], ...]]] = {
    "eq": ((">=", 0), ("<", 1)),
    "lt": (("<", 0),),
    "le": (("<", 1),),
    "sa": ((">=", 1),),
    "eb": (("<", 0),),
    "ap": (("<", 1),),
}

# An instant against a range: there is nothing between `gt` and `sa`, or `lt` and `eb`.
_UPDATED: Final = {
    "eq": "{t}.last_updated >= {a} AND {t}.last_updated < {b}",
    "ne": "({t}.last_updated < {a} OR {t}.last_updated >= {b})",
    "gt": "{t}.last_updated >= {b}",
    "lt": "{t}.last_updated < {a}",
    "ge": "{t}.last_updated >= {a}",
    "le": "{t}.last_updated < {b}",
    "sa": "{t}.last_updated >= {b}",
    "eb": "{t}.last_updated < {a}",
    "ap": "{t}.last_updated >= {a} AND {t}.last_updated < {b}",
}

# The row's ends are l and h, NULL where there is none; a and b the bounds, one number where no precision is implied.
_NUMBER: Final = {
    "eq": "{l} >= {a} AND {h} < {b}",
    "ne": "({l} >= {a} AND {h} < {b}) IS NOT TRUE",
    "gt": "({h} > {a} OR {h} IS NULL)",
    "lt": "({l} < {a} OR {l} IS NULL)",
    "ge": "({h} > {a} OR {h} IS NULL OR {l} = {a} AND {h} = {a})",
    "le": "({l} < {a} OR {l} IS NULL OR {l} = {a} AND {h} = {a})",
    "sa": "{l} > {a}",
    "eb": "{h} < {a}",
    "ap": "({l} <= {b} OR {l} IS NULL) AND ({h} >= {a} OR {h} IS NULL)",
}
_WIDE: Final = "{l} IS DISTINCT FROM {h}"

# Numbers are sought by themselves; what is wide, and may reach into the range from elsewhere, by its upper end.
_NUMBER_WINDOWS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "eq": (("l", "{l} >= {a} AND {l} < {b}"),),
    "gt": (("l", "{l} > {a}"), ("h", f"{_WIDE} AND ({{l}} <= {{a}} OR {{l}} IS NULL)")),
    "lt": (("l", "{l} < {a}"), ("h", f"{_WIDE} AND {{l}} IS NULL")),
    "ge": (("l", "{l} >= {a}"), ("h", f"{_WIDE} AND ({{l}} < {{a}} OR {{l}} IS NULL)")),
    "le": (("l", "{l} <= {a}"), ("h", f"{_WIDE} AND {{l}} IS NULL")),
    "sa": (("l", "{l} > {a}"),),
    "eb": (("l", "{l} < {a}"), ("h", f"{_WIDE} AND {{l}} IS NULL AND {{h}} < {{a}}")),
    "ap": (("l", "{l} >= {a} AND {l} <= {b}"), ("h", f"{_WIDE} AND ({{l}} < {{a}} OR {{l}} IS NULL)")),
}

_NUMBER_BOUNDS: Final[dict[str, tuple[tuple[str, int], ...]]] = {
    "eq": ((">=", 0), ("<", 1)),
    "lt": (("<", 0),),
    "le": (("<=", 0),),
    "sa": ((">", 0),),
    "eb": (("<", 0),),
    "ap": (("<=", 1),),
}

_FROM_BELOW: Final = frozenset({"lt", "le", "eb"})
"""The prefixes whose ranges begin with the oldest or smallest: they lead when there is nothing better."""

_ENDS: Final = {"l": "low", "h": "high"}

_UNITS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "any-unit": ((), "true"),
    "code": ((TEXT,), "({t}.code = {a} OR {t}.unit = {a})"),
    "system-and-code": ((UUID, TEXT), "{t}.system = {a} AND {t}.code = {b}"),
    "canonical": ((TEXT,), "{t}.canonical_unit = {a} AND {t}.canonical_unit IS NOT NULL"),
}
"""How a quantity's unit is compared → the types of the values that it takes, the condition."""


def _quantity(unit: str, prefix: str) -> Form:
    types, same_unit = _UNITS[unit]
    first, second = PLACES[len(types)], PLACES[len(types) + 1]
    column = "canonical_" if unit == "canonical" else ""

    def bounded(condition: str) -> str:
        ends = {letter: f"{{t}}.{column}{end}" for letter, end in _ENDS.items()}
        return f"{same_unit} AND {condition.format(a=f'{{{first}}}', b=f'{{{second}}}', **ends)}"

    windows = _NUMBER_WINDOWS.get(prefix, ())
    return Form(
        table="index_quantity",
        types=(*types, NUMERIC, NUMERIC),
        passes=bounded(_NUMBER[prefix]),
        rank=8 if prefix in _FROM_BELOW else 7,
        bounds=tuple((operator, len(types) + place) for operator, place in _NUMBER_BOUNDS.get(prefix, ())),
        windows=tuple(
            Window(column + _ENDS[end], bounded(seek), without_low=end == "h" and prefix in _FROM_BELOW)
            for end, seek in windows
        ),
    )


def _windows(found: Sequence[tuple[str, str]]) -> tuple[Window, ...]:
    return tuple(Window(*each) for each in found)


IDENTIFYING_RANK: Final = 1
"""The rank of a token of an identifier, whatever its form."""

SELECTIVE: Final = 4
"""The last rank of the forms that lead a search on their own: an identity, an identifier, a reference, a whole text."""

ACTING: Final = "acting"
"""The form of references to who acts: found in an index of their own, which has the subjects too."""

PAIR: Final = "token-pair"
"""The form of pairs, see `fhir.search.pairs`."""

LISTED: Final = "token-pair-listed"
"""The same of those that an index has in the order of their dates."""

_CODE: Final = ("hashtextextended", "code")
_TARGET: Final = ("uuid_hash_extended", "target", 0)
_URI: Final = ("hashtextextended", "value", 0)
_PREFIX: Final = "{t}.value >= {a} AND {t}.value < {b}"
_SYSTEM_AND_CODE: Final = Form(
    table="index_token",
    types=(UUID, TEXT),
    passes="{t}.system = {a} AND {t}.code = {b}",
    rank=6,
    ordered=True,
    equal=("system", "code"),
    hashed=(*_CODE, 1),
)
_REFERENCE: Final = Form(
    table="index_reference",
    types=(UUID,),
    passes="{t}.target = {a}",
    rank=2,
    ordered=True,
    equal=("target",),
    hashed=_TARGET,
)

FORMS: Final[dict[str, Form]] = {
    "identified": Form(
        table="resource", types=(UUID,), passes="{t}.identity = {a}", rank=0, ordered=True, equal=("identity",)
    ),
    "token-of-type": replace(_SYSTEM_AND_CODE, rank=1),
    "reference": _REFERENCE,
    "containing": replace(_REFERENCE, rank=12),
    ACTING: replace(_REFERENCE, passes=f"{{t}}.target = {{a}} AND {{t}}.{ACTS}", hashed=None),
    "seen": Form(
        table="seen_by",
        types=(UUID,),
        passes="{t}.organisation = {a}",
        rank=5,
        ordered=True,
        equal=("organisation",),
        hashed=("uuid_hash_extended", "organisation", 0),
    ),
    "string-exact": Form(
        table="index_string",
        types=(TEXT, TEXT),
        passes="{t}.value = {a} AND {t}.exact = {b}",
        rank=3,
        ordered=True,
        equal=("value", "exact"),
    ),
    "uri": Form(
        table="index_uri", types=(TEXT,), passes="{t}.value = {a}", rank=4, ordered=True, equal=("value",), hashed=_URI
    ),
    "string-prefix": Form(
        table="index_string", types=(TEXT, TEXT), passes=_PREFIX, rank=5, windows=(Window("value", _PREFIX),)
    ),
    "text-prefix": Form(
        table="index_text",
        types=(TEXT, TEXT),
        passes=_PREFIX,
        rank=6,
        windows=(Window("value", _PREFIX),),
        walked=False,
    ),
    "token-system-and-code": _SYSTEM_AND_CODE,
    "token-code": Form(
        table="index_token",
        types=(TEXT,),
        passes="{t}.code = {a}",
        rank=6,
        ordered=True,
        equal=("code",),
        hashed=(*_CODE, 0),
    ),
    **{
        name: Form(table="index_token", types=(UUID,), passes=f"{{t}}.pair = {{a}} AND {{t}}.{where}", rank=2)
        for name, where in ((PAIR, IS_NOT_LISTED), (LISTED, IS_LISTED))
    },
    "token-code-without-system": Form(
        table="index_token",
        types=(TEXT,),
        passes="{t}.code = {a} AND {t}.system IS NULL",
        rank=6,
        ordered=True,
        hashed=(*_CODE, 0),
    ),
    **{f"quantity-{unit}-{prefix}": _quantity(unit, prefix) for unit in _UNITS for prefix in _PREFIXES},
    **{
        f"date-{prefix}": Form(
            table="index_date",
            types=(TIME, TIME),
            passes=_DATE[prefix],
            rank=10 if prefix in _FROM_BELOW else 9,
            bounds=_DATE_BOUNDS.get(prefix, ()),
            windows=_windows(_DATE_WINDOWS.get(prefix, ())),
            descending=True,
        )
        for prefix in _PREFIXES
    },
    **{
        f"updated-{prefix}": Form(
            table="resource",
            types=(TIME, TIME),
            passes=_UPDATED[prefix],
            rank=11,
            windows=() if prefix == "ne" else (Window("last_updated", _UPDATED[prefix]),),
            descending=True,
        )
        for prefix in _PREFIXES
    },
    "string-contains": Form(
        table="index_string",
        types=(TEXT,),
        passes="strpos({t}.value, {a}) > 0",
        rank=12,
        windows=(Window("value", "true"),),
    ),
    "uri-below": Form(table="index_uri", types=(TEXT, TEXT), passes=_PREFIX, rank=12),
    "token-system": Form(table="index_token", types=(UUID,), passes="{t}.system = {a}", rank=12),
    **{
        f"present-{kind}": Form(table=table.name, types=(), passes="true", rank=11, alike=True)
        for kind, table in INDEX_TABLES.items()
    },
    **{
        f"present-{column}": Form(
            table="index_quantity", types=(), passes=f"{{t}}.{column} IS NOT NULL", rank=11, alike=True
        )
        for column in ("low", "canonical_low")
    },
    "present-target": Form(
        table="index_reference", types=(INTEGER,), passes="{t}.target_type = {a}", rank=11, alike=True
    ),
}
"""Form → how it probes."""

__all__ = [
    "ACTING",
    "BIGINT",
    "FORMS",
    "IDENTIFYING_RANK",
    "INTEGER",
    "LISTED",
    "MANY",
    "PAIR",
    "PLACES",
    "SELECTIVE",
    "TEXT",
    "UUID",
    "Form",
    "Window",
    "placed",
]
