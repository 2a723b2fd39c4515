"""How much memory the embedded server takes for its cache.

A search reads a few hundred pages, of which the server's own cache gives one in a tenth of the time that the operating
system takes: where the database fits, a million resources cost what ten thousand do.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIMITS: Final = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where a container's limit stands, by version of Linux's control groups."""
_PART: Final = 4
"""The part that PostgreSQL's manual recommends where nothing else runs but what it serves."""
_LEAST_MEGABYTES: Final = 64
_MOST_MEGABYTES: Final = 3072
"""A million resources take 2.1 GB; a server that starts has 25 ms more to do for each GB."""


def cache_megabytes(memory_bytes: int) -> int:
    """A quarter of the memory, within bounds; it is taken from the system as it fills."""
    return max(_LEAST_MEGABYTES, min(_MOST_MEGABYTES, (memory_bytes >> 20) // _PART))


def memory_bytes(limits: Sequence[Path] = _LIMITS) -> int:
    """The memory of the machine, or what the container that this is may have of it."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in limits:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text.isdecimal():
            found = min(found, int(text))
    return found
