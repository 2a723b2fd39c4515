"""Whether a party may create or change a resource of an episode at all, and in the elements that it changes."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from service.fhir.concept import code_in
from service.massage.cycle.tables.fixed import FIXED
from service.massage.cycle.tables.ownership import ALL, OWNERSHIP
from service.massage.cycle.terms import IDENTIFIER_TYPE
from service.massage.cycle.values import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from service.fhir.resource import Content
    from service.massage.cycle.tables.fixed import Fixed
    from service.massage.cycle.tables.ownership import Ownership

OWNED: Final = frozenset(row.kind for row in OWNERSHIP)
"""The kinds that the table of ownership knows; anybody may write the others."""

_RIGHTS: Final[Mapping[tuple[str, str], Ownership]] = MappingProxyType(
    {(row.kind, row.actor): row for row in OWNERSHIP}
)
_SERVERS: Final = frozenset({"meta", "text", "id", "resourceType", "lastModified", "language"})
_WITH_THE_STATE: Final = frozenset({"statusReason", "businessStatus", "cancelationReason", "statusHistory"})
"""Elements that go along with a step: whoever may take it may say them."""


def may_create(kind: str, actors: Iterable[str]) -> bool:
    """Whether any of the actors creates resources of this kind."""
    return kind not in OWNED or any(row.create for actor in actors if (row := _RIGHTS.get((kind, actor))))


def fields_of(kind: str, actors: Iterable[str]) -> frozenset[str]:
    """The elements that any of the actors may change within a state; `ALL` for every one."""
    rows = (_RIGHTS.get((kind, actor)) for actor in actors)
    return frozenset().union(*(row.fields for row in rows if row)) if kind in OWNED else ALL


def changed_elements(before: Content, after: Content) -> list[str]:
    """The elements that differ, but for those that the server writes or that only show the others."""
    names = (before.keys() | after.keys()) - _SERVERS
    return sorted(name for name in names if before.get(name) != after.get(name))


def foreign_elements(
    kind: str, actors: Iterable[str], changed: Iterable[str], state: str, *, stepped: bool
) -> list[str]:
    """The changed elements that belong to another party; with a step, those that say the state are the step's."""
    mine = fields_of(kind, actors)
    if mine == ALL or "*" in mine:
        return []
    with_step = _WITH_THE_STATE | {state} if stepped else frozenset()
    return [name for name in changed if name not in mine and name not in with_step]


def unfixed(kind: str, type: str, before: Content, after: Content) -> Iterator[Refusal]:
    """A refusal for each element that may not change and does."""
    for row in FIXED:
        if row.kind == kind and _differs(row, before, after):
            what = f"{row.element} of type {row.type_code}" if row.type_code else row.element
            yield Refusal(
                code="immutable-field",
                text=f"{what} may not change once it is set.",
                expression=f"{type}.{row.element}",
                guard=row.element,
            )


def _differs(row: Fixed, before: Content, after: Content) -> bool:
    old, new = _values(row, before), _values(row, after)
    return old != new and not (row.once and not old)


def _values(row: Fixed, content: Content) -> Any:
    """The value of the element; of typed identifiers, their systems and values in no order."""
    value = content.get(row.element)
    if not row.type_code:
        return value
    return {
        (one.get("system"), one.get("value"))
        for one in value or ()
        if code_in(one.get("type"), IDENTIFIER_TYPE) == row.type_code
    }
