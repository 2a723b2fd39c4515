"""The shape of a search whose criteria each ask for one code or one target, as most do; each entry of a referral, too.

It is the shape that `shaper.shaped_by_criteria` finds, without going through the query: that takes a third of the time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from service.fhir.search.query import Matches, Query, ReferenceValue, TokenValue
from service.store.likeness import least_likeness
from service.store.search.forms import ACTING, BIGINT, FORMS, INTEGER, MANY, PAIR, TEXT, UUID
from service.store.search.pairing import found_pair, with_pair
from service.store.search.shape import All, Leaf, Shape, ShapedQuery
from service.store.search.sources import has_one_code

if TYPE_CHECKING:
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.query import Criterion, Not

    _Outline = tuple[str, int, bool, bool, int]
    """A criterion without its values: form, number of sources, is it identifying, is it exclusive, which parameter."""


def of_plain(query: Query) -> ShapedQuery | None:
    """The shape and the values; None for any other search."""
    if query.sort or query.contained != "false":
        return None
    outlines: list[_Outline] = []
    values: list[list[Any]] = [[*query.types], [*map(least_likeness, query.types)]]
    parameters: dict[tuple[int, ...], int] = {}
    for criterion in query.where.criteria:
        found = _asked(criterion)
        if found is None:
            return None
        parameter, form, row = found
        sources = parameter.source_numbers
        known = parameters.setdefault(sources, len(parameters))
        exclusive = form == "token-code" and has_one_code(parameter)
        identifying = parameter.kind == "token" and "Identifier" in parameter.data_types
        outlines.append((form, min(len(sources), MANY + 1), identifying, exclusive, known))
        values += [[*sources], *([value] for value in row)]
    pair = found_pair(query.where.criteria)
    if pair is None:
        return ShapedQuery(shape=_shape(tuple(outlines), None, PAIR), values=tuple(values))
    by = parameters.setdefault((pair.by,), len(parameters))
    shape = _shape(tuple(outlines), (pair.code, pair.of, by), pair.form)
    return ShapedQuery(shape=shape, values=(*values, pair.digests))


def _asked(criterion: Criterion | Not) -> tuple[SearchParameter, str, tuple[Any, ...]] | None:
    """The parameter that one code or target is asked of, the form of the probe, and its values."""
    if not isinstance(criterion, Matches) or len(criterion.values) != 1:
        return None
    parameter, value = criterion.parameter, criterion.values[0]
    if isinstance(value, ReferenceValue):
        form = ACTING if value.acting else "reference"
        return (parameter, form, value.targets) if len(value.targets) == 1 else None
    if not isinstance(value, TokenValue) or parameter.kind != "token":
        return None
    if value.form == "system-and-code":
        return parameter, "token-system-and-code", (value.system, value.code)
    return (parameter, "token-code", (value.code,)) if value.form == "code" else None


@lru_cache
def _shape(outlines: tuple[_Outline, ...], pair: tuple[int, int, int] | None, pair_form: str) -> Shape:
    arrays = [TEXT, BIGINT]
    nodes = []
    for form, sources, identifying, exclusive, known in outlines:
        place = len(arrays)
        arrays += [INTEGER, *FORMS[form].types]
        nodes.append(
            Leaf(
                form_name=form,
                sources=place,
                values=tuple(range(place + 1, len(arrays))),
                parameter=known,
                identifying=identifying,
                many=sources > MANY,
                spread=sources > 1,
                exclusive=exclusive,
            )
        )
    where = All(nodes=tuple(nodes))
    if pair is not None:
        where = with_pair(nodes, *pair, lead=Leaf(form_name=pair_form, sources=None, values=(len(arrays),)))
        arrays.append(UUID)
    return Shape(where=where, sort=(), arrays=tuple(arrays))
