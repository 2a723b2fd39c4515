"""A referral with all that hangs on it, as it is stored, and what of a unit of work belongs to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from service.fhir import codec
from service.fhir.links import local_references
from service.fhir.reference import identity_of, parse_local
from service.fhir.sight import ROLES, edges
from service.massage.cycle import Episode
from service.store.referrals import resources

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from service.fhir.resource import Content, Version
    from service.interactions.rules import Proposal
    from service.store.store import Session

Name = tuple[str, str]

READ_BESIDE: Final = frozenset(
    {
        "ClaimResponse",
        "Consent",
        "Coverage",
        "DocumentReference",
        "HealthcareService",
        "Practitioner",
        "PractitionerRole",
        "QuestionnaireResponse",
    }
)
"""The types that are read though they do not hang on a referral, where it or its work refers to them."""


_RESPONSE: Final = "QuestionnaireResponse"


class Loaded(Struct, frozen=True, kw_only=True):
    """A referral that is stored, or `is_new`: about to be."""

    id: str
    content: Content
    versions: Mapping[Name, Version]
    contents: Mapping[Name, Content]
    is_new: bool = False

    @property
    def reference(self) -> str:
        """``ServiceRequest/id``."""
        return f"ServiceRequest/{self.id}"

    def has(self, proposal: Proposal) -> bool:
        """Whether what is written belongs to the referral already."""
        return (proposal.type, proposal.id) in self.contents or (proposal.type, proposal.id) == (
            "ServiceRequest",
            self.id,
        )


def decoded(version: Version) -> Content:
    """The content of a version that is not a tombstone."""
    content: Content = codec.decode(version.content or b"{}")
    return content


def stored_referral(logical_id: str, versions: Mapping[Name, Version]) -> Loaded | None:
    """A referral of what was read for it; None where it was deleted."""
    contents = {name: decoded(version) for name, version in versions.items()}
    own = contents.get(("ServiceRequest", logical_id))
    return None if own is None else Loaded(id=logical_id, content=own, versions=versions, contents=contents)


def new_referral(proposal: Proposal) -> Loaded:
    """A referral that the unit makes."""
    content: Content = {**(proposal.after or {}), "id": proposal.id}
    return Loaded(id=proposal.id, content=content, versions={}, contents={}, is_new=True)


def after_unit(loaded: Loaded, own: Iterable[Proposal]) -> Loaded:
    """The referral as the unit leaves it, and the answers to questions that belong to it."""
    after = next((each.after for each in own if (each.type, each.id) == ("ServiceRequest", loaded.id)), None)
    contents = dict(loaded.contents)
    for each in own:
        if each.type == _RESPONSE and each.after is not None:
            contents[each.type, each.id] = {**each.after, "id": each.id}
        elif each.type == _RESPONSE:
            contents.pop((each.type, each.id), None)
    return replace(loaded, content={**(after or loaded.content), "id": loaded.id}, contents=contents)


def belonging(loaded: Loaded, proposals: Sequence[Proposal], base: str, types: Collection[str]) -> list[Proposal]:
    """What of the unit belongs to the referral: its own resources, what comes to hang on it, and their Goals."""
    known = {identity_of(*name) for name in (*loaded.contents, ("ServiceRequest", loaded.id))}
    leading = [edges(each.after, base, types) if each.after else () for each in proposals]
    found: dict[int, Proposal] = {place: each for place, each in enumerate(proposals) if loaded.has(each)}
    while True:
        known |= {identity_of(each.type, each.id) for each in found.values()}
        referred = {edge.target for place in found for edge in leading[place] if edge.shares}
        more = {
            place: each
            for place, each in enumerate(proposals)
            if place not in found
            and each.after is not None
            and (
                (each.type == "Goal" and identity_of(each.type, each.id) in referred)
                or any(edge.hangs and edge.target in known for edge in leading[place])
            )
        }
        if not more:
            return [found[place] for place in sorted(found)]
        found |= more


async def episode_of(
    session: Session,
    loaded: Loaded,
    own: Iterable[Proposal],
    proposals: Iterable[Proposal],
    base: str,
    types: Collection[str],
) -> Episode:
    """The referral as the life cycles read it, with what it and the unit's `own` part refer to beside it."""
    by_type: dict[str, dict[str, Content]] = {}
    for (resource_type, logical_id), content in loaded.contents.items():
        by_type.setdefault(resource_type, {})[logical_id] = content
    for each in proposals:
        if each.type in READ_BESIDE and each.after:
            by_type.setdefault(each.type, {})[each.id] = {**each.after, "id": each.id}
    after = [each.after for each in own if each.after]
    wanted = _named([loaded.content, *loaded.contents.values(), *after], base, types, READ_BESIDE)
    depth = 0
    while missing := {name for name in wanted if name[1] not in by_type.get(name[0], {})}:
        read = [decoded(each) for each in await resources(session, missing)]
        for content in read:
            by_type.setdefault(content["resourceType"], {})[content["id"]] = content
        depth += 1
        wanted = _named(read, base, types, READ_BESIDE) if depth < 2 else set()
    return Episode(referral=loaded.content, resources=by_type, base=base)


def _named(contents: Iterable[Content], base: str, types: Collection[str], kinds: Collection[str]) -> set[Name]:
    named = (target for content in contents for _, target in local_references(content, base, types))
    return {(target.type, target.id) for target in named if target.type in kinds}


class Organisations:
    """Which organisation a reference acts for, by the roles that an episode has beside it."""

    def __init__(self, episode: Episode, types: Collection[str]) -> None:
        self._episode = episode
        self._types = types

    def resolve(self, reference: str) -> str | None:
        """``Organization/id`` of an organisation, a role of one, or a service that one provides; None for others."""
        target = parse_local(reference, self._episode.base, self._types) if reference else None
        if target is None:
            return None
        if target.type == "Organization":
            return f"Organization/{target.id}"
        role: Any = self._episode.resources.get(target.type, {}).get(target.id, {})
        stands = ROLES.get(target.type)
        named = role.get(stands.element, {}).get("reference") if stands else None
        return self.resolve(named) if isinstance(named, str) and named.partition("/")[0] != target.type else None
