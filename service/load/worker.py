"""A process that prepares pieces and, when it is their turn, writes them.

It answers every piece with `Prepared`, and then to `Turn.WRITE` with the `Tally`; it ends when its pipe does. A failure
is told by its own words where they are meant for people, else by its type and place: the text of any other exception
can quote what was loaded.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import traceback
from dataclasses import replace
from enum import Enum, auto
from itertools import count
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.assembly import assemble, command_pool, compile_standard
from service.fhir.interaction import Context
from service.fhir.outcome import FhirError
from service.interactions.current import CurrentParts
from service.interactions.sight import sight_of_owner
from service.load.batch import Tally, prepare, write
from service.store.lease import LapsedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from multiprocessing.connection import Connection

    from service.fhir.search.registry import Registry
    from service.interactions.parts import Parts
    from service.load.batch import Batch
    from service.load.incoming import Refusal
    from service.load.source import Piece
    from service.settings import Settings
    from service.store.pool import Pool

_COLLECT_EVERY: Final = 100


class Turn(Enum):
    """What a worker is told about the piece that it has prepared."""

    WRITE = auto()
    DROP = auto()


class Given(Struct, frozen=True, kw_only=True):
    """A piece to prepare; its resources are stamped with `received_at`."""

    piece: Piece
    received_at: datetime


class Prepared(Struct, frozen=True, kw_only=True):
    """The worker waits for its turn; `refusals` tell what of the piece will not be written."""

    refusals: list[Refusal]


class Failed(Struct, frozen=True, kw_only=True):
    """The piece was not written."""

    reason: str


Message = Prepared | Tally | Failed


def work(settings: Settings, pipe: Connection[Message, Given | Turn], organisation: str | None = None) -> None:
    """Serve the pipe until it ends; the whole of a worker process. What is new belongs to the organisation."""
    # Ctrl-C reaches every process of the terminal; a worker ends with its pipe, after the write that is under way
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pool = command_pool(settings)
    parts = assemble(settings, compile_standard(), pool, cursor_secret="")
    # nobody sends If-Match with a file
    parts = replace(parts, limits=replace(parts.limits, require_if_match=False))
    if organisation is not None:
        parts = replace(parts, store=parts.store.within(sight_of_owner(organisation)))
    gc.collect()
    gc.freeze()
    # a piece is a hundred thousand objects without a cycle: looking for cycles would double the time to prepare it
    gc.disable()
    asyncio.run(_serve(CurrentParts(parts), pool, settings.base_url or "", pipe))


async def _serve(current: CurrentParts, pool: Pool, base: str, pipe: Connection[Message, Given | Turn]) -> None:
    work: _Work | None = None
    try:
        for number in count(1):
            told = pipe.recv()
            if number % _COLLECT_EVERY == 0:
                gc.collect()
            if isinstance(told, Given):
                context = Context(base=base, request_id="load", received_at=told.received_at)
                work = _Work(current, context, told.piece)
                pipe.send(await _attempt(work.prepare))
            elif told is Turn.WRITE and work:
                pipe.send(await _attempt(work.write))
    except (EOFError, OSError):
        return
    finally:
        await pool.close()


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


async def _attempt(work: Callable[[], Awaitable[Message]]) -> Message:
    try:
        return await work()
    except Exception as error:  # noqa: BLE001 - told to whoever started the load
        return Failed(reason=_told(error))


def _told(error: Exception) -> str:
    if isinstance(error, FhirError):
        return " ".join(": ".join((*issue.expression, issue.diagnostics)) for issue in error.issues)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {frame.filename.rpartition('/service/')[2]}:{frame.lineno}"
