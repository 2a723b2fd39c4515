"""What a party is to a referral and to a single Task: whose side it is on, who asked, who is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.massage.cycle.terms import reference_in, references_in
from service.massage.cycle.values import EVERY_SIDE, Party
from service.massage.cycle.view import View

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.fhir.resource import Content
    from service.massage.cycle.machine import Actor
    from service.massage.cycle.values import Episode, Role, Surroundings


def party_of(
    episode: Episode,
    organisation: str | None,
    client_role: str | None,
    resolve: Callable[[str], str | None],
    user: str | None = None,
) -> Party:
    """The part that a client plays in an episode, by whose requester's and whose owner's organisation it is.

    `client_role` is the registered role, ``patient`` for a patient's launch, None in open mode. In open mode without an
    organisation every side may be played. Only a clinic (or anyone, in open mode) may claim an open referral. Safer
    reading of a re-dispatched referral: while a Task is live, only its owner is the clinic, no earlier one.
    """
    if client_role in {"administrator", "patient"}:
        role: Role = "administrator" if client_role == "administrator" else "patient"
        return Party(roles=frozenset({role}), organisation=organisation, user=user)
    if organisation is None or client_role == "researcher":
        return Party(roles=EVERY_SIDE if client_role is None else frozenset(), organisation=organisation, user=user)
    roles: set[Role] = set()
    if resolve(reference_in(episode.referral.get("requester"))) == organisation:
        roles.add("referrer")
    clinics = clinics_of(episode)
    if organisation in {resolve(reference) for reference in clinics}:
        roles.add("clinic")
    if not clinics and client_role in {"clinic", None} and (client_role == "clinic" or not roles):
        roles.add("clinic")
    return Party(roles=frozenset(roles), organisation=organisation, user=user)


def clinics_of(episode: Episode) -> tuple[str, ...]:
    """Who does the work, or may claim it; nobody named means that any clinic may.

    The owner of the live Task; of an open one whom the referral names, unless an earlier Task ended: then it is offered
    to all. Without a live Task whom the referral names, and the owners of ended Tasks.
    """
    view = View(episode.referral.get("id", ""), episode.resources, episode.base)
    tasks, live = view.tasks(), view.live_task()
    named = references_in(episode.referral.get("performer"))
    owners = tuple(owner for task in tasks if (owner := reference_in(task.get("owner"))))
    if live is None:
        return named + owners
    owner = reference_in(live.get("owner"))
    if owner:
        return (owner,)
    return named if len(tasks) == 1 else ()


def relations(task: Content, party: Party, surroundings: Surroundings) -> frozenset[Actor]:
    """Whether the party is the author of an abort or change Task, the one whom it asks, or neither."""
    if "system" in party.roles or "administrator" in party.roles:
        return frozenset()
    if party.organisation is None:
        return frozenset({"author", "addressee"}) if party.roles >= EVERY_SIDE else frozenset()
    requester, owner = reference_in(task.get("requester")), reference_in(task.get("owner"))
    sides = party.roles & {"referrer", "clinic"}
    is_author = surroundings.resolve(requester) == party.organisation
    is_named = surroundings.resolve(owner) == party.organisation if owner else not is_author
    # nobody answers himself, save an organisation that is both sides; and no stranger ends what is not his
    is_asked = is_named and bool(sides) and (not is_author or len(sides) > 1)
    related: set[Actor] = set()
    if is_author:
        related.add("author")
    if is_asked:
        related.add("addressee")
    return frozenset(related)
