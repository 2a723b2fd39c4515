"""Access tokens and the client assertions that were spent on them. Only digests are kept: a copy opens nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table

from service.store.clients import GENERATION, Registration
from service.store.tables import EXACT, TIME, metadata

if TYPE_CHECKING:
    from datetime import datetime

    from service.store.pool import Pool


access_token: Final = Table(
    "access_token",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("client_id", ForeignKey("access_client.id", ondelete="CASCADE"), nullable=False),
    Column("scope", EXACT, nullable=False),
    Column("issued_at", TIME, nullable=False),
    Column("expires_at", TIME, nullable=False, index=True),
    Index("ix_access_token_client_id", "client_id"),
)
spent_assertion: Final = Table(
    "spent_assertion",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("expires_at", TIME, nullable=False, index=True),
)

_SWEPT: Final = 50
"""Rows that a new one takes away with it, once they have expired: so no table needs a job that sweeps it."""


def _swept(table: str, now: str) -> str:
    return f"""swept_{table} AS (DELETE FROM {table} WHERE digest = ANY(ARRAY(
  SELECT digest FROM {table} WHERE expires_at < {now} ORDER BY expires_at LIMIT {_SWEPT} FOR UPDATE SKIP LOCKED)))"""  # noqa: S608


_FRESH: Final = """fresh AS (
  INSERT INTO spent_assertion (digest, expires_at) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING RETURNING digest)"""
_ISSUE: Final = f"""WITH {_swept("access_token", "$6")}, {_swept("spent_assertion", "$6")}, {_FRESH}
INSERT INTO access_token (digest, client_id, scope, issued_at, expires_at)
SELECT $3, $4, $5, $6, $7 FROM fresh RETURNING true"""  # noqa: S608 - constants only
_SPEND: Final = f"""WITH {_swept("spent_assertion", "$3")}, {_FRESH} SELECT true FROM fresh"""  # noqa: S608
_FIND: Final = f"""SELECT t.scope AS granted, t.issued_at, t.expires_at, ({GENERATION}) AS generation,
  c.id, c.name, c.role, c.organisation, c.scope, c.requests_per_minute, c.created_at
FROM access_token t JOIN access_client c ON c.id = t.client_id WHERE t.digest = $1 AND c.disabled_at IS NULL"""  # noqa: S608
_CLIENT: Final = f"""SELECT ({GENERATION}) AS generation,
  c.id, c.name, c.role, c.organisation, c.scope, c.requests_per_minute, c.created_at
FROM access_client c WHERE c.id = $1 AND c.issuer = $2 AND c.disabled_at IS NULL"""  # noqa: S608
_REVOKE: Final = """WITH changed AS (
  DELETE FROM access_token WHERE digest = $1 AND client_id = $2 RETURNING digest)
UPDATE access_generation SET number = number + 1 WHERE EXISTS (SELECT FROM changed)"""


class NewToken(Struct, frozen=True, kw_only=True):
    """A token to be kept, and the digest of the assertion that pays for it."""

    digest: bytes
    client_id: str
    scope: str
    issued_at: datetime
    expires_at: datetime
    assertion_digest: bytes
    assertion_expires_at: datetime


class Held(Struct, frozen=True, kw_only=True):
    """What a token gives to whom: the client, and of a token of ours its scopes and times.

    `generation` is the one that this was read in.
    """

    registration: Registration
    generation: int
    granted: str = ""
    issued_at: datetime | None = None
    expires_at: datetime | None = None


class Tokens:
    """The tokens in the database; every method is one statement."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def issue(self, new: NewToken) -> bool:
        """Keep a token; whether its assertion had not been spent, by any worker."""
        issued = await self._value(
            _ISSUE,
            new.assertion_digest,
            new.assertion_expires_at,
            new.digest,
            new.client_id,
            new.scope,
            new.issued_at,
            new.expires_at,
        )
        return bool(issued)

    async def spend(self, digest: bytes, *, expires_at: datetime, now: datetime) -> bool:
        """Spend an assertion on something else than a token; whether it had not been spent."""
        return bool(await self._value(_SPEND, digest, expires_at, now))

    async def find(self, digest: bytes) -> Held | None:
        """Who holds a token, also one that has expired; None for one unknown or revoked, or of a disabled client."""
        async with self._pool.acquire() as connection:
            return _held(await connection.fetchrow(_FIND, digest))

    async def find_client(self, client_id: str, issuer: str) -> Held | None:
        """The client that `issuer` vouches for under this id; None where it is not registered so, or disabled."""
        async with self._pool.acquire() as connection:
            return _held(await connection.fetchrow(_CLIENT, client_id, issuer))

    async def revoke(self, digest: bytes, *, client_id: str) -> None:
        """Take a token away from its client; nothing happens to that of another one."""
        async with self._pool.acquire() as connection:
            await connection.execute(_REVOKE, digest, client_id)

    async def generation(self) -> int:
        """The number that changes when a right was taken away."""
        return int(await self._value(GENERATION))

    async def _value(self, statement: str, *arguments: Any) -> Any:
        async with self._pool.acquire() as connection:
            return await connection.fetchval(statement, *arguments)


def _held(row: Any) -> Held | None:
    if row is None:
        return None
    values = dict(row)
    read = {name: values.pop(name) for name in ("granted", "issued_at", "expires_at", "generation") if name in values}
    return Held(registration=Registration(**values), **read)
