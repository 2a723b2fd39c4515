"""How much of a processor a block takes, whatever else the machine does meanwhile."""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Spent:
    """The processor time of a block, in seconds; 0 while it runs."""

    seconds: float = 0.0

    @property
    def milliseconds(self) -> float:
        """The same in milliseconds."""
        return self.seconds * 1000


@contextmanager
def spent() -> Iterator[Spent]:
    """Measures the block; a collection of all the objects of a long run of tests would take a second of it."""
    found = Spent()
    was_enabled = gc.isenabled()
    gc.disable()
    began = time.process_time()
    try:
        yield found
    finally:
        found.seconds = time.process_time() - began
        if was_enabled:
            gc.enable()
