"""The check: may this actor do this? Every interaction, Bundle entry and operation, and every type that a search reads.

The letters are those of SMART 2: instance history and vread are reads, histories of types and of the system are
searches, criteria in the place of an id are searches too. An operation needs what `OPERATIONS` says, and one that is
not listed there everything.
https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#scopes-for-requesting-fhir-resources
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, assert_never

from msgspec import Struct

from service.fhir.actor import ANY_TYPE, PERMISSIONS
from service.fhir.interaction import (
    Capabilities,
    Create,
    Criteria,
    Delete,
    History,
    Operation,
    Patch,
    Process,
    Read,
    Search,
    Update,
    VRead,
)
from service.fhir.search.query import And, AnyOf, Chain, Has, Not

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from service.fhir.actor import Actor, Scope
    from service.fhir.interaction import Interaction, Parameters
    from service.fhir.search.query import Include, Query

OPERATIONS: Final[Mapping[str, str]] = {
    "apply": "r",
    "everything": "r",
    "expand": "r",
    "extract": "r",
    "lastn": "s",
    "lookup": "r",
    "match": "s",
    "necessity-packet": "r",
    "outcome-measures": "r",
    "outcome-summary": "r",
    "populate": "r",
    "progress-report": "r",
    "record-session": "r",
    "stats": "s",
    "subsumes": "r",
    "translate": "r",
    "validate": "",
    "validate-code": "r",
    "visits": "r",
}
"""Operation → the letters that it needs on its type; with an id it also needs to read. $validate stores nothing.

What operations on codes depend on beyond their type, such as the code systems of a value set, everybody sees.
$everything leaves out types that may not be read. $outcome-summary, $populate and $visits look at none that may not be,
and say so. $apply asks for what a draft is made of by itself, and so do $outcome-measures and the documents; what they
and $record-session store takes the scopes to write it.
"""

ADMINISTRATIVE: Final = frozenset({"reindex"})
"""The operations of administrators: they concern the service and not a resource."""

_FOR_ALL: Final = frozenset({"SearchParameter"})
"""The types that only administrators write, because what is stored takes effect for everybody."""

_RESEARCH: Final = frozenset({"export"})
"""The operations of a researcher, who sees no single resource."""


class Need(Struct, frozen=True):
    """A permission on a type, ``*`` for all types."""

    type: str
    letter: str


class Bounds(Struct, frozen=True, kw_only=True):
    """What a permission is limited to: resources that match `filters` and lie in the compartment of `patient`."""

    filters: Parameters = ()
    patient: str | None = None


class Limit(Struct, frozen=True, kw_only=True):
    """Resources of `type` only within one of the bounds; whoever finds or changes them must see to it."""

    type: str
    alternatives: tuple[Bounds, ...]


class Allowed(Struct, frozen=True, kw_only=True):
    """The actor may, within all of the limits."""

    limits: tuple[Limit, ...] = ()


class Forbidden(Struct, frozen=True, kw_only=True):
    """The actor may not; `missing` is what no scope of it allows, None where its role rules it out."""

    missing: Need | None = None


Decision = Allowed | Forbidden

ALLOWED: Final = Allowed()


def check(actor: Actor, interaction: Interaction) -> Decision:
    """Whether the actor may perform the interaction; a Process is only a vessel, its entries are checked one by one.

    Which types a search reads beyond its own shows once it is parsed: `check_needs` with `needs_beyond`.
    """
    if isinstance(interaction, Capabilities):
        return ALLOWED
    if actor.client.role == "researcher" and not (isinstance(interaction, Operation) and interaction.name in _RESEARCH):
        return Forbidden()
    if actor.client.role != "administrator" and _concerns_everybody(interaction):
        return Forbidden()
    return check_needs(actor, needs(interaction))


def check_needs(actor: Actor, needed: Iterable[Need]) -> Decision:
    """Whether the actor's scopes meet all of the needs."""
    limits = []
    for need in needed:
        alternatives = _alternatives(actor, need)
        if not alternatives:
            return Forbidden(missing=need)
        if _UNBOUNDED not in alternatives:
            limits.append(Limit(type=need.type, alternatives=alternatives))
    return Allowed(limits=tuple(dict.fromkeys(limits))) if limits else ALLOWED


