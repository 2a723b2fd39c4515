"""A load as a person at a terminal sees it: where it goes on, how far it is, what it left out, what came of it."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Final

from service.assembly import take_stock
from service.load.batch import Tally
from service.load.loading import Plan, begin, load
from service.load.source import LoadError
from service.processes import be_interruptible
from service.progress import Bar, progress, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.load.incoming import Refusal
    from service.load.source import Source
    from service.settings import Settings
    from service.store.checkpoint import Checkpoint

_MOST_REFUSALS: Final = 100


def load_files(settings: Settings, plan: Plan) -> None:
    """Load files into the database of the settings and tell of it; LoadError when that stops before the end."""
    be_interruptible()
    report = Report(_MOST_REFUSALS if not plan.skip_invalid else None)
    try:
        places = asyncio.run(begin(settings, plan))
        with report:
            load(settings, plan, places, clock=lambda: datetime.now(UTC), watcher=report)
        if report.tally.created or report.tally.updated:
            asyncio.run(take_stock(settings))
    except KeyboardInterrupt:
        raise LoadError("interrupted; load the same files again to go on") from None
    finally:
        report.summarise()


class Report:
    """Watches a load and writes to standard error; no more than `most_refusals` lines of what was left out."""

    def __init__(self, most_refusals: int | None) -> None:
        self._most_refusals = most_refusals
        self._bar: Bar | None = None
        self._shown = ExitStack()
        self._began = monotonic()
        self._refused = 0
        self.tally = Tally()

    def __enter__(self) -> None:
        self._began = monotonic()

    def __exit__(self, *_: object) -> None:
        self._shown.close()

    def begins(self, source: Source, at: Checkpoint) -> None:
        """Say where the file is taken up, and show a bar for it."""
        self._shown.close()
        if at.finished:
            tell(f"{source.name}: was loaded before; --again loads it once more")
            return
        if at.passed:
            tell(f"{source.name}: goes on after line {at.passed:,}")
        self._bar = self._shown.enter_context(progress(source.name, source.size_bytes, done=self.tally.total))

    def read_to(self, size_bytes: int) -> None:
        """Move the bar."""
        if self._bar:
            self._bar.move(size_bytes)

    def stored(self, tally: Tally) -> None:
        """Count, and say it beside the bar."""
        self.tally += tally
        if self._bar:
            self._bar.say(self.tally.total, "resources")

    def refused(self, refusals: Sequence[Refusal]) -> None:
        """List the lines that cannot be stored: file, line, FHIRPath and reason."""
        lines = [line for refusal in refusals for line in refusal.lines()]
        self._refused += len(refusals)
        for line in lines[: self._most_refusals]:
            tell(line)
        if self._most_refusals and len(lines) > self._most_refusals:
            tell(f"... and {len(lines) - self._most_refusals} more")

    def summarise(self) -> None:
        """One line about all of it."""
        tally, seconds = self.tally, monotonic() - self._began
        left_out = f", {self._refused:,} not valid" if self._refused else ""
        tell(
            f"{tally.created:,} created, {tally.updated:,} updated, {tally.unchanged:,} unchanged{left_out}"
            f" in {seconds:,.1f} s: {tally.total / max(seconds, 0.001):,.0f} resources/s"
        )
