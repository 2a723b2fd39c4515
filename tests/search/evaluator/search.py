"""A whole search: https://hl7.org/fhir/R4/search.html

A resource is found when it meets all criteria; each of them looks at the resource anew. In a compartment it also has
to be there (https://hl7.org/fhir/R4/compartmentdefinition.html), which it is if one of the parameters that the
compartment lists for its type refers to the owner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.search.evaluator import references
from tests.search.evaluator.criteria import World, holds
from tests.search.evaluator.sorting import in_order
from tests.search.evaluator.terminology import Terminology
from tests.search.evaluator.values import definitions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tests.search.evaluator.values import Resource

Criterion = tuple[str, str]
"""The name, with its modifiers, and the value of a search parameter."""


class Evaluator:
    """Answers searches over a few resources, each with its id. `base` is the server's own URL, without a last slash."""

    def __init__(self, resources: Sequence[Resource], *, base: str, now: datetime) -> None:
        self._world = World(
            resources={f"{each['resourceType']}/{each['id']}": each for each in resources},
            base=base,
            now=now,
            terminology=Terminology(resources, base),
        )

    def matches(
        self, resource_type: str | None, criteria: Sequence[Criterion], compartment: tuple[str, str] | None = None
    ) -> set[str]:
        """``Type/id`` of what a search finds; `resource_type` None searches all types, or those of ``_type``."""
        types = {resource_type} if resource_type else self._types(criteria)
        return {
            key
            for key, resource in self._world.resources.items()
            if resource["resourceType"] in types
            and (compartment is None or self._is_inside(resource, *compartment))
            and all(holds(self._world, resource, *each) for each in criteria if each[0] != "_type")
        }

    def contained(self, resource_type: str | None, criteria: Sequence[Criterion], *, alone: bool) -> set[str]:
        """What a search finds of contained resources: ``Type/id`` of the containers, or with ``#`` and their own ids.

        #contained: "true: return only contained resources", by the container, or `alone`.
        """
        types = {resource_type} if resource_type else self._types(criteria)
        return {
            f"{key}#{inner['id']}" if alone else key
            for key, resource in self._world.resources.items()
            for inner in references.inside(resource)
            if inner["resourceType"] in types
            and all(holds(self._world, inner, *each) for each in criteria if each[0] != "_type")
        }

    def in_order(self, keys: Sequence[str], sort: str) -> bool:
        """Whether resources, given as ``Type/id``, come in the order of ``_sort``."""
        return in_order([self._world.resources[key] for key in keys], sort)

    def _types(self, criteria: Sequence[Criterion]) -> set[str]:
        listed = [set(text.split(",")) for name, text in criteria if name == "_type"]
        return (
            set.intersection(*listed) if listed else {each["resourceType"] for each in self._world.resources.values()}
        )

    def _is_inside(self, resource: Resource, owner_type: str, owner_id: str) -> bool:
        codes = definitions().compartment(owner_type).get(resource["resourceType"], ())
        own = (resource["resourceType"], resource["id"]) == (owner_type, owner_id)
        return ("{def}" in codes and own) or any(
            holds(self._world, resource, code, f"{owner_type}/{owner_id}") for code in codes if code != "{def}"
        )