def needs(interaction: Interaction) -> tuple[Need, ...]:
    """The permissions that an interaction takes, as far as it shows without its searches being parsed."""
    match interaction:
        case Read() | VRead():
            return (Need(interaction.type, "r"),)
        case Create():
            conditional = interaction.if_none_exist is not None
            return _with_search(interaction.type, "c", conditional=conditional)
        case Update() | Patch():
            return _with_search(interaction.type, "u", conditional=isinstance(interaction.target, Criteria))
        case Delete():
            return _with_search(interaction.type, "d", conditional=isinstance(interaction.target, Criteria))
        case Search():
            return (Need(interaction.type, "s"),) if interaction.type else ()
        case History():
            return (Need(interaction.type or ANY_TYPE, "r" if interaction.id else "s"),)
        case Operation():
            return _operation_needs(interaction)
        case Capabilities() | Process():
            return ()
        case _:
            assert_never(interaction)


def needs_beyond(query: Query) -> tuple[Need, ...]:
    """What a parsed search reads beside its matches: what chains and ``_has`` look into, what it includes by name.

    That may be others of their type, too. Contained resources are parts of resources of any type. The ValueSets and
    CodeSystems that ``:in``, ``:not-in``, ``:above`` and ``:below`` go by need no permission: they are definitions,
    which say nothing of anybody. What a search by them finds are resources that the client may search, by codes that it
    could have listed itself. A scope on ValueSet is for reading the resource.
    """
    found = [*_looked_into(query.where), *_included(query.includes)]
    if query.contained != "false":
        found.append(Need(ANY_TYPE, "s"))
    return tuple(dict.fromkeys(found))


def may_read(actor: Actor, resource_type: str) -> bool:
    """Whether resources of a type may be included with what was found, without a limit on which of them."""
    return check_needs(actor, (Need(resource_type, "r"),)) == ALLOWED


def _concerns_everybody(interaction: Interaction) -> bool:
    match interaction:
        case Read() | Search():
            return False
        case Operation():
            return interaction.name in ADMINISTRATIVE
        case Create() | Update() | Patch() | Delete():
            return interaction.type in _FOR_ALL
        case _:
            return False


def _operation_needs(operation: Operation) -> tuple[Need, ...]:
    letters = OPERATIONS.get(operation.name, PERMISSIONS)
    if operation.id is not None and "r" not in letters:
        letters += "r"
    return tuple(Need(operation.type or ANY_TYPE, letter) for letter in letters)


def _with_search(resource_type: str, letter: str, *, conditional: bool) -> tuple[Need, ...]:
    needed = (Need(resource_type, letter),)
    return (*needed, Need(resource_type, "s")) if conditional else needed


def _looked_into(where: And) -> Iterator[Need]:
    for criterion in where.criteria:
        plain = criterion.criterion if isinstance(criterion, Not) else criterion
        match plain:
            case Chain():
                yield from (Need(name, "s") for name in plain.types)
                yield from _looked_into(plain.where)
            case Has():
                yield Need(plain.type, "s")
                yield from _looked_into(plain.where)
            case AnyOf():
                yield from _looked_into(And(criteria=plain.criteria))
            case _:
                pass


def _included(includes: Iterable[Include]) -> Iterator[Need]:
    for include in includes:
        if include.reverse and include.source_type != ANY_TYPE:
            yield Need(include.source_type, "r")
        elif include.target_type is not None:
            yield Need(include.target_type, "r")


_UNBOUNDED: Final = Bounds()


@lru_cache(maxsize=4096)
def _alternatives(actor: Actor, need: Need) -> tuple[Bounds, ...]:
    """What the actor's scopes limit the permission to, each once; empty: there is none. They ask for much the same."""
    return tuple(dict.fromkeys(_bounds(actor, scope) for scope in actor.scopes if _meets(actor, scope, need)))


def _meets(actor: Actor, scope: Scope, need: Need) -> bool:
    if need.letter not in scope.permissions or scope.type not in (ANY_TYPE, need.type):
        return False
    if scope.level == "patient":
        return actor.patient is not None and need.type != ANY_TYPE
    return scope.level == "system" or actor.user is not None


def _bounds(actor: Actor, scope: Scope) -> Bounds:
    return Bounds(filters=scope.filters, patient=actor.patient if scope.level == "patient" else None)
