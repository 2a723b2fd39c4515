"""Result parameters: how the answer of a search is returned, not what matches.

https://hl7.org/fhir/R4/search.html#return
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, get_args

from msgspec import Struct

from service.fhir.outcome import failure
from service.fhir.search.query import Summary, Total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.definitions import Definitions
    from service.fhir.outcome import FhirError

RESULT_PARAMETERS: Final = ("_count", "_cursor", "_elements", "_format", "_pretty", "_summary", "_total")
"""The result parameters that searches take."""

NOISE: Final = frozenset({"_totalMethod"})
"""What common clients send with every search, to no effect here; links leave it out."""

UNSUPPORTED_RESULT_PARAMETERS: Final = {
    "_sort": "results come newest first",
    "_include": "included resources are not returned yet",
    "_revinclude": "included resources are not returned yet",
    "_contained": "contained resources are not searched",
    "_containedType": "contained resources are not searched",
    "_score": "matches are not ranked",
}
"""R4's result parameters that the service does not answer, with the reason."""

_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*")


class SearchLimits(Struct, frozen=True, kw_only=True):
    """What one search may ask for: values of one parameter, criteria, digests behind ids without a type, a page."""

    values: int = 1000
    criteria: int = 50
    targets: int = 10_000
    default_page_size: int = 20
    max_page_size: int = 1000


class ResultParameters(Struct):
    """What the result parameters of a search came to."""

    count: int
    summary: Summary | None = None
    elements: tuple[str, ...] = ()
    total: Total | None = None
    cursor: str | None = None


def parse_result_parameters(
    definitions: Definitions, types: Sequence[str], parameters: Sequence[tuple[str, str]], limits: SearchLimits
) -> ResultParameters:
    """The result parameters of a search over `types`; FhirError parameter-value."""
    result = ResultParameters(count=limits.default_page_size)
    seen: set[str] = set()
    for name, value in parameters:
        if name in seen:
            raise _refused(name, "is given once")
        seen.add(name)
        match name:
            case "_count":
                result.count = parse_count(value, limits)
            case "_summary":
                result.summary = _summary(value)
            case "_elements":
                result.elements = _elements(definitions, types, value)
            case "_total":
                result.total = _total(value)
            case "_cursor":
                result.cursor = value
    if result.summary and result.elements:
        raise _refused("_elements", "cannot be combined with _summary")
    return result


def parse_count(text: str, limits: SearchLimits) -> int:
    """A page size, cut to the largest one; FhirError parameter-value."""
    if not _NUMBER.fullmatch(text):
        raise _refused("_count", "takes a whole number, 0 or more")
    return min(int(text), limits.max_page_size)


def _summary(text: str) -> Summary | None:
    if text == "false":
        return None
    for summary in get_args(Summary):
        if text == summary:
            return summary  # type: ignore[no-any-return]
    raise _refused("_summary", f"takes {', '.join(get_args(Summary))} or false")


def _total(text: str) -> Total:
    for total in get_args(Total):
        if text == total:
            return total  # type: ignore[no-any-return]
    raise _refused("_total", f"takes {', '.join(get_args(Total))}")


def _elements(definitions: Definitions, types: Sequence[str], text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    if not all(_NAME.fullmatch(name) for name in names):
        raise _refused("_elements", "takes names of elements, separated by commas")
    known = {element.name for each in types for element in definitions.type(each).elements}
    if unknown := [name for name in names if name not in known]:
        raise _refused("_elements", f"takes elements of {_listed(types)}, which {unknown[0][:64]} is not")
    return names


def _listed(types: Sequence[str]) -> str:
    return ", ".join(types) if len(types) < 5 else "the searched types"


def _refused(name: str, rule: str) -> FhirError:
    return failure("parameter-value", f"{name} {rule}.", f"http.{name}")
