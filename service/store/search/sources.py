"""Where the values of a search parameter stand, and whether a resource has more than one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from service.fhir.search.parameter import SearchParameter

_OF_TYPE: Final = re.compile(r"\.ofType\(\w+\)$")


def sources_of(parameter: SearchParameter, form: str) -> tuple[int, ...]:
    """The sources whose rows have values of the form: a reference's identifiers stand among the tokens, say."""
    if form == "token-of-type":
        return parameter.of_type_numbers
    if form.startswith("token-") and parameter.kind == "reference":
        return parameter.identifier_numbers
    if form == "string-contains":
        return parameter.contains_numbers
    return parameter.source_numbers


def is_single(parameter: SearchParameter) -> bool:
    """Whether a resource has at most one value: all come from one element, or one choice, and none repeats."""
    elements = {(source.type, _OF_TYPE.sub("", source.expression)) for source in parameter.sources}
    types = {source.type for source in parameter.sources}
    return len(elements) == len(types) and not any(source.repeats for source in parameter.sources)


def has_one_code(parameter: SearchParameter) -> bool:
    """Whether a resource has at most one row, with a code from a closed set."""
    return bool(parameter.systems) and is_single(parameter)
