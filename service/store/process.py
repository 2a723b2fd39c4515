"""Whether the process of a PostgreSQL server is still there."""

from __future__ import annotations

import os
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether there is a process with that id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_other_program(pid: int) -> bool:
    """Whether the process is known not to be a running PostgreSQL; unknown, thus False, without /proc."""
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return False
    has_ended = rest.split()[0] in {"Z", "X"}
    return has_ended or name not in {"postgres", "postmaster"}
