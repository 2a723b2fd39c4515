"""The process of a long command, and those that share its work.

Each of these has a pipe, answers what it is asked through it, and ends when the pipe does. A failure is told by its
own words where they are meant for people, else by its type and place: the text of any other exception can quote what
was written.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
import traceback
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec

from msgspec import Struct

from service.fhir.outcome import FhirError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

_Handed = ParamSpec("_Handed")

_STOP_SECONDS: Final = 60.0


class Failed(Struct, frozen=True, kw_only=True):
    """What was asked could not be done."""

    reason: str


def be_interruptible() -> None:
    """Take a stop that is asked for politely as an interruption like any other."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def spawned(
    name: str,
    jobs: int,
    work: Callable[Concatenate[Connection[Any, Any], _Handed], None],
    *handed: _Handed.args,
    **named: _Handed.kwargs,
) -> Iterator[list[Connection[Any, Any]]]:
    """The pipes of processes that do the work; these end, after the write that is under way, when the block does."""
    spawning = multiprocessing.get_context("spawn")
    pipes: list[Connection[Any, Any]] = []
    processes: list[SpawnProcess] = []
    try:
        for number in range(jobs):
            here, there = spawning.Pipe()
            process = spawning.Process(
                target=work, args=(there, *handed), kwargs=named, name=f"{name}-{number}", daemon=True
            )
            process.start()
            there.close()
            pipes.append(here)
            processes.append(process)
        yield pipes
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join(_STOP_SECONDS)


def settle() -> None:
    """Get this process, in which all is put together now, ready to answer."""
    # Ctrl-C reaches every process of the terminal; this one ends with its pipe, after the write that is under way
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    # what is written at once is a hundred thousand objects without a cycle: looking for cycles would double the time
    gc.disable()


async def answer(pipe: Connection[Any, Any], ask: Callable[[Any], Awaitable[object]], *, collect_every: int) -> None:
    """Answer what comes until the pipe ends: with what `ask` returns, or `Failed` where it raises."""
    try:
        for number in count(1):
            told = pipe.recv()
            if number % collect_every == 0:
                gc.collect()
            pipe.send(await _attempted(ask, told))
    except (EOFError, OSError):
        return


async def _attempted(ask: Callable[[Any], Awaitable[object]], told: object) -> object:
    try:
        return await ask(told)
    except Exception as error:  # noqa: BLE001 - told to whoever started the command
        return Failed(reason=_reason(error))


def _reason(error: Exception) -> str:
    if isinstance(error, FhirError):
        return " ".join(": ".join((*issue.expression, issue.diagnostics)) for issue in error.issues)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {frame.filename.rpartition('/service/')[2]}:{frame.lineno}"
