"""Whether a SearchParameter resource can take effect beside the search parameters that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.search.stored_parameters import refuse_doubles, refused

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.fhir.search.registry import Registry


def extended(registry: Registry, content: Content) -> Registry:
    """A registry that has the parameter of a valid SearchParameter too, if that is active.

    FhirError search-parameter says what is wrong with it, or why its expression cannot be indexed.
    """
    parameter = registry.stored_parameter(content)
    if not parameter.facts:
        return registry
    refuse_doubles(parameter, registry.stored)
    found = registry.with_stored([*registry.stored, parameter])
    for resource_type, fact in parameter.facts.items():
        if reason := found.unsupported(resource_type).get(fact.code):
            raise refused(reason, "expression")
    _check_numbers(found)
    return found


def _check_numbers(registry: Registry) -> None:
    """FhirError where two sources of any of the types have the same number, which is a matter of chance."""
    try:
        for resource_type in registry.definitions.resource_types:
            registry.parameters(resource_type)
    except ValueError:
        raise refused("its expression has the number of another one; write it differently", "expression") from None
