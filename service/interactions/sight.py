"""What an actor sees, and how what it writes comes to be seen by others: see `service.fhir.sight`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from service.fhir.interaction import Create, Delete, Update
from service.fhir.outcome import failure
from service.fhir.reference import identity_of, parse_local
from service.fhir.sight import (
    ADDED_TO,
    ADMINISTRATION,
    EVERY_CLINIC,
    HANGS,
    JOINTLY_WRITTEN,
    PARTIES,
    ROLES,
    SEEN,
    Sight,
    edges,
    is_linked,
    is_only_added,
    parties,
    seen_number,
)
from service.store.referrals import seen
from service.store.sight import Linked

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from service.fhir.actor import Actor
    from service.fhir.bundle_plan import Write
    from service.fhir.interaction import Context
    from service.fhir.outcome import FhirError
    from service.fhir.resource import Content
    from service.fhir.sight import Edge
    from service.interactions.parts import Parts
    from service.interactions.writing import Target, Written
    from service.store.change import Change
    from service.store.store import Session

_OPENED: Final = "administrator"
_PARTIES_OF_ALL: Final = PARTIES.keys() & JOINTLY_WRITTEN
"""The types that name parties, and that others change than who made them."""


def sight_of(actor: Actor) -> Sight:
    """What the actor sees, and whom what it makes belongs to."""
    client = actor.client
    maker = ADMINISTRATION
    if client.organisation is not None:
        maker = identity_of(*client.organisation.split("/", 1))
    if actor.reason is not None and client.role == _OPENED:
        return Sight(by=None, maker=maker)
    if client.role == "clinic":
        return Sight(by=(maker, EVERY_CLINIC), maker=maker)
    return Sight(by=() if client.role == "researcher" else (maker,), maker=maker)


def sight_of_owner(organisation: str) -> Sight:
    """That of the service itself, where what it writes belongs to an organisation, such as ``Organization/clinic``."""
    return Sight(by=None, maker=identity_of(*organisation.split("/", 1)))


def owned(parts: Parts, change: Change) -> Change:
    """The first version of a resource with the row that says whom it belongs to."""
    sight = parts.store.sight
    if sight is None or sight.maker is None:
        return change
    rows = [(seen_number(change.version.type), sight.maker, True)]
    return replace(change, rows={**change.rows, SEEN: rows})


def may_link(parts: Parts, interaction: Write) -> bool:
    """Whether the write may let somebody see something, so that others may have to wait for it."""
    if parts.store.sight is None or interaction.type not in HANGS:
        return False
    # what exists may belong to a referral already, and lead others to what it refers to now
    return not isinstance(interaction, Create) or is_linked(interaction.content)


def joins(parts: Parts, context: Context, create: Create) -> list[Edge]:
    """The references by which a new resource comes to belong to referrals, and what it refers to with it."""
    if not may_link(parts, create):
        return []
    return edges(create.content, context.base, parts.definitions.resource_types)


async def link(parts: Parts, context: Context, session: Session, written: Iterable[Written]) -> None:
    """Let the parties to the referrals that the resources belong to see them."""
    if parts.store.sight is None:
        return
    every = list(written)
    for within, ones in (
        (session, [one for one in every if one.is_owned]),
        (session.of_the_service(), [one for one in every if not one.is_owned]),
    ):
        found = list(_linked(parts, context, ones))
        if any(one.edges or one.parties for one in found):
            await within.link(found, roles=role_sources(parts), types=parts.definitions.resource_types)


def _linked(parts: Parts, context: Context, written: Iterable[Written]) -> Iterator[Linked]:
    types = parts.definitions.resource_types
    for one in written:
        if one.change is None or one.content is None or one.content["resourceType"] not in HANGS:
            continue
        # whoever wrote what the service changes here led to what he saw, and the service leads to no more than that
        leads = one.is_owned or one.change.version.version_id == 1
        yield Linked(
            identity=one.change.identity,
            edges=edges(one.content, context.base, types) if leads else (),
            parties=tuple(parties(one.content, context.base, types)),
        )


def role_sources(parts: Parts) -> list[int]:
    """The sources of the references from what stands for an organisation to this."""
    parameters = [parts.registry.parameters(name)[role.parameter] for name, role in ROLES.items()]
    return [number for each in parameters for number in each.source_numbers]


def refuse_own_id(parts: Parts, update: Update, target: Target) -> None:
    """FhirError not-found where a client that does not see everything would choose the id of a new resource.

    Whether it is free, it must not learn.
    """
    sight = parts.store.sight
    if target.previous is not None or sight is None or sight.by is None:
        return
    if isinstance(update.target, str) or "id" in update.content:
        told = "There is no such resource. The service gives the ids of new ones: create it, or update by criteria."
        raise failure("not-found", told)


def refuse_turned_role(parts: Parts, target: Target, content: Content) -> None:
    """FhirError forbidden where what stands for an organisation would come to stand for another one.

    Whoever is named by it in a referral, and what he may do there, would change with it, and nobody would be asked.
    """
    sight = parts.store.sight
    role = ROLES.get(target.type)
    if role is None or target.previous is None or sight is None or sight.by is None or sight.maker == ADMINISTRATION:
        return
    before, element = target.before, role.element
    if before is None or before.get(element, {}).get("reference") != content.get(element, {}).get("reference"):
        told = f"A {target.type} keeps its organisation; create another, or have an administrator change it."
        raise failure("forbidden", told, f"{target.type}.{element}")


def refuse_others_role(parts: Parts, context: Context, target: Target, sent: Content) -> None:
    """FhirError identity-conflict where criteria match what stands for another organisation than the content says.

    Anybody may have stored it, and would be named in the place of whom the sender means.
    """
    sight = parts.store.sight
    role = ROLES.get(target.type)
    if role is None or sight is None or sight.by is None or target.before is None:
        return
    named = [each.get(role.element, {}).get("reference") for each in (target.before, target.linked(sent))]
    stored, meant = (each and parse_local(each, context.base, parts.definitions.resource_types) for each in named)
    if named[0] != named[1] and (stored is None or stored != meant):
        told = f"{target.type}/{target.id} has this identifier and stands for another organisation. Nothing was stored."
        place = f"{target.where}.resource" if target.where else target.type
        raise failure("identity-conflict", told, f"{place}.{role.element}")


async def require_own(
    session: Session, requests: Iterable[Write], targets: Iterable[Target | None]
) -> set[tuple[str, str]]:
    """FhirError forbidden for a change of what another organisation made and does not share the writing of.

    The (type, id) of what is theirs all the same, and may only be added to: see `require_only_added`.
    """
    theirs = {
        (target.type, target.id): target.where
        for interaction, target in zip(requests, targets, strict=True)
        if target and target.exists and not isinstance(interaction, Create)
        if target.type not in JOINTLY_WRITTEN or isinstance(interaction, Delete)
    }
    added_to = set()
    for resource in await session.made_by_others(list(theirs)):
        if resource[0] not in ADDED_TO:
            raise _of_others(theirs[resource])
        added_to.add(resource)
    lasting = await seen(session, added_to)
    for resource in added_to:
        if not lasting.get(resource, True):
            told = "You know the resource by a referral that is open to every clinic: claim that before you add to it."
            raise failure("forbidden", told, *filter(None, (theirs[resource],)))
    return added_to


def require_only_added(
    parts: Parts,
    context: Context,
    added_to: Container[tuple[str, str]],
    targets: Iterable[Target | None],
    written: Iterable[Written],
) -> None:
    """FhirError forbidden where what others made would change by more than the actor's organisation may add to it."""
    organisation = context.actor.client.organisation if context.actor else None
    for target, one in zip(targets, written, strict=True):
        if target is None or one.change is None or (target.type, target.id) not in added_to:
            continue
        before, after, types = target.before, one.content, parts.definitions.resource_types
        if before is None or after is None or organisation is None:
            raise _of_others(target.where)
        if not is_only_added(before, after, organisation, context.base, types):
            element = ADDED_TO[target.type]
            told = (
                f"Another organisation made the resource, and changes it. Yours may add to {target.type}.{element}, "
                f"with itself as the assigner and a system in which nobody else identifies it."
            )
            raise failure("forbidden", told, *filter(None, (target.where,)))


