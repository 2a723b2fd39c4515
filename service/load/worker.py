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
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.app import assemble, command_pool, compile_standard
from service.fhir.interaction import Context
from service.fhir.outcome import FhirError
from service.load.batch import Batch, Tally, prepare, write

if TYPE_CHECKING:
    from datetime import datetime
    from multiprocessing.connection import Connection

    from service.interactions.parts import Parts
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


def work(settings: Settings, pipe: Connection[Message, Given | Turn]) -> None:
    """Serve the pipe until it ends; the whole of a worker process."""
    # Ctrl-C reaches every process of the terminal; a worker ends with its pipe, after the write that is under way
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pool = command_pool(settings)
    parts = assemble(settings, compile_standard(), pool, cursor_secret="")
    # nobody sends If-Match with a file
    parts = replace(parts, limits=replace(parts.limits, require_if_match=False))
    gc.collect()
    gc.freeze()
    # a piece is a hundred thousand objects without a cycle: looking for cycles would double the time to prepare it
    gc.disable()
    asyncio.run(_serve(parts, pool, settings.base_url or "", pipe))


async def _serve(parts: Parts, pool: Pool, base: str, pipe: Connection[Message, Given | Turn]) -> None:
    context, batch = None, None
    try:
        for number in count(1):
            told = pipe.recv()
            if number % _COLLECT_EVERY == 0:
                gc.collect()
            if isinstance(told, Given):
                context = Context(base=base, request_id="load", received_at=told.received_at)
                batch = _attempt(prepare, parts, context, told.piece)
                pipe.send(Prepared(refusals=batch.refusals) if isinstance(batch, Batch) else batch)
            elif told is Turn.WRITE and context and isinstance(batch, Batch):
                pipe.send(await _written(parts, context, batch))
    except (EOFError, OSError):
        return
    finally:
        await pool.close()


def _attempt(function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except Exception as error:  # noqa: BLE001 - told to whoever started the load
        return Failed(reason=_told(error))


async def _written(parts: Parts, context: Context, batch: Batch) -> Message:
    try:
        return await write(parts, context, batch)
    except Exception as error:  # noqa: BLE001 - told to whoever started the load
        return Failed(reason=_told(error))


def _told(error: Exception) -> str:
    if isinstance(error, FhirError):
        return " ".join(": ".join((*issue.expression, issue.diagnostics)) for issue in error.issues)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {frame.filename.rpartition('/service/')[2]}:{frame.lineno}"
