"""How a unit of work is put before the rules of the domain, and what they add to it: see `interactions.rules`."""

from __future__ import annotations

from dataclasses import replace as dataclass_replace
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from service.fhir.interaction import Create, Update
from service.fhir.links import local_references
from service.fhir.reference import identity_of
from service.fhir.sight import EVERYTHING, OPEN_TYPES
from service.interactions.rules import Proposal
from service.interactions.writing import Target, Written, changed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from service.fhir.bundle_plan import Write
    from service.fhir.interaction import Context
    from service.fhir.resource import Method, Version
    from service.interactions.parts import Parts
    from service.interactions.rules import Ruling


def concerned(parts: Parts, interactions: Sequence[Write]) -> bool:
    """Whether the rules have to see any of the writes."""
    rules = parts.rules
    return rules is not None and any(rules.concern(each) for each in interactions)


def touched(
    parts: Parts, context: Context, interactions: Sequence[Write], targets: Sequence[Target | None]
) -> set[UUID]:
    """The identities of what a unit writes, as far as it exists, and of what it refers to: of what not all see."""
    found = set()
    for interaction, own in zip(interactions, targets, strict=True):
        if own is not None and (own.matched or not isinstance(interaction, Create)) and own.type not in OPEN_TYPES:
            found.add(identity_of(own.type, own.id))
        if isinstance(interaction, Create | Update):
            named = local_references(interaction.content, context.base, parts.definitions.resource_types)
            found |= {identity_of(target.type, target.id) for _, target in named if target.type not in OPEN_TYPES}
    return found


def proposals(
    interactions: Sequence[Write], targets: Sequence[Target | None], written: Sequence[Written]
) -> Iterator[Proposal]:
    """The writes as the rules look at them."""
    for interaction, target, one in zip(interactions, targets, written, strict=True):
        if target is None:
            continue
        is_matched = isinstance(interaction, Create) and target.matched
        after: Any = one.content
        if one.change is None and one.version is not None:
            after = target.before
        yield Proposal(
            type=target.type,
            id=target.id,
            before=target.before,
            after=after,
            sent=target.linked(interaction.content) if is_matched and isinstance(interaction, Create) else None,
            if_match=bool(getattr(interaction, "if_match", ())),
            where=target.where,
        )


def with_additions(
    parts: Parts, context: Context, targets: Sequence[Target | None], written: Sequence[Written], ruling: Ruling
) -> tuple[list[Written], list[Written]]:
    """What the unit writes, and what is written beside it, with the additions of the rules."""
    places = {(target.type, target.id): place for place, target in enumerate(targets) if target}
    every, beside = list(written), []
    for addition in ruling.additions:
        place = places.get((addition.type, addition.id))
        if place is None:
            target = Target(type=addition.type, id=addition.id, previous=addition.previous)
            made: Method = "POST" if addition.previous is None else "PUT"
            made_by = parts if addition.is_owned else dataclass_replace(parts, store=parts.store.within(EVERYTHING))
            one = changed(made_by, context, target, addition.content, made)
            beside.append(replace(one, is_owned=addition.is_owned))
            continue
        known = targets[place]
        if known is None:
            raise TypeError(addition.id)
        before = every[place]
        method: Method = before.version.method if before.change and before.version else "PUT"
        again = changed(parts, context, known, addition.content, method)
        every[place] = replace(again, result=before.result, issues=before.issues)
    if ruling.notices and every:
        first = next((place for place, one in enumerate(every) if one.change), 0)
        every[first] = replace(every[first], issues=(*every[first].issues, *ruling.notices))
    return every, beside


def came_by(version: Version) -> Write:
    """The interaction that a resource would have come by that is written beside others."""
    if version.version_id == 1:
        return Create(type=version.type, content={})
    return Update(type=version.type, target=version.id, content={})
