"""What the tests share: PostgreSQL 18 from the wheel, cheap databases, the service in this process and as its own.

- `database_url`: an empty, migrated database of the test's own
- `client`: the service in this process over HTTP, on a database that the tests of one module share
- `fresh_client`: the same on a database of the test's own; `make_client`: with settings of the test's own
- `server`: the service as its own process, on an embedded PostgreSQL with everything that makes it durable

The server of the session does not wait for the disk; `server` does.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import asyncpg
import httpx
import hypothesis
import pytest

from service.serve import prepare
from service.settings import Settings
from service.store.embedded import Embedded
from service.store.migration import migrate
from tests.benchmarks.serving import Serving, the_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.app import Application
    from service.assembly import Standard

_TEMPLATE = "migrated"
_SERVED = "http://testserver"
_CURSOR_SECRET = "the cursor secret of the tests, which is long enough"
_OLDEST_SUPPORTED, _EMBEDDED = 15, 18
_LONGEST_ID = 80

# how long one example takes says how busy the machine is; what may not take long has tests of its own
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


class MakeClient(Protocol):
    """Makes a client of a service with the given settings, on a database of its own."""

    def __call__(self, **settings: Any) -> AbstractAsyncContextManager[httpx.AsyncClient]: ...


class Cluster:
    """A running PostgreSQL server with a migrated template database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._numbers = itertools.count(1)

    def url_of(self, database: str) -> str:
        """The URL of one of the server's databases."""
        return self.url.replace("/postgres?", f"/{database}?")

    async def create_template(self) -> None:
        """Make the database that `clone` copies."""
        await self.execute(f"CREATE DATABASE {_TEMPLATE}")
        await migrate(self.url_of(_TEMPLATE))

    @asynccontextmanager
    async def clone(self, template: str = _TEMPLATE) -> AsyncIterator[str]:
        """The URL of a new copy of the template, dropped afterwards."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield self.url_of(name)
        finally:
            await self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def execute(self, statement: str) -> None:
        """Run a statement outside of any of the tests' databases."""
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A row is known by a value that can be read; other ones may differ from process to process, as zips do."""
    unreadable = isinstance(val, bytes) or (isinstance(val, str) and len(val) > _LONGEST_ID)
    return argname if unreadable else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """How tests are spread over several workers; xdist's own ways where something else than files is asked for."""
    from tests.side_by_side import scheduler

    return scheduler(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
async def cluster() -> AsyncIterator[Cluster]:
    """PostgreSQL 18, as the service embeds it."""
    async with _running(None) as running:
        yield running


@pytest.fixture(scope="session")
async def older_cluster() -> AsyncIterator[Cluster]:
    """The oldest PostgreSQL between 15 and 17 whose programs are on this machine."""
    async with _running(_older_programs()) as running:
        yield running


@pytest.fixture
async def database_url(cluster: Cluster) -> AsyncIterator[str]:
    """A migrated database of the test's own."""
    async with cluster.clone() as url:
        yield url


@pytest.fixture
async def empty_database_url(cluster: Cluster) -> AsyncIterator[str]:
    """A database of the test's own in which nothing has been created yet."""
    async with cluster.clone("template0") as url:
        yield url


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings for the test's own database."""
    return settings_for(database_url)


@pytest.fixture(scope="session")
def standard() -> Standard:
    """FHIR R4, compiled once for all tests."""
    from service.assembly import compile_standard

    return compile_standard()


@pytest.fixture
async def app(settings: Settings, standard: Standard) -> AsyncIterator[Application]:
    """The running application on the test's own database."""
    async with application_on(settings, standard) as running:
        yield running


@pytest.fixture(scope="module")
async def client(cluster: Cluster, standard: Standard) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service, on a database that the module's tests share."""
    async with (
        cluster.clone() as url,
        application_on(settings_for(url), standard) as running,
        client_of(running) as http,
    ):
        yield http


@pytest.fixture
async def fresh_client(app: Application) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service, on a database of the test's own."""
    async with client_of(app) as http:
        yield http


@pytest.fixture(scope="session")
def make_client(cluster: Cluster, standard: Standard) -> MakeClient:
    """What makes clients on settings and a database of the test's own, for ``async with``."""

    @asynccontextmanager
    async def make(**settings: Any) -> AsyncIterator[httpx.AsyncClient]:
        async with (
            cluster.clone() as url,
            application_on(settings_for(url, **settings), standard) as running,
            client_of(running) as http,
        ):
            yield http

    return make


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Serving]:
    """`massage-fhir serve` as a process of its own, with its data under the test's folder."""
    async with the_service(tmp_path) as running:
        yield running


def settings_for(url: str, **changes: Any) -> Settings:
    """Settings for a database; nothing is taken from the environment but what `changes` leave out.

    The engine is tested without the rules of the referral loop, whose tests switch them on.
    """
    given: dict[str, Any] = {
        "database_url": url,
        "cursor_secret": _CURSOR_SECRET,
        "access_log": False,
        "allowed_hosts": urlsplit(_SERVED).hostname,
        "referral_rules": "off",
    }
    return Settings(**(given | changes))


def client_of(running: Application) -> httpx.AsyncClient:
    """An HTTP client of an application in this process; relative URLs start at the FHIR base."""
    transport = httpx.ASGITransport(app=running)
    return httpx.AsyncClient(transport=transport, base_url=f"{_SERVED}/fhir")


@asynccontextmanager
async def application_on(settings: Settings, standard: Standard) -> AsyncIterator[Application]:
    """The running application for these settings."""
    from service.app import create_app

    application = create_app(await prepare(settings), standard)
    async with application.running():
        yield application


@asynccontextmanager
async def _running(programs: Path | None) -> AsyncIterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="massage-fhir-tests-"))
    try:
        with Embedded(folder, connections=200, durable=False, programs=programs) as embedded:
            cluster = Cluster(embedded.wait_until_ready())
            await cluster.create_template()
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _older_programs() -> Path:
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    on_path = shutil.which("pg_config")
    if on_path:
        told = subprocess.run([on_path, "--bindir"], capture_output=True, text=True, check=True)
        folders.append(Path(told.stdout.strip()))
    found = {_major(folder): folder for folder in folders if (folder / "initdb").exists()}
    usable = [version for version in found if _OLDEST_SUPPORTED <= version < _EMBEDDED]
    if not usable:
        pytest.skip("the programs of a PostgreSQL server 15 to 17 are not on this machine: not tested against one")
    return found[min(usable)]


def _major(programs: Path) -> int:
    told = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True)
    return int(told.stdout.split()[2].partition(".")[0])
