"""A search within the sight of an organisation: whatever it looks at, itself or through links, has to be seen.

A criterion on what is not seen finds nothing, whether it is a match, the target of a chain or what refers to a match.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from service.fhir.outcome import failure
from service.fhir.search.query import And, AnyOf, Chain, Has, Not, Seen
from service.fhir.sight import OPEN_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from service.fhir.search.query import Criterion, Query
    from service.fhir.sight import Sight


def within_sight(query: Query, sight: Sight | None) -> Query:
    """The query, of which only what is seen takes part; everything is where there is no sight.

    FhirError forbidden for a search of contained resources, whose containers it would have to look at.
    """
    if sight is None or sight.by is None:
        return query
    if query.contained != "false":
        told = "Contained resources are searched by clients only that see the resources of all organisations."
        raise failure("forbidden", told, "http._contained")
    seen = Seen(by=sight.by, open_types=OPEN_TYPES)
    return replace(query, where=_within(query.where, query.types, seen))


def known_to(query: Query, organisations: Iterable[UUID]) -> Query:
    """The query, of which only what one of the organisations made, or is shown, is a match, of open types too."""
    seen = Seen(by=tuple(organisations), open_types=frozenset())
    return replace(query, where=And(criteria=(*query.where.criteria, seen)))


def _within(where: And, types: Iterable[str], seen: Seen) -> And:
    criteria = tuple([_seen_by(each, seen) for each in where.criteria])
    return And(criteria=criteria) if seen.open_types.issuperset(types) else And(criteria=(*criteria, seen))


def _seen_by(criterion: Criterion | Not, seen: Seen) -> Criterion | Not:
    match criterion:
        case Not(criterion=inner):
            within = _seen_by(inner, seen)
            return criterion if within is inner else replace(criterion, criterion=within)
        case Chain(types=types, where=where):
            return replace(criterion, where=_within(where, types, seen))
        case Has(type=type_, where=where):
            return replace(criterion, where=_within(where, (type_,), seen))
        case AnyOf(criteria=criteria):
            return AnyOf(criteria=tuple([_seen_by(each, seen) for each in criteria]))
        case _:
            return criterion
