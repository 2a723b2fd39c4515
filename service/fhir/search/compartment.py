"""Compartments: the resources that belong to a patient, an encounter or another focus, and the focus itself.

https://hl7.org/fhir/R4/compartmentdefinition.html and https://hl7.org/fhir/R4/http.html#vsearch
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from service.fhir.outcome import failure
from service.fhir.reference import identity_of
from service.fhir.resource import LOGICAL_ID
from service.fhir.search.query import AnyOf, Identified, Matches, ReferenceValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.query import Criterion
    from service.fhir.search.registry import Registry


def compartment_types(registry: Registry, compartment: str) -> tuple[str, ...]:
    """The served types that may be in a compartment, its focus included; FhirError not-found where R4 has none."""
    if compartment not in registry.definitions.compartments:
        defined = ", ".join(registry.definitions.compartments)
        text = f"R4 defines no compartment of {compartment}; it defines those of {defined}."
        raise failure("not-found", text, "http.path")
    served = registry.definitions.resource_types
    return tuple(each for each in served if each == compartment or _links(registry, compartment, each))


def compartment_criterion(registry: Registry, compartment: str, id_: str, types: Sequence[str]) -> Criterion:
    """What resources of the types match that are in the compartment with the logical id.

    FhirError not-found for a compartment that R4 does not define and types that are not in it.
    """
    members = compartment_types(registry, compartment)
    if outside := [each for each in types if each not in members]:
        text = f"{outside[0]} is not in the compartment of a {compartment}; in it are {', '.join(members)}."
        raise failure("not-found", text, "http.path")
    if not LOGICAL_ID.fullmatch(id_):
        raise failure("not-found", "The compartment's id is not a logical id.", "http.path")
    identity = identity_of(compartment, id_)
    criteria: list[Criterion] = [Identified(identities=(identity,))] if compartment in types else []
    links = [link for each in types for link in _links(registry, compartment, each)]
    if links:
        parameter = _union(compartment, links)
        criteria.append(Matches(parameter=parameter, values=(ReferenceValue(targets=(identity,)),)))
    return criteria[0] if len(criteria) == 1 else AnyOf(criteria=tuple(criteria))


def _links(registry: Registry, compartment: str, type_: str) -> list[SearchParameter]:
    """The parameters of a type whose references put a resource into the compartment."""
    known = registry.parameters(type_)
    codes = registry.definitions.compartment(compartment).get(type_, ())
    return [known[code] for code in codes if code in known]


def _union(compartment: str, links: Sequence[SearchParameter]) -> SearchParameter:
    """One parameter that reads all of the links; the identity that it is compared with narrows it to one type."""
    sources = {source.number: source for link in links for source in link.sources}
    return replace(
        links[0],
        code=compartment,
        description=f"The links to the compartment of a {compartment}.",
        sources=tuple(sources.values()),
        targets=(compartment,),
        restricted_to=None,
    )
