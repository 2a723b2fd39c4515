"""Units of work in which everything is new and nothing of what is stored has a say: who sees what is known beforehand.

It comes to the same as `interactions.sight.link`. Nobody else can be at work on a referral that is not there yet, so
nothing has to be locked, and the rows can be written by the statement that writes the resources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from service.fhir.interaction import Create
from service.fhir.links import local_references
from service.fhir.reference import identity_of, parse_local
from service.fhir.sight import HANGS, OPEN_TYPES, REFERRAL, ROLES, SEEN, edges, parties, seen_number
from service.store.joining import Births

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from service.fhir.bundle_plan import Write
    from service.fhir.interaction import Context
    from service.fhir.resource import Content
    from service.fhir.sight import Party
    from service.interactions.parts import Parts
    from service.interactions.writing import Written
    from service.store.change import Change

_Standing = tuple[int, int, "UUID", str]
"""The numbers of a referral and of who names a party to it, an organisation and its standing."""


def stand_alone(parts: Parts, context: Context, interactions: Sequence[Write]) -> bool:
    """Whether nothing that is stored has a say in creates, if their criteria match nothing.

    None of them names anything by its id that not everybody sees; links of a Bundle have no ids yet.
    """
    types = parts.definitions.resource_types
    for each in interactions:
        named = local_references(each.content, context.base, types) if isinstance(each, Create) else None
        if named is None or any(target.type not in OPEN_TYPES for _, target in named):
            return False
    return parts.rules is None or parts.rules.stand_alone(interactions)


def births(
    parts: Parts, context: Context, written: Sequence[Written], changes: Sequence[Change]
) -> tuple[list[Change], Births] | None:
    """The changes with who sees them, and which referrals and parties come to be; None where what is stored has a say.

    `changes` are those of what was `written`, in the same order.
    """
    sight = parts.store.sight
    if sight is None:
        return list(changes), Births()
    contents = _contents(written, changes)
    if contents is None or (sight.by is not None and sight.maker not in sight.by):
        return None
    numbers = {change.identity: number for number, change in enumerate(changes, start=1)}
    flows = _flows(parts, context, contents, numbers)
    if flows is None:
        return None
    referrals = [number for number, content in contents.items() if content["resourceType"] == REFERRAL]
    members = [
        (referral, member, hangs)
        for referral in referrals
        for member, hangs in sorted(_reached(referral, flows).items())
    ]
    standings = _standings(parts, context, contents, numbers, members)
    if standings is None:
        return None
    granted: dict[int, set[UUID]] = {}
    for referral, member, _ in members:
        granted.setdefault(member, set()).update(_granted(referral, member, standings))
    seen = [
        _shown(change, granted.get(number, set()) - {sight.maker}) for number, change in enumerate(changes, start=1)
    ]
    return seen, Births(members=members, parties=standings)


def _contents(written: Sequence[Written], changes: Sequence[Change]) -> dict[int, Content] | None:
    """The contents by the numbers of their changes; None unless all are new and of whoever writes them."""
    made = [one for one in written if one.change]
    contents = {
        number: one.content
        for number, (one, change) in enumerate(zip(made, changes, strict=True), start=1)
        if one.content is not None and one.is_owned and change.version.version_id == 1
    }
    return contents if len(contents) == len(changes) else None


class _Flows(Struct, frozen=True):
    """Whither membership flows, by the numbers: to what hangs on a resource, and to what it refers to."""

    hanging: dict[int, set[int]]
    referred: dict[int, set[int]]
    rooted: frozenset[int]
    """What hangs on something, and the referrals: as members of others, which only refer to them, they lead nowhere."""


def _flows(
    parts: Parts, context: Context, contents: Mapping[int, Content], numbers: Mapping[UUID, int]
) -> _Flows | None:
    """Whither membership flows; None where it might flow to or from what is stored."""
    hanging: dict[int, set[int]] = {}
    referred: dict[int, set[int]] = {}
    rooted = set()
    for number, content in contents.items():
        if content["resourceType"] not in HANGS:
            continue
        if content["resourceType"] == REFERRAL:
            rooted.add(number)
        for edge in edges(content, context.base, parts.definitions.resource_types):
            target = numbers.get(edge.target)
            if target is None:
                return None
            if edge.hangs:
                hanging.setdefault(target, set()).add(number)
                rooted.add(number)
            if edge.shares:
                referred.setdefault(number, set()).add(target)
    return _Flows(hanging, referred, frozenset(rooted))


def _reached(start: int, flows: _Flows) -> dict[int, bool]:
    """What belongs to a referral: the numbers, and whether each hangs on it or is only referred to."""
    found, ahead = {start: True}, [(start, True)]
    while ahead:
        number, hangs = ahead.pop()
        if not hangs and number in flows.rooted:
            continue
        further = [(each, True) for each in flows.hanging.get(number, ()) if not found.get(each)]
        further += [(each, False) for each in flows.referred.get(number, ()) if each not in found]
        found |= dict(further[::-1])
        ahead += further
    return found


def _standings(
    parts: Parts,
    context: Context,
    contents: Mapping[int, Content],
    numbers: Mapping[UUID, int],
    members: Sequence[tuple[int, int, bool]],
) -> list[_Standing] | None:
    """The parties to the referrals; None where one is named by a role that is stored."""
    found: dict[_Standing, None] = {}
    for number, content in contents.items():
        if content["resourceType"] not in HANGS:
            continue
        belongs = [referral for referral, member, hangs in members if member == number and hangs]
        for party in parties(content, context.base, parts.definitions.resource_types):
            organisation = _organisation(parts, context, party, contents, numbers)
            if organisation is None:
                return None
            for referral in (number,) if content["resourceType"] == REFERRAL else belongs:
                found |= dict.fromkeys((referral, number, each, party.standing) for each in organisation)
    return list(found)


def _organisation(
    parts: Parts, context: Context, party: Party, contents: Mapping[int, Content], numbers: Mapping[UUID, int]
) -> list[UUID] | None:
    """The organisation that a party is, or that its role stands for; None where that role is not of the unit."""
    if not party.is_role:
        return [party.identity]
    role = contents.get(numbers.get(party.identity, 0))
    if role is None:
        return None
    reference = role.get(ROLES[role["resourceType"]].element, {}).get("reference")
    types = parts.definitions.resource_types
    target = parse_local(reference, context.base, types) if isinstance(reference, str) else None
    return [] if target is None else [identity_of(target.type, target.id)]


def _granted(referral: int, member: int, standings: Sequence[_Standing]) -> Iterator[UUID]:
    """Who sees a member of a referral as a party to it."""
    own = [each for each in standings if each[0] == referral]
    is_taken = any(standing == _PERFORMS for *_, standing in own)
    for _, source, organisation, standing in own:
        if standing == _OPEN and is_taken:
            continue
        if standing != _ENDED or member in (referral, source):
            yield organisation


_PERFORMS: Final = "performs"
_OPEN: Final = "open"
_ENDED: Final = "ended"


def _shown(change: Change, organisations: set[UUID]) -> Change:
    """The change with the rows that let the organisations see it."""
    if not organisations:
        return change
    source = seen_number(change.version.type)
    rows = [*change.rows.get(SEEN, ()), *((source, each, False) for each in sorted(organisations))]
    return replace(change, rows={**change.rows, SEEN: rows})
