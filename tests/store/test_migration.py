"""Migrations: complete, reversible, run once whoever asks, and cheap when there is nothing to do."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from subprocess import run
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from service.fhir.search.extract import Extractor
from service.store import migration
from service.store.index_rows import keyed_rows
from service.store.secret import kept_secret
from service.store.tables import INDEX_TABLES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.assembly import Standard
    from tests.conftest import Cluster

_TOKENS = "SELECT * FROM index_token ORDER BY resource_key, source, system, code"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def tables(url: str) -> set[str]:
    async with connected(url) as connection:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row["tablename"] for row in rows}


def test_the_constant_head_is_the_newest_revision() -> None:
    scripts = ScriptDirectory.from_config(migration.alembic_configuration())
    assert scripts.get_current_head() == migration.HEAD


async def test_an_empty_database_is_brought_to_head(empty_database_url: str) -> None:
    async with connected(empty_database_url) as connection:
        assert await migration.current(connection) is None
    assert await migration.migrate(empty_database_url)
    async with connected(empty_database_url) as connection:
        assert await migration.current(connection) == migration.HEAD


async def test_the_migrations_create_exactly_the_declared_tables(database_url: str) -> None:
    await migration.run_alembic(database_url, "check")


async def test_a_missing_column_is_noticed_by_the_check(database_url: str) -> None:
    async with connected(database_url) as connection:
        await connection.execute("ALTER TABLE resource DROP COLUMN method CASCADE")
    with pytest.raises(migration.MigrationError, match="operations"):
        await migration.run_alembic(database_url, "check")


async def test_the_migrations_can_be_undone_and_redone(database_url: str) -> None:
    await migration.run_alembic(database_url, "downgrade", "base")
    assert await tables(database_url) == {"alembic_version"}
    await migration.run_alembic(database_url, "upgrade", "head")
    await migration.run_alembic(database_url, "check")


async def test_the_migrations_work_on_an_older_postgres(older_cluster: Cluster) -> None:
    async with older_cluster.clone() as url:
        await migration.run_alembic(url, "check")
        await migration.run_alembic(url, "downgrade", "base")
        await migration.run_alembic(url, "upgrade", "head")
        await migration.run_alembic(url, "check")


async def test_several_starts_at_once_migrate_once(empty_database_url: str) -> None:
    await asyncio.gather(*(migration.migrate(empty_database_url) for _ in range(4)))
    async with connected(empty_database_url) as connection:
        assert await connection.fetchval("SELECT count(*) FROM alembic_version") == 1


async def test_a_database_at_head_is_left_alone(database_url: str) -> None:
    assert not await migration.migrate(database_url)


async def test_a_database_of_a_newer_release_is_refused(database_url: str) -> None:
    async with connected(database_url) as connection:
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(migration.MigrationError, match="newer than this release"):
        await migration.migrate(database_url)


@asynccontextmanager
async def user(cluster: Cluster, name: str) -> AsyncIterator[None]:
    """A user of the server who owns nothing."""
    await cluster.execute(f"CREATE ROLE {name} LOGIN")
    try:
        yield
    finally:
        await cluster.execute(f"DROP ROLE {name}")


async def test_a_user_who_may_not_make_tables_is_told_what_to_do(cluster: Cluster) -> None:
    """Since PostgreSQL 15 only the owner of a database may, unless somebody lets others."""
    async with user(cluster, "stranger"), cluster.clone("template0") as url:
        with pytest.raises(migration.MigrationError, match="let it own the database"):
            await migration.migrate(f"{url}&user=stranger".replace("postgres@", ""))


async def test_a_user_who_may_not_read_the_tables_is_told_what_to_do(cluster: Cluster, database_url: str) -> None:
    async with user(cluster, "visitor"):
        with pytest.raises(migration.MigrationError, match="let it own the database"):
            await migration.migrate(f"{database_url}&user=visitor".replace("postgres@", ""))


async def test_a_lock_that_a_migration_waits_for_too_long_is_told(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "_LOCK_TIMEOUT", "50ms")
    async with connected(database_url) as other, other.transaction():
        await other.execute("LOCK TABLE resource")
        with pytest.raises(migration.MigrationError, match="holds a table"):
            await migration.run_alembic(database_url, "downgrade", "base")


async def test_a_database_that_cannot_hold_every_character_is_refused(cluster: Cluster) -> None:
    await cluster.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    try:
        with pytest.raises(migration.MigrationError, match="is in LATIN1; make one"):
            await migration.migrate(cluster.url_of("latin"))
    finally:
        await cluster.execute("DROP DATABASE latin WITH (FORCE)")


async def test_a_server_that_is_too_old_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "_OLDEST_SERVER", 99)
    with pytest.raises(migration.MigrationError, match="the service needs 99 or newer"):
        await migration.migrate(database_url)


@pytest.mark.parametrize(
    "address,place,reason",
    [
        (
            "127.0.0.1:1/none",
            "127.0.0.1:1",
            "connection refused",
        ),
        (
            "nosuch.invalid/none",
            "nosuch.invalid:5432",
            "host nosuch.invalid is unknown",
        ),
        (
            "/none?host=/nosuch",
            "/nosuch",
            "no such file or directory",
        ),
    ],
)
async def test_a_database_that_cannot_be_reached_is_named_with_the_reason_alone(
    address: str, place: str, reason: str
) -> None:
    with pytest.raises(migration.MigrationError) as caught:
        await migration.migrate(f"postgresql://the-user:the-password@{address}", wait_seconds=0)
    waited = f"the database at {place} did not answer within 0 s (DATABASE_WAIT_SECONDS)"
    assert str(caught.value) == f"{waited}: {reason}"


@pytest.mark.parametrize("parameter", ["target_session_attrs", "gsslib", "ssl_min_protocol_version"])
async def test_a_parameter_that_the_client_refuses_is_told_without_its_value(parameter: str) -> None:
    with pytest.raises(migration.MigrationError, match="DATABASE_URL: its host or its parameters") as caught:
        await migration.migrate(f"postgresql://127.0.0.1:1/none?sslmode=require&{parameter}=the-value")
    assert "the-value" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_a_database_that_does_not_exist_is_named(database_url: str) -> None:
    parts = urlsplit(database_url)
    with pytest.raises(migration.MigrationError, match="refuses the connection: there is no database nosuchdb"):
        await migration.migrate(urlunsplit(parts._replace(path="/nosuchdb")), wait_seconds=0)


def test_alembic_is_not_imported_at_head() -> None:
    code = "import sys, service.serve; assert not {'alembic', 'sqlalchemy.ext.asyncio'} & set(sys.modules)"
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def test_all_workers_keep_the_same_secret(database_url: str) -> None:
    async with connected(database_url) as one, connected(database_url) as other:
        kept = await asyncio.gather(kept_secret(one, "cursor", b"one"), kept_secret(other, "cursor", b"other"))
        assert kept[0] == kept[1]
        assert await kept_secret(one, "cursor", b"later") == kept[0]


async def test_what_was_stored_before_there_were_pairs_has_them(database_url: str, standard: Standard) -> None:
    """Exactly those that it would be stored with now; nothing has to be indexed anew."""
    concept = {"coding": [{"system": "urn:x", "code": "ä"}, {"code": "b"}, {"system": "urn:x"}]}
    contents: list[dict[str, Any]] = [
        {"resourceType": "Task", "status": "requested", "owner": {"reference": "Organization/1"}},
        {"resourceType": "Task", "status": "accepted", "owner": {"display": "Somebody"}, "authoredOn": "2026-01-02"},
        {"resourceType": "Task", "status": "accepted", "for": {"reference": "Patient/1"}, "authoredOn": "2026-01-02"},
        {"resourceType": "Observation", "status": "final", "code": concept, "subject": {"reference": "Patient/1"}},
        {"resourceType": "Observation", "code": concept, "effectivePeriod": {"end": "2026-01-02"}},
        {"resourceType": "Observation", "code": concept, "subject": {"reference": "http://elsewhere.org/Patient/1"}}
        | {"effectiveInstant": "2026-01-02T03:04:05.678Z"},
        {"resourceType": "Observation", "code": concept, "subject": {"reference": "Patient/2"}}
        | {"effectivePeriod": {"end": "2026-01-02"}, "component": [{"code": concept}]},
    ]
    contents.append(contents[0] | {"contained": [contents[3] | {"id": "o"}]})
    extractor = Extractor(standard.registry)
    async with connected(database_url) as connection:
        for key, content in enumerate(contents, start=1):
            rows = extractor.rows(content["resourceType"], content, "")
            for kind, table in INDEX_TABLES.items():
                await connection.copy_records_to_table(table.name, records=keyed_rows(key, kind, rows))
        expected = await connection.fetch(_TOKENS)
    assert len([row for row in expected if row["pair"]]) > len([row for row in expected if row["pair_at"]]) > 0
    await migration.run_alembic(database_url, "downgrade", "0017")
    await migration.run_alembic(database_url, "upgrade", "head")
    async with connected(database_url) as connection:
        assert await connection.fetch(_TOKENS) == expected
