"""The embedded Postgres in the hands of a test: stopped, killed and started under the service."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import asyncpg

from service.store.embedded import Embedded
from tests.benchmarks.serving import children

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

STOP_FAST: Final = signal.SIGINT
STOP_IMMEDIATE: Final = signal.SIGQUIT
KILL: Final = signal.SIGKILL
_LIMIT_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.01


def data_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for a server and its database.

    Not below pytest's own, which each run of pytest closes for the account that root's Postgres runs as.
    """
    return tempfile.TemporaryDirectory(prefix="massage-fhir-faults-", ignore_cleanup_errors=True)


class Database:
    """The server of a data folder; as a context manager it runs inside and is stopped afterwards.

    The test shares it with the service, so it outlives any service that the test stops or kills.
    """

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir.parent
        self._pid_file = data_dir / "postgres" / "postmaster.pid"
        self._lock_file = data_dir / "postgres.lock"
        self._embedded = Embedded(data_dir)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def url(self) -> str:
        """The URL of the service's database."""
        return self._embedded.url

    def start(self) -> None:
        """Start it, or find it running."""
        self._embedded.launch()
        self._embedded.wait_until_ready()

    @property
    def runs(self) -> bool:
        """Whether there is a server on the data."""
        return self._pid_file.exists()

    def release(self) -> None:
        """Let go of it: it ends when nobody else uses it."""
        self._embedded.release()

    def start_and_stop(self) -> None:
        """Stop it unless somebody else uses it, whoever has started it."""
        with self:
            pass

    def end(self, how: signal.Signals) -> None:
        """Stop or kill it, and wait until it takes no connections any more and answers on none that it had."""
        pid = int(self._pid_file.read_text().split()[0])
        processes = [pid, *children(pid)]
        os.kill(pid, how)
        deadline = time.monotonic() + _LIMIT_SECONDS
        while any(runs(each) for each in processes):
            if time.monotonic() > deadline:
                raise TimeoutError(f"Postgres does not end on {how.name}")
            time.sleep(_POLL_SECONDS)
        if self._embedded._child is not None:
            self._embedded._child.poll()

    @contextmanager
    def down(self, how: signal.Signals) -> Iterator[None]:
        """Ended, and inside the block started again by nobody, as a service does after a second at most."""
        with self._lock_file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.end(how)
            yield

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """A connection beside the service's."""
        connection = await asyncpg.connect(self.url)
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def resources_locked(self) -> AsyncIterator[None]:
        """Nobody else reads or writes a resource inside the block: every request that needs one waits."""
        async with self.connection() as connection, connection.transaction():
            await connection.execute("LOCK TABLE resource IN ACCESS EXCLUSIVE MODE")
            yield

    async def until_waiting(self, how_many: int) -> None:
        """Wait until that many statements wait for a lock."""
        async with asyncio.timeout(_LIMIT_SECONDS), self.connection() as connection:
            while await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") < how_many:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_SECONDS)

    async def until_nobody_waits(self) -> None:
        """Wait until no statement waits for a lock."""
        async with asyncio.timeout(_LIMIT_SECONDS), self.connection() as connection:
            while await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
                await asyncio.sleep(_POLL_SECONDS)


def runs(pid: int) -> bool:
    """Whether the process takes part in anything; one that has ended and was not waited for does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - not a file of ours
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
