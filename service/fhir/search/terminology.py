"""Sets of codes in a query → the codes themselves, by the ValueSet and CodeSystem resources that the server holds.

``:in`` and ``:not-in`` name a value set, ``:above`` and ``:below`` a code in a hierarchy. Whoever runs the search
gathers the resources: while `unresolved` names any, look them up and put what was found (nothing, one or several) under
its name; then `resolve` turns the query into one without sets of codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from service.fhir.outcome import failure
from service.fhir.reference import digest_of
from service.fhir.search.bounded import bounded
from service.fhir.search.query import And, AnyOf, Chain, Has, InCodes, Matches, Not, TokenValue
from service.fhir.terminology.code_system import CodeSystem
from service.fhir.terminology.error import CannotExpandError
from service.fhir.terminology.needed import canonical, missing, only
from service.fhir.terminology.value_set import Expander

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from service.fhir.outcome import FhirError
    from service.fhir.resource import Content
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.query import CodesOperand, Criterion, Query
    from service.fhir.terminology.needed import Needed
    from service.fhir.terminology.value_set import Coded

MOST_RESOURCES: Final = 100
"""That the codes of one criterion, or of one value set, may depend on."""


def unresolved(query: Query, held: Mapping[Needed, Sequence[Content]]) -> tuple[Needed, ...]:
    """What has yet to be looked up, none when `resolve` can answer; FhirError too-costly beyond 100 resources."""
    found: dict[Needed, None] = {}
    for criterion in _sets(query.where.criteria):
        absent, depended_on = missing((_root(criterion, operand) for operand in criterion.operands), held)
        found |= dict.fromkeys(absent)
        if depended_on > MOST_RESOURCES:
            code = criterion.parameter.code
            text = f"The codes of {code} depend on more than {MOST_RESOURCES} value sets and code systems."
            raise failure("too-costly", text, f"http.{code}")
    return tuple(found)


def resolve(
    query: Query,
    held: Mapping[Needed, Sequence[Content]],
    *,
    limit: int,
    compile: Callable[[Content], CodeSystem] = CodeSystem,
) -> Query:
    """The query with every set of codes, of at most `limit` codes, written out; FhirError says which cannot be.

    `compile` makes a code system of its resource, or knows one that was made before.
    """
    named = {_root(criterion, each) for criterion in _sets(query.where.criteria) for each in criterion.operands}

    def look_up(needed: Needed) -> Content:
        # what the client named is not repeated to it
        return only(needed.type if needed in named else str(needed), held.get(needed, ()))

    return replace(query, where=_and(query.where, Expander(look_up, limit=limit, compile=compile), limit))


def _and(where: And, expander: Expander, limit: int) -> And:
    return And(criteria=tuple(_resolved(each, expander, limit) for each in where.criteria))


def _resolved(criterion: Any, expander: Expander, limit: int) -> Any:
    """The same kind of criterion, except that sets of codes become `Matches`."""
    match criterion:
        case Not(criterion=inner):
            return Not(criterion=_resolved(inner, expander, limit))
        case Chain(where=inner) | Has(where=inner):
            return replace(criterion, where=_and(inner, expander, limit))
        case AnyOf(criteria=criteria):
            return AnyOf(criteria=tuple(_resolved(each, expander, limit) for each in criteria))
        case InCodes():
            return _written_out(criterion, expander, limit)
    return criterion


def _written_out(criterion: InCodes, expander: Expander, limit: int) -> Matches:
    parameter, relation = criterion.parameter, criterion.relation
    try:
        codes = frozenset().union(*(_codes(criterion, operand, expander) for operand in criterion.operands))
    except CannotExpandError as error:
        raise _untold(criterion, str(error)) from error
    except KeyError as error:
        raise _untold(criterion, f"a resource has an extension in the place of {error}") from error
    if len(codes) > limit:
        text = f"The codes of {parameter.code}:{relation} are more than {limit}."
        raise failure("too-costly", text, f"http.{parameter.code}")
    return Matches(parameter=parameter, values=tuple(_values(parameter, codes)))


def _untold(criterion: InCodes, reason: str) -> FhirError:
    parameter = criterion.parameter
    text = f"The codes of {parameter.code}:{criterion.relation} cannot be told: {reason}."
    return failure("not-supported", text, f"http.{parameter.code}")


def _codes(criterion: InCodes, operand: CodesOperand, expander: Expander) -> frozenset[Coded]:
    needed = _root(criterion, operand)
    if criterion.relation == "in":
        return frozenset(expander.value_set(needed))
    code_system = expander.code_system(needed)
    found = code_system.above(operand.code) if criterion.relation == "above" else code_system.below(operand.code)
    return frozenset((operand.url, code) for code in found)


def _values(parameter: SearchParameter, codes: Iterable[Coded]) -> Iterator[TokenValue]:
    """The codes as the index knows them: those of elements of type code are without their system."""
    if parameter.systems:
        known = {code for system, code in codes if code in parameter.systems.get(system or "", ())}
        yield TokenValue(form="any-code-of", codes=tuple(sorted(known)))
        return
    listed = sorted(codes, key=str)
    for system, code in listed:
        if system is None:
            yield TokenValue(form="code-without-system", code=bounded(code))
        else:
            yield TokenValue(form="system-and-code", system=digest_of(system), code=bounded(code))
    if not listed:
        yield TokenValue(form="any-code-of", codes=())


def _root(criterion: InCodes, operand: CodesOperand) -> Needed:
    return canonical("ValueSet" if criterion.relation == "in" else "CodeSystem", operand.url)


def _sets(criteria: Iterable[Criterion | Not]) -> Iterator[InCodes]:
    for criterion in criteria:
        match criterion:
            case InCodes():
                yield criterion
            case Not(criterion=inner):
                yield from _sets((inner,))
            case Chain(where=where) | Has(where=where):
                yield from _sets(where.criteria)
            case AnyOf(criteria=alternatives):
                yield from _sets(alternatives)
