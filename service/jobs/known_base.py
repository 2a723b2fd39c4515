"""The base on which a resource was indexed, where nobody tells it: the one that explains the rows which are there.

Without BASE_URL the service takes the base from its requests. A job has none, and what an absolute reference is indexed
as depends on it (see `interactions.locality`); but the rows of parameters that are in use already show what it was.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from service.interactions.locality import possible_bases

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.fhir.resource import Content
    from service.fhir.search.extract import IndexRows
    from service.fhir.search.registry import Registry
    from service.interactions.parts import Parts


def known_rows(
    parts: Parts, content: Content, there: IndexRows, rows_on: Callable[[str], IndexRows]
) -> IndexRows | None:
    """The rows that content with the rows `there` should have; None where no base, or several, would explain them."""
    in_use = _numbers_in_use(parts.registry, content["resourceType"])
    wanted = _compared(there, in_use)
    bases = ["", *sorted(possible_bases(parts, content))]
    explaining = [rows for base in bases if _compared(rows := rows_on(base), in_use) == wanted]
    if explaining and all(_counted(rows) == _counted(explaining[0]) for rows in explaining):
        return explaining[0]
    return None


def _numbers_in_use(registry: Registry, resource_type: str) -> frozenset[int]:
    """The numbers of sources whose rows are complete."""
    return frozenset(
        number
        for parameter in registry.parameters(resource_type).values()
        for each in (parameter, *parameter.components)
        for number in (
            *each.source_numbers,
            *each.of_type_numbers,
            *each.contains_numbers,
            *each.identifier_numbers,
        )
    )


def _compared(rows: IndexRows, numbers: frozenset[int]) -> Counter[Any]:
    """The rows of these sources, without the ordinals of elements, which change when a composite comes or goes."""
    return Counter((kind, row[0], *row[2:]) for kind, each in rows.items() for row in each if row[0] in numbers)


def _counted(rows: IndexRows) -> Counter[Any]:
    return Counter((kind, *row) for kind, each in rows.items() for row in each)
