"""What a person sees of a long command: a bar on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LINE_EVERY_SECONDS: Final = 10.0


class Bar:
    """How far something has come: `move` it, `say` something beside it."""

    def __init__(self, label: str, total: int, done: int, show: Callable[[str, float | None, str], None]) -> None:
        self._label = label
        self._total = total
        self._show = show
        self._share: float | None = None
        self._began = monotonic()
        self._done_before = done

    def move(self, to: int) -> None:
        """So much of the total has passed; nothing is known of a total of 0."""
        self._share = min(1.0, to / self._total) if self._total else None

    def say(self, done: int, noun: str) -> None:
        """How many are done, those before the bar began included."""
        rate = (done - self._done_before) / max(monotonic() - self._began, 0.001)
        self._show(self._label, self._share, f"{done:,} {noun}, {rate:,.0f}/s")


@contextmanager
def progress(label: str, total: int, *, done: int = 0) -> Iterator[Bar]:
    """A bar on standard error for the length of the block; `done` is how many were done before."""
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield Bar(label, total, done, _Lines().show)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[told]}"), console=console) as shown:
        task = shown.add_task(label, total=1.0 if total else None, told="")

        def show(_label: str, share: float | None, told: str) -> None:
            shown.update(task, completed=share or 0.0, told=told)

        yield Bar(label, total, done, show)


class _Lines:
    """A line of text every few seconds."""

    def __init__(self) -> None:
        self._last = monotonic()

    def show(self, label: str, share: float | None, told: str) -> None:
        if monotonic() - self._last >= _LINE_EVERY_SECONDS:
            self._last = monotonic()
            percent = "" if share is None else f"{share:.0%}, "
            tell(f"{label}: {percent}{told}")


def tell(line: str) -> None:
    """Write a line to standard error, at once."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
