"""The registered clients, and what tells all workers that what they remember of clients and tokens is out of date.

The generation is one number. Whatever takes a right away raises it in the same statement; a worker that sees another
number than it remembers forgets everything and looks again.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from msgspec import Struct
from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSON

from service.fhir.actor import Client
from service.store.tables import EXACT, TIME, metadata

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    import asyncpg

    from service.fhir.actor import Role


access_client: Final = Table(
    "access_client",
    metadata,
    Column("id", EXACT, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", EXACT, nullable=False),
    Column("organisation", EXACT),
    Column("scope", EXACT, nullable=False),
    Column("jwks", JSON),
    Column("jwks_url", EXACT),
    Column("issuer", EXACT),
    Column("requests_per_minute", Integer),
    Column("created_at", TIME, nullable=False),
    Column("disabled_at", TIME),
    CheckConstraint("role IN ('referrer', 'clinic', 'administrator', 'researcher')", name="role"),
    CheckConstraint("organisation IS NOT NULL OR role IN ('administrator', 'researcher')", name="organisation"),
    CheckConstraint("num_nonnulls(jwks, jwks_url, issuer) = 1", name="one_source_of_trust"),
)
access_generation: Final = Table(
    "access_generation",
    metadata,
    Column("single", Boolean, primary_key=True, server_default=text("true")),
    Column("number", BigInteger, nullable=False),
    CheckConstraint("single", name="single"),
)

_COLUMNS: Final = (
    "id, name, role, organisation, scope, jwks, jwks_url, issuer, requests_per_minute, created_at, disabled_at"
)
_RAISE: Final = "raised AS (UPDATE access_generation SET number = number + 1 WHERE EXISTS (SELECT FROM changed))"
_ADD: Final = f"""INSERT INTO access_client ({_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL) ON CONFLICT (id) DO NOTHING RETURNING {_COLUMNS}"""  # noqa: S608
_FIND: Final = f"SELECT {_COLUMNS} FROM access_client WHERE id = $1"  # noqa: S608
_LIST: Final = f"SELECT {_COLUMNS} FROM access_client ORDER BY created_at, id"  # noqa: S608
_SWITCH: Final = f"""WITH changed AS (
  UPDATE access_client SET disabled_at = $2 WHERE id = $1 RETURNING {_COLUMNS}), {_RAISE}
SELECT * FROM changed"""  # noqa: S608
_SET_KEYS: Final = f"""WITH changed AS (
  UPDATE access_client SET jwks = $2, jwks_url = $3 WHERE id = $1 AND issuer IS NULL RETURNING {_COLUMNS}), {_RAISE}
SELECT * FROM changed"""  # noqa: S608
_CHANGE: Final = f"""WITH changed AS (
  UPDATE access_client SET name = $2, scope = $3, requests_per_minute = $4 WHERE id = $1 RETURNING {_COLUMNS}), {_RAISE}
SELECT * FROM changed"""  # noqa: S608
GENERATION: Final = "SELECT number FROM access_generation"


class Registration(Struct, frozen=True, kw_only=True):
    """A client as it is registered.

    It is trusted by the keys in `jwks` (JSON), by those at `jwks_url`, or because `issuer` says who it is. `scope` is a
    space-separated list. `requests_per_minute` None: as the settings say.
    """

    id: str
    name: str
    role: Role
    organisation: str | None = None
    scope: str
    jwks: bytes | None = None
    jwks_url: str | None = None
    issuer: str | None = None
    requests_per_minute: int | None = None
    created_at: datetime
    disabled_at: datetime | None = None

    @property
    def client(self) -> Client:
        """The client as interactions know it."""
        return Client(id=self.id, name=self.name, role=self.role, organisation=self.organisation)


class Connections(Protocol):
    """Where connections come from: a pool, or a transaction that has one."""

    def acquire(self) -> AbstractAsyncContextManager[asyncpg.Connection[Any]]:
        """A connection for the length of a block."""


class OneConnection:
    """In the place of a pool: the connection of a transaction, in which everything happens."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection

    def acquire(self) -> AbstractAsyncContextManager[asyncpg.Connection[Any]]:
        """The connection, which is nobody's to give back."""
        return nullcontext(self._connection)


class Clients:
    """The registry in the database; every method is one statement."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    async def add(self, new: Registration) -> bool:
        """Register a client; whether its id was free."""
        row = await self._row(
            _ADD,
            *(new.id, new.name, new.role, new.organisation, new.scope, new.jwks, new.jwks_url, new.issuer),
            *(new.requests_per_minute, new.created_at),
        )
        return row is not None

    async def find(self, client_id: str) -> Registration | None:
        """The client of that id, also one that is disabled."""
        return _registration(await self._row(_FIND, client_id))

    async def every(self) -> Sequence[Registration]:
        """All clients, the oldest first."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(_LIST)
        return [cast("Registration", _registration(row)) for row in rows]

    async def switch(self, client_id: str, *, disabled_at: datetime | None) -> Registration | None:
        """Disable a client, or enable it again; None where there is none of that id."""
        return _registration(await self._row(_SWITCH, client_id, disabled_at))

    async def change(
        self, client_id: str, *, name: str, scope: str, requests_per_minute: int | None
    ) -> Registration | None:
        """Give a client another name, scopes and limit, which hold for the tokens that it has; None for no client."""
        return _registration(await self._row(_CHANGE, client_id, name, scope, requests_per_minute))

    async def set_keys(
        self, client_id: str, *, jwks: bytes | None = None, jwks_url: str | None = None
    ) -> Registration | None:
        """Put keys, or where they are, in the place of those registered; None where no such client has any."""
        return _registration(await self._row(_SET_KEYS, client_id, jwks, jwks_url))

    async def _row(self, statement: str, *arguments: Any) -> asyncpg.Record | None:
        async with self._pool.acquire() as connection:
            return await connection.fetchrow(statement, *arguments)


def _registration(row: asyncpg.Record | None) -> Registration | None:
    return None if row is None else Registration(**dict(row))
