"""A request's parameters → a query, or a refusal that names the parameter and what it takes.

Strict by default: what the service does not know or cannot answer is an error, never ignored. Lenient handling, which a
client asks for with `Prefer`, leaves out unknown and unsupported parameters and says so; unknown modifiers and
malformed values are refused even then, as https://hl7.org/fhir/R4/search.html#modifiers demands.
"""

from __future__ import annotations

import difflib
import re
from datetime import UTC
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from service.fhir.outcome import FhirError, Issue, failure
from service.fhir.reference import identity_of
from service.fhir.resource import LOGICAL_ID
from service.fhir.search.query import (
    And,
    Criterion,
    DateValue,
    Identified,
    Matches,
    Not,
    Present,
    Query,
    ReferenceValue,
    Updated,
)
from service.fhir.search.registry import UNSUPPORTED_PARAMETERS
from service.fhir.search.result_parameters import (
    NOISE,
    RESULT_PARAMETERS,
    UNSUPPORTED_RESULT_PARAMETERS,
    SearchLimits,
    parse_result_parameters,
)
from service.fhir.search.separators import split
from service.fhir.search.types import SEARCH_TYPES
from service.fhir.search.types.search_type import Setting, refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, tzinfo

    from service.fhir.interaction import Parameters
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.query import Value
    from service.fhir.search.registry import Registry
    from service.fhir.search.result_parameters import ResultParameters

_PRINTABLE: Final = re.compile(r"[A-Za-z0-9_.:\-]{1,64}")
_DEFAULT_LIMITS: Final = SearchLimits()
_IGNORABLE: Final = frozenset({"parameter-unknown", "parameter-unsupported"})
_PAGING_ELSEWHERE: Final = frozenset({"_offset", "offset", "_skip", "_page", "page", "_getpages", "_getpagesoffset"})
"""What other servers' pages are reached by, and people try."""
_TYPES_NAMED: Final = 12
"""A reference to more types than these may be to nearly any; a list of them all would hide the modifiers."""
_REFUSED_CHARACTERS: Final = re.compile("[\x00\ud800-\udfff]")


class _Scope(Struct, frozen=True, kw_only=True):
    """What is searched, and what its values depend on."""

    types: tuple[str, ...]
    registry: Registry
    known: Mapping[str, SearchParameter]
    setting: Setting
    limits: SearchLimits

    @property
    def title(self) -> str:
        return self.types[0] if len(self.types) == 1 else "A search over several types"

    def unsupported(self) -> Mapping[str, str]:
        """What R4 defines here and the service does not answer: code → reason."""
        of_types = {code: reason for each in self.types for code, reason in self.registry.unsupported(each).items()}
        return {**UNSUPPORTED_PARAMETERS, **UNSUPPORTED_RESULT_PARAMETERS, **of_types}


class _Read(Struct):
    """What the parameters came to so far: `applied` are those that links repeat."""

    applied: list[tuple[str, str]]
    criteria: list[Criterion | Not] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[Issue] = field(default_factory=list)


def parse_search(
    registry: Registry,
    resource_type: str | None,
    parameters: Parameters,
    *,
    base: str,
    strict: bool = True,
    zone: tzinfo = UTC,
    now: datetime | None = None,
    limits: SearchLimits = _DEFAULT_LIMITS,
) -> Query:
    """The query of a search; `resource_type` None searches the whole system, or the types that ``_type`` lists.

    `now` is what the prefix `ap` measures from. Raises FhirError.
    """
    parameters = tuple(_checked(pair) for pair in parameters)
    types, rest = _types(registry, resource_type, parameters)
    scope = _Scope(
        types=types,
        registry=registry,
        known=registry.shared_parameters(types),
        setting=Setting(base=base, types=registry.definitions.all_type_names, zone=zone, now=now),
        limits=limits,
    )
    read = _Read(applied=[pair for pair in parameters if pair not in rest])
    for name, value in rest:
        _read_parameter(scope, read, name, value, strict=strict)
    _check_costs(scope, read.criteria)
    return _query(types, read, parse_result_parameters(registry.definitions, types, read.results, limits))


