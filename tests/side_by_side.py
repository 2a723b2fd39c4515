"""How `make test` spreads the tests over workers, each a process with a PostgreSQL of its own.

A module stays in one worker, because its tests share a database. So do all tests that start, stop and kill processes:
two of those at once would take each other's time, and some of them look at the clock.
"""

from __future__ import annotations

from typing import Any, Final

from xdist.scheduler import LoadFileScheduling

_ONE_AFTER_THE_OTHER: Final = ("tests/faults/", "tests/process/")


def scheduler(*arguments: Any) -> Any:
    """As xdist's ``--dist loadfile``, but for the folders whose tests run one after the other."""
    made = LoadFileScheduling(*arguments)
    made._split_scope = stays_together
    return made


def stays_together(node_id: str) -> str:
    """What a test shares with those that run in the same worker: its module, or that it needs the processor."""
    return "processes" if node_id.startswith(_ONE_AFTER_THE_OTHER) else node_id.partition("::")[0]
