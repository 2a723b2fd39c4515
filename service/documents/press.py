"""PDFs, off the event loop: each is set by a process of its own, which takes its memory with it when it ends.

A worker lets few of them run at once, and no more wait than can be served in time. What the process says of a failure
may name a patient and is not repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from service.documents.paper import has_numbers
from service.fhir.outcome import failure

if TYPE_CHECKING:
    from datetime import datetime

    from service.documents.paper import Paper

PROGRAM: Final = Path(__file__).parent / "typesetter.py"


class Press:
    """Prints papers; `most_at_once` processes, of which each has `timeout_seconds` from its start."""

    def __init__(
        self,
        *,
        most_at_once: int = 2,
        most_waiting: int = 16,
        timeout_seconds: float = 10.0,
        has_system_fonts: bool = True,
    ) -> None:
        self._places = asyncio.Semaphore(most_at_once)
        self._most_waiting = most_waiting
        self._waiting = 0
        self._timeout_seconds = timeout_seconds
        self._has_system_fonts = has_system_fonts

    async def pdf(self, paper: Paper, made_at: datetime) -> bytes:
        """The paper as PDF/UA-1; FhirError busy where too many wait, timeout where it takes too long."""
        if self._waiting >= self._most_waiting:
            told = "Too many documents are being made; ask again in a few seconds."
            raise failure("busy", told, retry_after_seconds=2)
        asked = msgspec.json.encode(
            {
                "paper": paper,
                "timestamp": int(made_at.timestamp()),
                "has_system_fonts": self._has_system_fonts,
                "has_numbers": has_numbers(paper),
            }
        )
        self._waiting += 1
        try:
            async with self._places:
                return await self._set(asked)
        finally:
            self._waiting -= 1

    async def _set(self, asked: bytes) -> bytes:
        # without the environment: it holds the service's secrets, and one thread is enough for a few pages
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(PROGRAM),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"RAYON_NUM_THREADS": "1"},
        )
        try:
            async with asyncio.timeout(self._timeout_seconds):
                made, _ = await process.communicate(asked)
        except TimeoutError:
            raise failure("timeout", "The document took too long to make.", retry_after_seconds=5) from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode or not made.startswith(b"%PDF"):
            raise RuntimeError(f"The PDF was not made: the process ended with {process.returncode}.")
        return made
