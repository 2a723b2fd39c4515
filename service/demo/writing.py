"""Episodes into the store: of each resource the versions as they came to be, and the index rows of the last."""

from __future__ import annotations

from dataclasses import replace as dataclass_replace
from typing import TYPE_CHECKING, Final

from service.fhir.outcome import Result
from service.interactions import sight
from service.interactions.writing import Written
from service.store.change import Change
from service.store.checkpoint import save
from service.store.past import write_later

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.demo.world import Kept
    from service.fhir.interaction import Context
    from service.interactions.parts import Parts
    from service.store.checkpoint import Checkpoint

_MOST_PER_STATEMENT: Final = 1000


async def write(parts: Parts, context: Context, resources: Iterable[Kept], checkpoint: Checkpoint) -> int:
    """All resources and the checkpoint, or nothing; how many. LapsedError: the search parameters are others by now.

    Each belongs to its maker, and the parties to its referral see it.
    """
    ordered = sorted(resources, key=lambda each: each.versions[0].last_updated)
    by_maker = {
        maker: dataclass_replace(parts, store=parts.store.within(sight.sight_of_owner(maker)))
        for maker in {each.maker for each in ordered}
    }
    written = [_written(by_maker[each.maker], context, each) for each in ordered]
    whole = next(iter(by_maker.values()), parts)
    async with whole.store.transaction() as session:
        for start in range(0, len(written), _MOST_PER_STATEMENT):
            group = written[start : start + _MOST_PER_STATEMENT]
            await session.write([one.change for one in group if one.change is not None])
        await write_later(session, [later for each in ordered for later in each.versions[1:]])
        await sight.link(whole, context, session, written)
        await save(session, checkpoint)
    return len(written)


def _written(parts: Parts, context: Context, kept: Kept) -> Written:
    first = kept.versions[0]
    rows = parts.extractor.rows(first.type, kept.content, context.base)
    change = sight.owned(parts, Change(version=first, rows=rows))
    return Written(result=Result.CREATED, version=first, change=change, content=kept.content)
