"""Rows that no rule makes: parameters that read something else than a value at a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one resource has, what another one has, and the searches that find the first of them."""

    match: Json
    other: Json
    searches: Sequence[str]


def _relation(code: str, target: str) -> Json:
    return {"code": code, "target": {"reference": f"DocumentReference/{target}"}}


_BY_SOUND: Final = [
    Written(
        match={"name": [{"family": "Smyth"}]}, other={"name": [{"family": "Miller"}]}, searches=["Smith", "smithe"]
    ),
    Written(match={"name": [{"given": ["Catherine"]}]}, other={"name": [{"given": ["Anna"]}]}, searches=["Katherine"]),
]

BY_HAND: Final[Mapping[tuple[str, str], Sequence[Written]]] = {
    ("*", "_id"): [Written(match={}, other={}, searches=["{id}"])],
    ("*", "_lastUpdated"): [Written(match={}, other={}, searches=["{instant}", "le{instant}"])],
    # whether there is a date of death, or a boolean that is not false
    ("Patient", "deceased"): [
        Written(match={"deceasedBoolean": True}, other={"deceasedBoolean": False}, searches=["true"]),
        Written(match={"deceasedDateTime": "2001-02-03"}, other={}, searches=["true"]),
        Written(match={"deceasedBoolean": False}, other={"deceasedDateTime": "2001-02-03"}, searches=["false"]),
        Written(match={}, other={"deceasedBoolean": True}, searches=["false"]),
    ],
    # words are compared by their sound
    ("Organization", "phonetic"): [
        Written(match={"name": "Smyth Clinic"}, other={"name": "Miller Clinic"}, searches=["Smith"])
    ],
    **{(each, "phonetic"): _BY_SOUND for each in ("Patient", "Person", "Practitioner", "RelatedPerson")},
    # R4 names the two components the wrong way round: the first one is called relatesto, and is said to be the code
    ("DocumentReference", "relationship"): [
        Written(
            match={"relatesTo": [_relation("replaces", "old")]},
            other={"relatesTo": [_relation("appends", "old"), _relation("replaces", "older")]},
            searches=["DocumentReference/old$replaces"],
        )
    ],
}
"""(type, parameter) → its rows, with ``*`` for every type."""
