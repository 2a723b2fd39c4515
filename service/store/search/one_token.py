"""The shape of a search for one system and code: each entry of a referral asks for an identifier in this way.

It is the shape that `shaper.shaped_by_criteria` finds, without going through the query: that takes a third of the time.
"""

from __future__ import annotations

from functools import lru_cache

from service.fhir.search.query import Matches, Query, TokenValue
from service.store.likeness import least_likeness
from service.store.search.forms import BIGINT, INTEGER, MANY, TEXT, UUID
from service.store.search.shape import All, Leaf, Shape, ShapedQuery


def of_one_token(query: Query) -> ShapedQuery | None:
    """The shape and the values; None for any other search."""
    criterion = query.where.criteria[0] if len(query.where.criteria) == 1 else None
    if not isinstance(criterion, Matches) or len(criterion.values) != 1 or query.sort or query.contained != "false":
        return None
    parameter, value = criterion.parameter, criterion.values[0]
    if not isinstance(value, TokenValue) or value.form != "system-and-code" or parameter.kind != "token":
        return None
    sources = parameter.source_numbers
    shape = _shape(min(len(sources), MANY + 1), "Identifier" in parameter.data_types)
    values = [*query.types], [*map(least_likeness, query.types)], [*sources], [value.system], [value.code]
    return ShapedQuery(shape=shape, values=values)


@lru_cache
def _shape(sources: int, identifying: bool) -> Shape:  # noqa: FBT001 - a key of the cache
    leaf = Leaf(
        form_name="token-system-and-code",
        sources=2,
        values=(3, 4),
        parameter=0,
        identifying=identifying,
        many=sources > MANY,
        spread=sources > 1,
    )
    return Shape(where=All(nodes=(leaf,)), sort=(), arrays=(TEXT, BIGINT, INTEGER, UUID, TEXT))
