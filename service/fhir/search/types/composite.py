"""composite: values of several parameters, joined by ``$``, that hold together within one element of the resource.

https://hl7.org/fhir/R4/search.html#composite. There are no modifiers; a prefix stands before the value that it belongs
to. A composite has no rows of its own: those of its components that it finds in one element are a match.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.outcome import FhirError
from service.fhir.search.query import CompositeValue
from service.fhir.search.separators import split
from service.fhir.search.types.search_type import SearchType, refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.search.parameter import Kind, SearchParameter
    from service.fhir.search.query import Value
    from service.fhir.search.types.search_type import Setting


def composite_of(search_types: Mapping[Kind, SearchType]) -> SearchType:
    """The search type of composites whose components are of `search_types`."""

    def parse(parameter: SearchParameter, _modifier: str | None, text: str, setting: Setting) -> CompositeValue:
        """One value for each component, in their order."""
        parts = split(text, "$")
        components = parameter.components
        form = "$".join(each.code for each in components)
        if len(parts) != len(components) or not all(parts):
            raise refused(parameter, f"{form}: one value for each, joined by $")
        found: list[Value] = []
        for component, part in zip(components, parts, strict=True):
            try:
                found.append(search_types[component.kind].parse(component, None, part, setting))
            except FhirError as error:
                raise refused(parameter, f"{form}, where {error.issues[0].diagnostics.rstrip('.')}") from error
        return CompositeValue(components=tuple(found))

    return SearchType(kind="composite", modifiers=(), extractors={}, parse=parse)
