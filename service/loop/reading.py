"""A referral with its whole episode, as the caller sees it and may read it: what operations and pages tell of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.access.permission import may_read
from service.fhir import codec
from service.fhir.interaction import Read
from service.fhir.outcome import failure
from service.fhir.sight import REFERRAL
from service.interactions.read import read
from service.massage.cycle.view import View
from service.operations.along import along_with
from service.operations.everything import NOT_KEPT
from service.store.membership import members_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from service.fhir.interaction import Context
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.store.store import Session

MOST_MEMBERS: Final = 5_000
"""Resources of an episode that are looked at."""

_MANY: Final = "Observation"
"""Its references are not followed: what they name is named by the sessions and the plan as well."""


def readable_types(context: Context, types: Iterable[str]) -> frozenset[str]:
    """Those that the caller may read without a limit."""
    actor = context.actor
    return frozenset(name for name in types if actor is None or may_read(actor, name))


async def seen_episode(
    parts: Parts,
    session: Session,
    context: Context,
    referral_id: str,
    types: Iterable[str],
    beside: Collection[str] = (),
) -> View:
    """The referral, what belongs to it of the types, and what these lead to of the types `beside` it.

    Only what the caller sees, and types that it may read. FhirError not-found, or gone, for the referral itself;
    too-costly beyond `MOST_MEMBERS`; not-supported where it is not kept what belongs to a referral.
    """
    version = (await read(session, Read(type=REFERRAL, id=referral_id))).version
    if parts.store.sight is None:
        raise failure("not-supported", NOT_KEPT)
    listed = sorted(readable_types(context, types))
    found = await members_of(session, referral_id, listed, since=None, after=0, limit=MOST_MEMBERS + 1)
    if len(found) > MOST_MEMBERS:
        text = f"The episode has more than {MOST_MEMBERS} resources to look at; ask by Observation/$lastn or $stats."
        raise failure("too-costly", text)
    own = version.content if version is not None and version.content is not None else b"{}"
    episode: dict[str, dict[str, Content]] = {REFERRAL: {referral_id: codec.decode(own)}}
    for each in found:
        episode.setdefault(each.type, {})[each.id] = codec.decode(each.content)
    if followed := readable_types(context, beside):
        leading = [own, *(each.content for each in found if each.type != _MANY)]
        for other in await along_with(parts, session, context, leading, followed):
            episode.setdefault(other.type, {})[other.id] = codec.decode(other.content or b"{}")
    return View(referral_id, episode, context.base)
