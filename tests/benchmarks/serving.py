"""The service (or the yardstick) as a subprocess on a free port, as an operator would start it.

The process leads a session of its own: `kill` takes the workers along, and the embedded Postgres, which leads another
session, stays as it would.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from service.settings import Settings
from tests.benchmarks.bare import DATABASE_URL
from tests.benchmarks.client import HOST, Connection, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

ROOT: Final = Path(__file__).parents[2]
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 40.0
_POLL_SECONDS: Final = 0.005
_UNREACHABLE: Final = (ConnectionError, OSError)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Serving:
    """A server process. As an asynchronous context manager it is ready inside and stopped afterwards."""

    def __init__(self, command: list[str], *, port: int, environment: dict[str, str], folder: Path, ready: str) -> None:
        """`ready` is the path that answers 200 once the server is of use."""
        self._command = command
        self._environment = environment_with() | environment
        self._log = folder / f"{port}.log"
        self.folder = folder
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port

    async def __aenter__(self) -> Self:
        self.start()
        try:
            await self.wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.stop()

    @property
    def base(self) -> str:
        """The FHIR base URL that clients of `client.Connection` see."""
        return f"http://{HOST}/fhir"

    @property
    def environment(self) -> dict[str, str]:
        """What the process has as its environment: with it, other commands are about the same service."""
        return self._environment

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self._running().pid

    @property
    def log(self) -> str:
        """What the server wrote to its log."""
        return self._log.read_text(errors="replace")

    def start(self) -> None:
        """Start the process; does not wait."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def wait_until_ready(self) -> None:
        """Wait until `ready` answers 200; RuntimeError with the end of the log when it does not."""
        deadline = time.monotonic() + _START_SECONDS
        while await self.status_of(self._ready) != 200:
            if self._running().poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self._command} is not ready; its log ends with:\n{self.log[-4000:]}")
            await asyncio.sleep(_POLL_SECONDS)

    async def status_of(self, target: str) -> int | None:
        """The status that a GET is answered with; None when nobody answers."""
        try:
            return (await self.get(target)).status
        except _UNREACHABLE:
            return None

    async def get(self, target: str) -> Reply:
        """The answer to a GET on a connection of its own."""
        async with Connection(self.port) as connection:
            return await connection.request("GET", target)

    async def send(
        self, method: str, target: str, content: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """The answer to any request on a connection of its own."""
        async with Connection(self.port) as connection:
            return await connection.request(method, target, content, headers)

    def workers(self) -> list[int]:
        """The processes that answer requests: those below the started one that listen, or itself."""
        below = _descendants(self.pid)
        return [pid for pid in below if _is_worker(pid)] or [self.pid]

    def terminate(self) -> None:
        """Ask the server to stop; does not wait."""
        self._running().send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """The exit code, once the process has ended; kills it when it does not end."""
        process = self._running()
        try:
            return process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            self._process = None

    def stop(self) -> int:
        """Stop the server; its exit code."""
        self.terminate()
        return self.wait()

    def kill(self) -> None:
        """Kill the process and its workers, if there are any, with SIGKILL; wait until the process is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ValueError("the server was not started")
        return self._process


def the_service(folder: Path, **settings: object) -> Serving:
    """`massage-fhir serve` with its data under `folder`; `settings` by their names in `Settings`."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    chosen: dict[str, object] = {"data_dir": folder / "data", "host": HOST, "port": port, "log_format": "text"}
    return Serving(
        [sys.executable, "-m", "service", "serve"],
        port=port,
        environment=environment_with(**(chosen | settings)),
        folder=folder,
        ready="/health/ready",
    )


def the_yardstick(folder: Path, *, database_url: str, workers: int) -> Serving:
    """The bare endpoint under uvicorn, with as many workers as the service."""
    port = free_port()
    options = f"--factory --host {HOST} --port {port} --workers {workers} --loop uvloop --http httptools"
    quiet = "--no-access-log --log-level warning"
    return Serving(
        [sys.executable, "-m", "uvicorn", "tests.benchmarks.bare:create_app", *options.split(), *quiet.split()],
        port=port,
        environment={DATABASE_URL: database_url},
        folder=folder,
        ready="/bare/ready",
    )


def environment_with(**settings: object) -> dict[str, str]:
    """The environment with these settings of the service and no others: a developer's own must not change anything."""
    known = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name.upper() not in known}
    return kept | {name.upper(): str(value) for name, value in settings.items()}


def children(pid: int) -> list[int]:
    """The processes that a process has started; a process may end while it is looked at, and then has none."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _descendants(pid: int) -> list[int]:
    return [found for child in children(pid) for found in (child, *_descendants(child))]


def _is_worker(pid: int) -> bool:
    """Workers of uvicorn are spawned; beside them runs only multiprocessing's resource tracker."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        return b"spawn_main" in command or b"service" in command
    return False
