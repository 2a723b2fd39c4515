"""A process that prepares pieces and, when it is their turn, writes them.

It answers every piece with `Prepared`, and then `WRITE` with the `Tally`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

from service.assembly import assemble, command_pool, compile_standard
from service.fhir.interaction import Context
from service.interactions.current import CurrentParts
from service.interactions.sight import sight_of_owner
from service.load.batch import prepare, write
from service.processes import answer, settle
from service.store.lease import LapsedError

if TYPE_CHECKING:
    from datetime import datetime
    from multiprocessing.connection import Connection

    from service.fhir.search.registry import Registry
    from service.interactions.parts import Parts
    from service.load.batch import Batch, Tally
    from service.load.incoming import Refusal
    from service.load.source import Piece
    from service.settings import Settings
    from service.store.pool import Pool

WRITE: Final = "write"
"""What a worker is told when it is the turn of the piece that it has prepared."""
_COLLECT_EVERY: Final = 100


class Given(Struct, frozen=True, kw_only=True):
    """A piece to prepare; its resources are stamped with `received_at`."""

    piece: Piece
    received_at: datetime


class Prepared(Struct, frozen=True, kw_only=True):
    """The worker waits for its turn; `refusals` tell what of the piece will not be written."""

    refusals: list[Refusal]


def work(pipe: Connection[Any, Any], settings: Settings, organisation: str | None) -> None:
    """The whole of a worker process. What is new belongs to the organisation."""
    pool = command_pool(settings)
    parts = assemble(settings, compile_standard(), pool, cursor_secret="")
    # nobody sends If-Match with a file
    parts = replace(parts, limits=replace(parts.limits, require_if_match=False))
    if organisation is not None:
        parts = replace(parts, store=parts.store.within(sight_of_owner(organisation)))
    settle()
    asyncio.run(_serve(CurrentParts(parts), pool, settings.base_url or "", pipe))


async def _serve(current: CurrentParts, pool: Pool, base: str, pipe: Connection[Any, Any]) -> None:
    work: _Work | None = None

    async def ask(told: Given | Literal["write"]) -> Prepared | Tally:
        nonlocal work
        if isinstance(told, Given):
            context = Context(base=base, request_id="load", received_at=told.received_at)
            work = _Work(current, context, told.piece)
            return await work.prepare()
        if work is None:
            raise RuntimeError("nothing has been prepared")
        return await work.write()

    async with pool:
        await answer(pipe, ask, collect_every=_COLLECT_EVERY)


class _Work:
    """A piece, prepared by the search parameters of now; again, should these be others when it is written."""

    def __init__(self, current: CurrentParts, context: Context, piece: Piece) -> None:
        self._current = current
        self._context = context
        self._piece = piece
        self._registry: Registry | None = None
        self._batch: Batch | None = None

    async def prepare(self) -> Prepared:
        """Decoded, validated and extracted."""
        _, batch = await self._prepared()
        return Prepared(refusals=batch.refusals)

    async def write(self) -> Tally:
        """Written."""
        while True:
            parts, batch = await self._prepared()
            try:
                return await write(parts, self._context, batch)
            except LapsedError:
                continue

    async def _prepared(self) -> tuple[Parts, Batch]:
        parts = await self._current.current()
        if self._batch is None or parts.registry is not self._registry:
            self._registry, self._batch = parts.registry, prepare(parts, self._context, self._piece)
        return parts, self._batch