def _query(types: tuple[str, ...], read: _Read, result: ResultParameters) -> Query:
    applied = [(name, str(result.count)) if name == "_count" else (name, value) for name, value in read.applied]
    return Query(
        types=types,
        where=And(criteria=tuple(read.criteria)),
        count=result.count,
        summary=result.summary,
        elements=result.elements,
        total=result.total,
        cursor=result.cursor,
        applied=tuple(applied),
        warnings=tuple(read.warnings),
    )


def parse_criteria(
    registry: Registry, resource_type: str, parameters: Parameters, *, base: str, zone: tzinfo = UTC
) -> Query:
    """The query of a conditional interaction: search criteria only, and at least one of them. Raises FhirError."""
    for name, _ in parameters:
        if name in RESULT_PARAMETERS or name in NOISE:
            raise failure(
                "parameter-unsupported",
                f"Criteria say what matches; {name} says how a search is returned and does not belong there.",
                f"http.{name}",
            )
    query = parse_search(registry, resource_type, parameters, base=base, strict=True, zone=zone)
    if not query.where.criteria:
        raise failure("criteria-required", "A conditional interaction needs at least one search parameter.")
    return query


def _checked(pair: tuple[str, str]) -> tuple[str, str]:
    name, value = pair
    if _REFUSED_CHARACTERS.search(name) or _REFUSED_CHARACTERS.search(value):
        raise failure(
            "parameter-value", "Parameters are Unicode text without NUL characters and lone surrogates.", _where(name)
        )
    return pair


def _types(
    registry: Registry, resource_type: str | None, parameters: Parameters
) -> tuple[tuple[str, ...], Sequence[tuple[str, str]]]:
    """The types to search, and the parameters that are left after ``_type``."""
    served = registry.definitions.resource_types
    if resource_type is not None:
        return (resource_type,), parameters
    lists = [value.split(",") for name, value in parameters if name == "_type"]
    if not lists:
        return served, parameters
    if len(lists) > 1 or not set(lists[0]) <= set(served):
        raise failure("parameter-value", "_type takes, once, resource types that the service serves.", "http._type")
    return tuple(sorted(set(lists[0]))), [pair for pair in parameters if pair[0] != "_type"]


def _read_parameter(scope: _Scope, read: _Read, name: str, value: str, *, strict: bool) -> None:
    if name in NOISE:
        return
    if name in RESULT_PARAMETERS:
        read.results.append((name, value))
    else:
        try:
            read.criteria.append(_criterion(scope, name, value))
        except FhirError as error:
            if strict or error.code not in _IGNORABLE:
                raise
            read.warnings.append(_ignored(error))
            return
    if name != "_cursor":
        read.applied.append((name, value))


def _criterion(scope: _Scope, name: str, text: str) -> Criterion | Not:
    code, colon, modifier = name.partition(":")
    parameter = scope.known.get(code)
    if parameter is None:
        raise _unknown(scope, name)
    if not text:
        raise refused(parameter, "a value; it was sent without one")
    if modifier == "missing" and parameter.special is None:
        return _missing(parameter, text)
    if colon:
        _check_modifier(parameter, modifier)
    operands = split(text, ",")
    if len(operands) > scope.limits.values:
        raise failure("too-costly", f"{code} takes at most {scope.limits.values} values.", f"http.{code}")
    if not all(operands):
        raise refused(parameter, "values that are not empty, separated by single commas")
    match parameter.special:
        case "_id":
            return _identified(scope, parameter, operands)
        case "_lastUpdated":
            return Updated(values=tuple(_date(parameter, operand, scope.setting) for operand in operands))
    search_type = SEARCH_TYPES[parameter.kind]
    inner = None if modifier in {"", "not"} else modifier
    values = tuple(search_type.parse(parameter, inner, operand, scope.setting) for operand in operands)
    matches = Matches(parameter=parameter, values=values)
    return Not(criterion=matches) if modifier == "not" else matches