async def require_part(
    parts: Parts,
    context: Context,
    session: Session,
    targets: Iterable[Target | None],
    written: Iterable[Written],
) -> None:
    """FhirError forbidden where who takes no part in a referral would make somebody a party by a Task of others.

    Whose part has ended still sees that Task: he would take it up again, hand it on, or have it count elsewhere.
    """
    types, changed, places = parts.definitions.resource_types, [], {}
    for target, one in zip(targets, written, strict=True):
        if target is None or one.change is None or one.content is None or target.type not in _PARTIES_OF_ALL:
            continue
        before, after = target.before, one.content
        if before is None:
            continue
        named = set(parties(after, context.base, types)) - set(parties(before, context.base, types))
        hanging = [{each for each in edges(content, context.base, types) if each.hangs} for content in (before, after)]
        if named or hanging[1] - hanging[0]:
            changed.append(Linked(identity=one.change.identity, edges=[*hanging[1]], parties=[*named]))
            places[target.type, target.id] = target.where
    for resource in await session.without_part(changed):
        told = (
            "Your organisation takes no part in the referral now: who asks for it, or takes part, changes its parties."
        )
        raise failure("forbidden", told, *filter(None, (places[resource],)))


def _of_others(where: str) -> FhirError:
    told = "Another organisation made the resource; only that one changes it."
    return failure("forbidden", told, *filter(None, (where,)))
