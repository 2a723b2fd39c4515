"""A request's parameters → a query, or a refusal that names the parameter and what it takes.

Strict by default: what the service does not know or cannot answer is an error, never ignored. Lenient handling, which a
client asks for with `Prefer`, leaves out parameters that are unknown, unsupported or without a value, and says so;
unknown modifiers and malformed values are refused even then, as https://hl7.org/fhir/R4/search.html#modifiers demands.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from service.fhir.outcome import FhirError, Issue, failure
from service.fhir.search.compartment import compartment_criterion, compartment_types
from service.fhir.search.identified_by import identified_by
from service.fhir.search.nearest import hint_of
from service.fhir.search.parse_chain import follow, link_count
from service.fhir.search.parse_contained import check_combination
from service.fhir.search.parse_criterion import parse_criterion
from service.fhir.search.query import And, Query
from service.fhir.search.restriction import check_repeated
from service.fhir.search.result_parameters import (
    NOISE,
    RESULT_PARAMETERS,
    SearchLimits,
    parse_result_parameters,
)
from service.fhir.search.scope import Budget, Scope, where
from service.fhir.search.terminology import unresolved
from service.fhir.search.types.search_type import Setting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

    from service.fhir.interaction import Parameters
    from service.fhir.search.query import Criterion, Not
    from service.fhir.search.registry import Registry
    from service.fhir.search.result_parameters import ResultParameters

_DEFAULT_LIMITS: Final = SearchLimits()
_CHARACTERS: Final = 256
"""How long values are that one parameter may have as many of as there may be."""

_IGNORABLE: Final = frozenset({"parameter-unknown", "parameter-unsupported"})
_REFUSED_CHARACTERS: Final = re.compile("[\x00\ud800-\udfff]")


class _Read(Struct):
    """What the parameters came to so far: `applied` are those that links repeat, `links` those of all criteria."""

    applied: list[tuple[str, str]]
    criteria: list[Criterion | Not] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[Issue] = field(default_factory=list)
    links: int = 0

    def demand(self, criterion: Criterion | Not) -> None:
        """Add a criterion."""
        self.criteria.append(criterion)
        self.links += link_count(criterion)


def parse_search(  # noqa: PLR0913 - what a search depends on, each named at the call
    registry: Registry,
    resource_type: str | None,
    parameters: Parameters,
    *,
    base: str,
    strict: bool = True,
    zone: tzinfo = UTC,
    now: datetime | None = None,
    limits: SearchLimits = _DEFAULT_LIMITS,
    compartment: tuple[str, str] | None = None,
    results: tuple[str, ...] = RESULT_PARAMETERS,
) -> Query:
    """The query of a search; `resource_type` None searches the whole system, or the types that ``_type`` lists.

    `now` is what the prefix `ap` measures from; `compartment`, a type and an id, narrows the search to its members (of
    every type in it, without a `resource_type`); `results` are what a FhirError lists of the result parameters.
    """
    _check_size(limits, parameters)
    parameters = tuple(_checked(pair) for pair in parameters)
    searchable = registry.definitions.resource_types
    if compartment is not None:
        searchable = compartment_types(registry, compartment[0])
    types, rest = _types(searchable, resource_type, parameters)
    scope = Scope(
        types=types,
        registry=registry,
        known=registry.shared_parameters(types),
        setting=Setting(base=base, types=registry.definitions.all_type_names, zone=zone, now=now),
        limits=limits,
        budget=Budget(limits.targets),
        results=results,
    )
    read = _Read(applied=[pair for pair in parameters if pair not in rest])
    if compartment is not None:
        read.demand(compartment_criterion(registry, *compartment, types))
    _read_parameters(scope, read, rest, strict=strict)
    result = parse_result_parameters(scope, read.results)
    check_combination(result, read.criteria, compartment)
    return _query(types, compartment, read, result)


def _query(types: tuple[str, ...], compartment: tuple[str, str] | None, read: _Read, result: ResultParameters) -> Query:
    applied = [(name, str(result.count)) if name == "_count" else (name, value) for name, value in read.applied]
    return Query(
        types=types,
        where=And(criteria=tuple(read.criteria)),
        count=result.count,
        summary=result.summary,
        elements=result.elements,
        total=result.total,
        sort=result.sort,
        includes=result.includes,
        compartment=compartment,
        contained=result.contained,
        contained_type=result.contained_type,
        explain=result.explain,
        cursor=result.cursor,
        applied=tuple(applied),
        warnings=tuple(read.warnings),
    )


def parse_criteria(
    registry: Registry,
    resource_type: str,
    parameters: Parameters,
    *,
    base: str,
    zone: tzinfo = UTC,
    limits: SearchLimits = _DEFAULT_LIMITS,
) -> Query:
    """The query of a conditional interaction: search criteria only, and at least one of them. Raises FhirError."""
    identified = identified_by(registry, resource_type, parameters, count=limits.default_page_size)
    if identified is not None:
        return identified
    for name, _ in parameters:
        code = name.partition(":")[0]
        if code in RESULT_PARAMETERS or code in NOISE:
            raise failure(
                "parameter-unsupported",
                f"Criteria say what matches; {code} says how a search is returned and does not belong there.",
                where(code),
            )
    query = parse_search(registry, resource_type, parameters, base=base, zone=zone, limits=limits, results=())
    if not query.where.criteria:
        raise failure("criteria-required", "A conditional interaction needs at least one search parameter.")
    if unresolved(query, {}):
        text = "Conditional interactions do not look up value sets and code systems; name the codes."
        raise failure("modifier-unsupported", text, "http.query")
    return query


def _check_size(limits: SearchLimits, parameters: Parameters) -> None:
    """Refuse what would take long to read, before any of it is."""
    most = limits.criteria + limits.includes + len(RESULT_PARAMETERS)
    if len(parameters) > most:
        raise failure("too-costly", f"A search takes at most {most} parameters.", where(parameters[most][0]))
    longest = limits.values * _CHARACTERS
    for name, value in parameters:
        if len(value) > longest:
            raise failure("too-costly", f"The values of a parameter take at most {longest} characters.", where(name))


def _checked(pair: tuple[str, str]) -> tuple[str, str]:
    name, value = pair
    if _REFUSED_CHARACTERS.search(name) or _REFUSED_CHARACTERS.search(value):
        raise failure(
            "parameter-value", "Parameters are Unicode text without NUL characters and lone surrogates.", where(name)
        )
    return pair


def _types(
    searchable: tuple[str, ...], resource_type: str | None, parameters: Parameters
) -> tuple[tuple[str, ...], Sequence[tuple[str, str]]]:
    """The types to search, and the parameters that are left after ``_type``."""
    if resource_type is not None:
        return (resource_type,), parameters
    lists = [value.split(",") for name, value in parameters if name == "_type"]
    if not lists:
        return searchable, parameters
    if len(lists) > 1:
        raise failure("parameter-value", "_type is given once.", "http._type")
    if unknown := [name for name in lists[0] if name not in searchable]:
        text = "_type takes resource types that can be searched here, separated by commas"
        raise failure("parameter-value", f"{text}{hint_of(unknown[0], searchable)}", "http._type")
    return tuple(sorted(set(lists[0]))), [pair for pair in parameters if pair[0] != "_type"]


def _read_parameters(scope: Scope, read: _Read, parameters: Sequence[tuple[str, str]], *, strict: bool) -> None:
    for name, value in parameters:
        _read_parameter(scope, read, name, value, strict=strict)
        _check_costs(scope.limits, read, name)
    if scope.registry.stored:
        _check_repeated(scope, read)


def _read_parameter(scope: Scope, read: _Read, name: str, value: str, *, strict: bool) -> None:
    code = name.partition(":")[0]
    if code in NOISE:
        return
    if not (value or strict or code == "_cursor"):
        error = failure("parameter-value", f"{code} was sent without a value.", where(name))
        read.warnings.append(_ignored(error))
        return
    try:
        if code in RESULT_PARAMETERS:
            read.results.append((name, value))
        else:
            read.demand(parse_criterion(scope, name, value))
    except FhirError as error:
        if strict or error.code not in _IGNORABLE:
            raise
        read.warnings.append(_ignored(error))
        return
    if code not in {"_cursor", "_explain"}:
        read.applied.append((name, value))


def _check_repeated(scope: Scope, read: _Read) -> None:
    """Refuse the parameters that their authors allow once, where they are given again, with whatever modifiers."""
    seen: set[tuple[str, str]] = set()
    for name, _ in read.applied:
        last = follow(scope, name)
        code = last.name.partition(":")[0]
        parameter = last.scope.known.get(code)
        key = (name.removesuffix(last.name), code)
        if parameter is not None and key in seen:
            check_repeated(parameter)
        seen.add(key)


def _ignored(error: FhirError) -> Issue:
    issue = error.issues[0]
    return Issue(
        code=issue.code,
        diagnostics=f"The parameter was ignored: {issue.diagnostics}",
        expression=issue.expression,
        severity="warning",
    )


def _check_costs(limits: SearchLimits, read: _Read, name: str) -> None:
    """Refuse the parameter with which the criteria are too many."""
    if len(read.criteria) > limits.criteria:
        raise failure("too-costly", f"A search takes at most {limits.criteria} criteria.", where(name))
    links = max(limits.links, limits.chain)
    if read.links > links:
        text = f"The chains and _has of a search take at most {links} links together."
        raise failure("too-costly", text, where(name))