def _missing(parameter: SearchParameter, text: str) -> Criterion | Not:
    present = Present(parameter=parameter)
    match text:
        case "true":
            return Not(criterion=present)
        case "false":
            return present
    raise failure("parameter-value", f"{parameter.code}:missing takes true or false.", f"http.{parameter.code}")


def _date(parameter: SearchParameter, text: str, setting: Setting) -> DateValue:
    value: Value = SEARCH_TYPES["date"].parse(parameter, None, text, setting)
    if not isinstance(value, DateValue):
        raise TypeError(type(value))
    return value


def _identified(scope: _Scope, parameter: SearchParameter, operands: Sequence[str]) -> Identified:
    if not all(LOGICAL_ID.fullmatch(operand) for operand in operands):
        raise refused(parameter, "logical ids: up to 64 letters, digits, hyphens and dots")
    return Identified(identities=tuple(identity_of(each, operand) for operand in operands for each in scope.types))


def _check_modifier(parameter: SearchParameter, modifier: str) -> None:
    """Refuse what the parameter does not take, naming what it does."""
    if parameter.kind == "reference" and "." in modifier:
        raise _chained(parameter.code)
    accepted: list[str] = []
    types: tuple[str, ...] = ()
    if parameter.special is None:
        declared = SEARCH_TYPES[parameter.kind].modifiers
        accepted = ["missing", *(each for each in declared if each != "[type]")]
        types = parameter.targets if "[type]" in declared else ()
    if modifier not in accepted and modifier not in types:
        named = types if len(types) <= _TYPES_NAMED else ["or the name of a resource type"]
        takes = f"takes the modifiers {', '.join([*accepted, *named])}" if accepted else "takes no modifier"
        raise failure("modifier-unsupported", f"{parameter.code} {takes}.", f"http.{parameter.code}")


def _unknown(scope: _Scope, name: str) -> FhirError:
    code = name.partition(":")[0]
    unsupported = scope.unsupported()
    if reason := unsupported.get(code):
        return failure("parameter-unsupported", f"R4 defines {code}, but {reason}.", _where(code))
    head = code.partition(".")[0]
    if head != code and (head in scope.known or head in unsupported):
        return _chained(code)
    if code in _PAGING_ELSEWHERE:
        text = "Pages are reached by the next link of the page before; _count says how many entries a page has."
        return failure("parameter-unknown", text, _where(code))
    accepted = [*scope.known, *RESULT_PARAMETERS]
    near = difflib.get_close_matches(code[:64], accepted, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else "."
    named = f"no search parameter {code}" if _PRINTABLE.fullmatch(code) else "no such search parameter"
    text = f"{scope.title} has {named}{hint} It takes {', '.join(accepted)}."
    return failure("parameter-unknown", text, _where(code))


def _chained(name: str) -> FhirError:
    return failure("parameter-unsupported", "Chains of parameters are not answered yet.", _where(name))


def _where(name: str) -> str:
    return f"http.{name}" if _PRINTABLE.fullmatch(name) else "http"


def _ignored(error: FhirError) -> Issue:
    issue = error.issues[0]
    return Issue(
        code=issue.code,
        diagnostics=f"The parameter was ignored: {issue.diagnostics}",
        expression=issue.expression,
        severity="warning",
    )


def _check_costs(scope: _Scope, criteria: Sequence[Criterion | Not]) -> None:
    if len(criteria) > scope.limits.criteria:
        raise failure("too-costly", f"A search takes at most {scope.limits.criteria} criteria.")
    targets = sum(_targets(each) for each in criteria)
    if targets > scope.limits.targets:
        raise failure("too-costly", "Too many ids that may be of many types; name the type of each, as in Type/id.")


def _targets(criterion: Criterion | Not) -> int:
    match criterion:
        case Not(criterion=inner):
            return _targets(inner)
        case Matches(values=values):
            return sum(len(value.targets) for value in values if isinstance(value, ReferenceValue))
        case Identified(identities=identities):
            return len(identities)
    return 0
