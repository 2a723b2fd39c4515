"""A reindex as a person at a terminal sees it, and its selection as a person gives it."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from service.assembly import assemble, command_pool, compile_standard
from service.interactions.current import CurrentParts
from service.jobs.rebuild import Progress, ReindexError, Selection, reindex
from service.processes import be_interruptible
from service.progress import Bar, tell
from service.progress import progress as progress_bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.search.registry import Registry
    from service.interactions.parts import Parts
    from service.settings import Settings
    from service.store.pool import Pool


def rebuild_index(settings: Settings, *, types: Sequence[str], parameters: Sequence[str], again: bool) -> None:
    """Rebuild the index rows in the database of the settings and tell of it."""
    be_interruptible()
    pool = command_pool(settings)
    parts = assemble(settings, compile_standard(), pool, cursor_secret="")
    try:
        asyncio.run(_reindex(parts, pool, types, parameters, base=settings.base_url or "", again=again))
    except KeyboardInterrupt:
        raise ReindexError("interrupted; reindex the same again to go on") from None


def selected(registry: Registry, types: Sequence[str], parameters: Sequence[str]) -> Selection:
    """The types, or those of them that have one of the parameters; ReindexError names what there is none of."""
    known = registry.definitions.resource_types
    if unknown := [name for name in types if name not in known]:
        raise ReindexError(f"{', '.join(unknown)}: no such type is served")
    if not parameters:
        return Selection(types=tuple(sorted(types)) or None)
    having = {code: [name for name in types or known if _has(registry, name, code)] for code in parameters}
    if unknown := [code for code, names in having.items() if not names]:
        raise ReindexError(f"{', '.join(unknown)}: no such search parameter")
    return Selection(types=tuple(sorted({name for names in having.values() for name in names})))


def _has(registry: Registry, resource_type: str, code: str) -> bool:
    return any(parameter.code == code for parameter in registry.indexed(resource_type))


async def _reindex(
    parts: Parts, pool: Pool, types: Sequence[str], parameters: Sequence[str], *, base: str, again: bool
) -> None:
    began = monotonic()
    current = CurrentParts(parts)
    with ExitStack() as shown:
        bar: Bar | None = None

        def watch(progress: Progress) -> None:
            nonlocal bar
            if bar is None:
                if progress.passed:
                    tell(f"goes on after {progress.passed:,} resources")
                bar = shown.enter_context(progress_bar("reindex", progress.last, done=progress.passed))
            bar.move(progress.position)
            bar.say(progress.passed, "resources")

        async with pool:
            selection = selected((await current.renewed()).registry, types, parameters)
            done = await reindex(
                current, selection, base=base, clock=lambda: datetime.now(UTC), watch=watch, again=again
            )
    seconds = monotonic() - began
    tell(f"{done.passed:,} resources, {done.replaced:,} of them with other index rows than before, in {seconds:,.1f} s")
