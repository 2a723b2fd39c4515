"""Where decisions of `service.access` take hold: interactions, Bundle entries, operations, searches and their criteria.

Without an actor nothing is asked and everything is allowed. Limits (filters of scopes, a patient's compartment) become
criteria of searches; a read is preceded by a match; what cannot be held within limits is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from service.access.permission import ALLOWED, Forbidden, Need, check, check_needs, may_read, needs_beyond
from service.fhir.actor import ANY_TYPE
from service.fhir.interaction import History, Patch, Read, Search, VRead
from service.fhir.outcome import Issue, failure
from service.fhir.search.compartment import compartment_criterion
from service.fhir.search.parse import parse_criteria
from service.fhir.search.query import And, AnyOf

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.access.permission import Bounds, Decision, Limit
    from service.fhir.actor import Actor
    from service.fhir.interaction import Context, Interaction
    from service.fhir.outcome import FhirError
    from service.fhir.search.query import Criterion, Include, Not, Query
    from service.interactions.parts import Parts

_PATIENT: Final = "Patient"


def require(context: Context, interaction: Interaction) -> tuple[Limit, ...]:
    """The limits within which the actor may perform the interaction; FhirError forbidden. A search sees to its own."""
    if context.actor is None:
        return ()
    limits = _allowed(check(context.actor, interaction))
    return () if isinstance(interaction, Search) else limits


def require_without_limits(context: Context, interaction: Interaction) -> None:
    """FhirError forbidden unless the actor may perform the interaction whatever it finds."""
    if require(context, interaction):
        raise _too_limited()


async def check_limits(parts: Parts, context: Context, interaction: Interaction, limits: Sequence[Limit]) -> int:
    """The current version id of the resource that is read, which lies within the limits.

    FhirError not-found where it lies outside of them; forbidden for what is no read.

    The limits tell of current versions alone: which of the older ones lie within them, nothing knows.
    """
    if not isinstance(interaction, Read | VRead | History) or interaction.type is None or interaction.id is None:
        raise _too_limited()
    wanted = (("_id", interaction.id),)
    query = parse_criteria(parts.registry, interaction.type, wanted, base=context.base, zone=parts.zone)
    for limit in limits:
        query = _within(parts, context, query, limit)
    async with parts.store.session() as session:
        matched = await session.match([query], (), enough=1)
    if not matched.found[0]:
        raise failure("not-found", "There is no such resource.")
    (version_id,) = matched.versions.values()
    if isinstance(interaction, VRead):
        is_older = interaction.version_id != str(version_id)
    else:
        is_older = isinstance(interaction, History) and version_id > 1
    if is_older:
        told = (
            "The scopes hold only for some resources (a filter, a patient), which older versions cannot be told to be."
        )
        raise failure("forbidden", told, "http.Authorization")
    return version_id


def require_whole(context: Context, resource_type: str) -> None:
    """FhirError forbidden unless the actor may search the type without a limit on which resources of it."""
    if context.actor is not None and _allowed(check_needs(context.actor, (Need(resource_type, "s"),))):
        raise _too_limited()


def withholds(context: Context, interaction: Interaction) -> bool:
    """Whether the actor may patch, and not read what comes of it: the rest of the content is none of his."""
    actor = context.actor
    return isinstance(interaction, Patch) and actor is not None and not may_read(actor, interaction.type)


def permitted(parts: Parts, context: Context, query: Query) -> Query:
    """The parsed search within the actor's limits; FhirError forbidden where it looks into what may not be searched."""
    actor = context.actor
    if actor is None:
        return query
    if query.explain and actor.client.role != "administrator":
        raise failure("forbidden", "Only an administrator may ask for the plan of a search.", "http._explain")
    if _allowed(check_needs(actor, needs_beyond(query))):
        raise _too_limited()
    for limit in _allowed(check_needs(actor, [Need(name, "s") for name in query.types])):
        if query.type is None:
            raise _too_limited()
        query = _within(parts, context, query, limit)
    if _may_leave_out(parts, actor, query.includes):
        query = replace(query, warnings=(*query.warnings, _LEFT_OUT))
    return query


def readable(context: Context) -> list[str] | None:
    """The types that the actor may read, of which all is that goes with a page or leads to that; None: any."""
    actor = context.actor
    if actor is None or may_read(actor, ANY_TYPE):
        return None
    return sorted({scope.type for scope in actor.scopes if may_read(actor, scope.type)})


def _may_leave_out(parts: Parts, actor: Actor, includes: Iterable[Include]) -> bool:
    """Whether includes that name no type may reach one that the actor may not read."""
    reached: set[str] = set()
    for include in includes:
        if include.target_type is None and not include.reverse:
            targets = include.parameter.targets if include.parameter else ()
            reached.update(targets or parts.definitions.resource_types)
        elif include.reverse and include.parameter is None:
            reached.update(parts.definitions.resource_types)
    return not all(may_read(actor, name) for name in reached)


_LEFT_OUT: Final = Issue(
    code=None,
    severity="information",
    diagnostics="Of what _include and _revinclude reach, resources are left out whose types the token's scopes do not "
    "let the client read.",
)


def _within(parts: Parts, context: Context, query: Query, limit: Limit) -> Query:
    """The query narrowed to the alternatives of a limit."""
    criteria = [_criteria(parts, context, limit.type, each) for each in limit.alternatives]
    if len(criteria) == 1:
        narrower = criteria[0]
    elif all(len(each) == 1 for each in criteria):
        narrower = (AnyOf(criteria=tuple(each[0] for each in criteria)),)
    else:
        raise _too_limited()
    return replace(query, where=And(criteria=(*query.where.criteria, *narrower)))


def _criteria(parts: Parts, context: Context, resource_type: str, bounds: Bounds) -> tuple[Criterion | Not, ...]:
    found: tuple[Criterion | Not, ...] = ()
    if bounds.filters:
        query = parse_criteria(parts.registry, resource_type, bounds.filters, base=context.base, zone=parts.zone)
        found = query.where.criteria
    if bounds.patient is not None:
        found += (compartment_criterion(parts.registry, _PATIENT, bounds.patient, [resource_type]),)
    return found


def _allowed(decision: Decision) -> tuple[Limit, ...]:
    if decision is ALLOWED:
        return ()
    if not isinstance(decision, Forbidden):
        return decision.limits
    missing = decision.missing
    if missing is None:
        raise failure("forbidden", "The role of the client does not allow this, whatever its scopes are.")
    scope = f"system/{missing.type}.{missing.letter}"
    raise failure(
        "forbidden", f"The access token has no scope that allows this, such as {scope}.", "http.Authorization"
    )


def _too_limited() -> FhirError:
    told = (
        "The scopes that allow this hold only for some resources (a filter, a patient), to which it cannot be limited."
    )
    return failure("forbidden", told, "http.Authorization")
