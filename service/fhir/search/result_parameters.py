"""Result parameters: how the answer of a search is returned, not what matches.

https://hl7.org/fhir/R4/search.html#return
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, get_args

from msgspec import Struct

from service.fhir.outcome import failure
from service.fhir.search.parse_contained import read_contained
from service.fhir.search.parse_include import INCLUDES, parse_includes
from service.fhir.search.parse_sort import parse_sort
from service.fhir.search.query import Contained, ContainedType, Summary, Total
from service.fhir.search.refusal import refused_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.definitions import Definitions
    from service.fhir.search.query import Include, SortKey
    from service.fhir.search.scope import Scope

RESULT_PARAMETERS: Final = (
    *("_contained", "_containedType", "_count", "_cursor", "_elements", "_explain", "_format", "_include", "_pretty"),
    *("_revinclude", "_sort", "_summary", "_total"),
)
"""The result parameters that searches take."""

NOISE: Final = frozenset({"_totalMethod", "_", "_dc"})
"""What clients send with every search, to no effect here; links leave it out.

fhirpy sends ``_totalMethod``; ``_`` and ``_dc`` are how jQuery and Ext JS, on which SMART apps are built, step around
caches.
"""

UNSUPPORTED_RESULT_PARAMETERS: Final = {
    "_score": "matches are not ranked",
}
"""R4's result parameters that the service does not answer, with the reason."""

FORM: Final = frozenset({"_count", "_summary", "_elements", "_total", "_format", "_pretty", "_include", "_revinclude"})
"""The result parameters that leave the matches and their order as they are."""

_NUMBER: Final = re.compile(r"[0-9]{1,19}")
LARGEST_COUNT: Final = 2**63 - 1
"""Clients ask for the largest number that they know when they want all."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*")


class SearchLimits(Struct, frozen=True, kw_only=True):
    """What one search may ask for.

    `values` of one parameter; `criteria`; `targets`, digests behind ids without a type; `chain`, links of one chain;
    `links`, those of all chains together; `sort_keys`; `includes`, of both directions; `included`, resources that go
    with one page; `iterations`, rounds of ``:iterate``; `codes` that one value set or hierarchy may come to; entries on
    a page.
    """

    values: int = 1000
    criteria: int = 50
    targets: int = 10_000
    chain: int = 6
    links: int = 30
    sort_keys: int = 5
    includes: int = 20
    included: int = 1000
    iterations: int = 5
    codes: int = 10_000
    default_page_size: int = 20
    max_page_size: int = 1000


class ResultParameters(Struct):
    """What the result parameters of a search came to."""

    count: int
    summary: Summary | None = None
    elements: tuple[str, ...] = ()
    total: Total | None = None
    sort: tuple[SortKey, ...] = ()
    includes: tuple[Include, ...] = ()
    contained: Contained = "false"
    contained_type: ContainedType = "container"
    explain: bool = False
    cursor: str | None = None


def parse_result_parameters(scope: Scope, parameters: Sequence[tuple[str, str]]) -> ResultParameters:
    """The result parameters of a search; FhirError parameter-value, modifier-unsupported or too-costly."""
    result = ResultParameters(count=scope.limits.default_page_size)
    if not parameters:
        return result
    seen: set[str] = set()
    for name, value in parameters:
        code = name.partition(":")[0]
        if code in INCLUDES:
            continue
        if code in seen:
            raise refused_value(code, "is given once")
        seen.add(code)
        _read(scope, result, name, value)
    result.includes = parse_includes(scope, [pair for pair in parameters if pair[0].partition(":")[0] in INCLUDES])
    if result.summary and result.elements:
        raise refused_value("_elements", "cannot be combined with _summary")
    if result.summary == "text" and result.includes:
        raise refused_value("_summary", "with text cannot be combined with _include and _revinclude, as R4 says")
    return result


def _read(scope: Scope, result: ResultParameters, name: str, value: str) -> None:
    code, colon, _ = name.partition(":")
    if colon and code != "_sort":
        raise failure("modifier-unsupported", f"{code} takes no modifier.", f"http.{code}")
    match code:
        case "_count":
            result.count = parse_count(value, scope.limits)
        case "_summary":
            result.summary = _summary(value)
        case "_elements":
            result.elements = _elements(scope.registry.definitions, scope.types, value)
        case "_total":
            result.total = _total(value)
        case "_sort":
            result.sort = parse_sort(scope, name, value)
        case "_contained" | "_containedType":
            read_contained(result, code, value)
        case "_explain":
            result.explain = _explain(value)
        case "_cursor":
            result.cursor = value


def parse_count(text: str, limits: SearchLimits) -> int:
    """A page size, cut to the largest one; FhirError parameter-value."""
    if not _NUMBER.fullmatch(text) or (count := int(text)) > LARGEST_COUNT:
        raise refused_value("_count", f"takes a whole number from 0 to {LARGEST_COUNT}")
    return min(count, limits.max_page_size)


def _summary(text: str) -> Summary | None:
    if text == "false":
        return None
    for summary in get_args(Summary):
        if text == summary:
            return summary  # type: ignore[no-any-return]
    raise refused_value("_summary", f"takes {', '.join(get_args(Summary))} or false")


def _explain(text: str) -> bool:
    if text not in {"true", "false"}:
        raise refused_value("_explain", "takes true or false")
    return text == "true"


def _total(text: str) -> Total:
    for total in get_args(Total):
        if text == total:
            return total  # type: ignore[no-any-return]
    raise refused_value("_total", f"takes {', '.join(get_args(Total))}")


def _elements(definitions: Definitions, types: Sequence[str], text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    if not all(_NAME.fullmatch(name) for name in names):
        raise refused_value("_elements", "takes names of elements, separated by commas")
    known = {element.name for each in types for element in definitions.type(each).elements}
    if unknown := [name for name in names if name not in known]:
        raise refused_value("_elements", f"takes elements of {_listed(types)}, which {unknown[0][:64]} is not")
    return names


def _listed(types: Sequence[str]) -> str:
    return ", ".join(types) if len(types) < 5 else "the searched types"
