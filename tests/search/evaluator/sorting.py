"""_sort: https://hl7.org/fhir/R4/search.html#sort

"A comma-separated list of sort rules in priority order", each a search parameter with "-" for decreasing order. Of
several values "the sort is based on the item [...] that comes earliest in the specified sort order". R4 leaves open how
ranges compare (by where they start) and where resources without a value go (last in both orders); of codes it
says nothing (by their characters; values without a code come behind them, in both orders, and before what has no
value). Of quantities those that measure the same are compared. About URIs, references and quantities of different
kinds, and what is sorted after them, nothing is claimed here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from tests.search.evaluator import dates, quantities, strings, tokens
from tests.search.evaluator.values import parameter_of, values_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.definitions import SearchParameterFact
    from tests.search.evaluator.values import Resource, Value

_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_ORDERED: Final = frozenset({"string", "date", "token", "number", "quantity"})


def in_order(resources: Sequence[Resource], sort: str) -> bool:
    """Whether each resource comes before, or level with, the next one."""
    return all(_comparison(first, second, sort.split(",")) <= 0 for first, second in pairwise(resources))


def _comparison(first: Resource, second: Resource, rules: Sequence[str]) -> int:
    """Negative if the first comes before the second, positive if after, 0 if the rules say nothing."""
    for rule in rules:
        if _parameter(first, rule).kind not in _ORDERED:
            return 0
        if _parameter(first, rule).kind == "quantity":
            order = _by_size(first, second, rule)
            if order != 0:
                return order or 0
            continue
        one, other = _place(first, rule), _place(second, rule)
        if one == other:
            continue
        if one is None or other is None:
            return 1 if one is None else -1
        return -1 if (one < other) != rule.startswith("-") else 1
    return 0


def _place(resource: Resource, rule: str) -> Any:
    """What a resource is sorted by: the one of its values that comes first; None if it has none."""
    parameter = _parameter(resource, rule)
    descending = rule.startswith("-")
    places = [place for value in values_of(resource, parameter) for place in _places(parameter.kind, value, descending)]
    if not places:
        return None
    return max(places) if descending else min(places)


def _by_size(first: Resource, second: Resource, rule: str) -> int | None:
    """The comparison of two resources by a quantity; None where nothing is claimed, 0 where they are level."""
    values = [values_of(each, _parameter(each, rule)) for each in (first, second)]
    if any(len(each) > 1 or not {value.type for value in each} <= {"Quantity", "Age"} for each in values):
        return None
    one, other = (next((quantities.beginning(value) for value in each), None) for each in values)
    if one is None or other is None:
        return (one is None) - (other is None)
    scale = quantities.scale(one, other)
    if scale is None:
        return None
    sizes = Fraction(one["value"]) * scale, Fraction(other["value"])
    return 0 if sizes[0] == sizes[1] else -1 if (sizes[0] < sizes[1]) != rule.startswith("-") else 1


def _parameter(resource: Resource, rule: str) -> SearchParameterFact:
    return parameter_of(resource["resourceType"], rule.removeprefix("-"))


def _places(kind: str, value: Value, descending: bool) -> list[Any]:
    match kind:
        case "string":
            return [strings.normalized(text) for text in strings.texts(value)]
        case "date":
            found = dates.target_of(value)
            return [] if found is None else [found.low or _FIRST]
        case "token":
            codes = [(0, token.code) for token in tokens.tokens_of(value) if token.code is not None]
            return codes or [(-1 if descending else 1, "")]
    return [value.content]
