"""The turns of a load: pieces are prepared by several processes side by side and written in the order of the files."""

from __future__ import annotations

from collections import deque
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from service.assembly import command_pool
from service.load.batch import Tally
from service.load.source import LoadError, Piece, Source
from service.load.worker import WRITE, Given, Prepared, work
from service.processes import Failed, spawned
from service.store.checkpoint import Checkpoint, forget, saved
from service.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from multiprocessing.connection import Connection

    from service.load.incoming import Refusal
    from service.settings import Settings


class Watcher(Protocol):
    """Hears how a load goes on."""

    def begins(self, source: Source, at: Checkpoint) -> None:
        """The next file, from a checkpoint on; a finished one is passed over."""

    def read_to(self, size_bytes: int) -> None:
        """So many bytes of the file that was begun last have been read."""

    def stored(self, tally: Tally) -> None:
        """Another piece has been written."""

    def refused(self, refusals: Sequence[Refusal]) -> None:
        """These were left out, or end the load."""


class InvalidInputError(LoadError):
    """The load ended before a resource that cannot be stored."""


class Plan(Struct, frozen=True, kw_only=True):
    """What to load and how: by `jobs` processes; `again` disregards checkpoints.

    What is new belongs to the `organisation`, such as ``Organization/clinic``; None: to nobody.
    """

    sources: Sequence[Source]
    jobs: int
    skip_invalid: bool = False
    again: bool = False
    organisation: str | None = None


async def begin(settings: Settings, plan: Plan) -> list[tuple[Source, Checkpoint]]:
    """Where each source is to be begun."""
    places: list[tuple[Source, Checkpoint]] = []
    async with command_pool(settings) as pool, Store(pool).session() as session:
        for source in plan.sources:
            if source.digest and plan.again:
                await forget(session, source.checkpoint_name)
            known = await saved(session, source.checkpoint_name) if source.digest else None
            places.append((source, known or Checkpoint(name=source.checkpoint_name)))
    return places


def load(
    settings: Settings,
    plan: Plan,
    places: Sequence[tuple[Source, Checkpoint]],
    *,
    clock: Callable[[], datetime],
    watcher: Watcher,
) -> None:
    """Load what is left of the sources; LoadError when that stops before the end."""
    with spawned("load", plan.jobs, work, settings, plan.organisation) as pipes:
        _Turns(plan, _pieces(places, watcher), pipes, clock, watcher).take()


def _pieces(places: Sequence[tuple[Source, Checkpoint]], watcher: Watcher) -> Iterator[Piece]:
    for source, checkpoint in places:
        watcher.begins(source, checkpoint)
        if not checkpoint.finished:
            yield from source.pieces(checkpoint, read_to=watcher.read_to)


class _Turns:
    """Who prepares which piece, and whose turn it is to write."""

    def __init__(
        self,
        plan: Plan,
        pieces: Iterator[Piece],
        pipes: Sequence[Connection[Any, Any]],
        clock: Callable[[], datetime],
        watcher: Watcher,
    ) -> None:
        self._plan = plan
        self._pieces = pieces
        self._idle = list(pipes)
        self._order: deque[tuple[Connection[Any, Any], Piece]] = deque()
        """The pieces under way, in the order in which they are to be written."""
        self._prepared: dict[Connection[Any, Any], Prepared] = {}
        self._writing = False
        self._clock = clock
        self._watcher = watcher

    def take(self) -> None:
        """Until everything is written."""
        self._give()
        while self._order:
            for pipe in wait([pipe for pipe, _ in self._order]):
                self._hear(pipe)
            self._turn()
            self._give()

    def _give(self) -> None:
        while self._idle and (piece := next(self._pieces, None)):
            pipe = self._idle.pop()
            self._order.append((pipe, piece))
            pipe.send(Given(piece=piece, received_at=self._clock()))

    def _hear(self, pipe: Any) -> None:
        try:
            message = pipe.recv()
        except (EOFError, OSError):
            raise LoadError("a process of the load ended unexpectedly; load again to go on") from None
        match message:
            case Prepared():
                self._prepared[pipe] = message
            case Tally():
                self._order.popleft()
                self._prepared.pop(pipe)
                self._writing = False
                self._idle.append(pipe)
                self._watcher.stored(message)
            case Failed():
                piece = next(piece for known, piece in self._order if known is pipe)
                raise LoadError(f"{_place(piece)} were not stored: {message.reason}")

    def _turn(self) -> None:
        """Let the next piece be written if it is ready."""
        if self._writing or not self._order or (pipe := self._order[0][0]) not in self._prepared:
            return
        refusals = self._prepared[pipe].refusals
        if refusals:
            self._watcher.refused(refusals)
            if not self._plan.skip_invalid:
                raise InvalidInputError(f"{_place(self._order[0][1])} and what follows were not stored")
        self._writing = True
        pipe.send(WRITE)


def _place(piece: Piece) -> str:
    if not piece.texts:
        return piece.file
    return f"{piece.file}: lines {piece.texts[0][0]} to {piece.texts[-1][0]}"
