"""Which two criteria of a search are one value of the index: see `fhir.search.pairs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.search.pairs import pair_digest
from service.fhir.search.query import Matches, ReferenceValue, TokenValue
from service.store.search.forms import LISTED, PAIR
from service.store.search.shape import All, Paired

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from service.fhir.search.query import Criterion, Not, Value
    from service.store.search.shape import Leaf, Node

_MOST: Final = 64
"""How many pairs are looked for; with more, each criterion has its own list."""


class FoundPair(Struct, frozen=True):
    """The places of a criterion on a code and of one on whose it is, and the pairs any of which meets both.

    `by` is the source of the date that is kept beside a pair, `form` that of the probe.
    """

    code: int
    of: int
    digests: list[UUID]
    by: int
    form: str


def found_pair(criteria: Sequence[Criterion | Not]) -> FoundPair | None:
    """The first pair among criteria; None where there is none."""
    for code, criterion in enumerate(criteria):
        if not isinstance(criterion, Matches) or criterion.parameter.pair is None:
            continue
        pair = criterion.parameter.pair
        for of, other in enumerate(criteria):
            if not isinstance(other, Matches) or other.parameter.source_numbers != (pair.of,):
                continue
            digests = _digests(pair.code, criterion, other)
            if digests is not None:
                return FoundPair(code, of, digests, pair.by, LISTED if pair.listed else PAIR)
    return None


def with_pair(nodes: Sequence[Node], code: int, of: int, by: int, *, lead: Leaf) -> All:
    """The criteria with the pair of two of them, by their places, in the place of the code."""
    pair = Paired(lead=lead, parts=(nodes[code], nodes[of]), by=by)
    return All(nodes=tuple(pair if place == code else each for place, each in enumerate(nodes) if place != of))


def _digests(source: int, code: Matches, of: Matches) -> list[UUID] | None:
    codes = [each for value in code.values for each in _codes(value, closed=bool(code.parameter.systems))]
    targets = [target for value in of.values if isinstance(value, ReferenceValue) for target in value.targets]
    whole = all(isinstance(value, ReferenceValue) for value in of.values)
    if None in codes or not whole or len(codes) * len(targets) > _MOST:
        return None
    return [pair_digest(source, target, *each) for target in targets for each in codes if each is not None]


def _codes(value: Value, *, closed: bool) -> Iterator[tuple[UUID | None, str] | None]:
    """The system and the code of each row that a value finds; None where it finds others.

    Those of a closed set of codes have no systems.
    """
    match value:
        case TokenValue(form="any-code-of", codes=codes) if closed:
            yield from ((None, each) for each in codes)
        case TokenValue(form="code", code=code) if closed:
            yield None, code
        case TokenValue(form="code-without-system", code=code):
            yield None, code
        case TokenValue(form="system-and-code", system=system, code=code):
            yield system, code
        case _:
            yield None
