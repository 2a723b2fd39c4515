"""Reindexes that the running service does, one after the other: what was asked for, and how far each has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct
from sqlalchemy import BigInteger, Boolean, Column, Identity, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

from service.store.on_session import connection_of
from service.store.tables import EXACT, TIME, metadata

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from service.store.store import Session

JobState = Literal["waiting", "running", "completed", "failed"]

_ZERO: Final = text("0")

reindex_job: Final = Table(
    "reindex_job",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("state", EXACT, nullable=False, server_default=text("'waiting'")),
    Column("types", ARRAY(Text)),  # NULL: all
    Column("parameters", ARRAY(Text), nullable=False),
    Column("asked", Boolean, nullable=False),  # by a person, not by a SearchParameter
    Column("extraction", EXACT, nullable=False, server_default=text("''")),
    Column("position", BigInteger, nullable=False, server_default=_ZERO),
    Column("last", BigInteger, nullable=False, server_default=_ZERO),
    Column("passed", BigInteger, nullable=False, server_default=_ZERO),
    Column("total", BigInteger, nullable=False, server_default=_ZERO),
    Column("replaced", BigInteger, nullable=False, server_default=_ZERO),
    Column("asked_at", TIME, nullable=False, server_default=text("now()")),
    Column("began_at", TIME),
    Column("ended_at", TIME),
    Column("problem", Text),
)

_MOST_SHOWN: Final = 100
_ASK: Final = "INSERT INTO reindex_job (types, parameters, asked) VALUES ($1, $2, $3) RETURNING *"
_JOBS: Final = "SELECT * FROM reindex_job ORDER BY id DESC LIMIT $1"
_NEXT: Final = "SELECT * FROM reindex_job WHERE state IN ('waiting', 'running') ORDER BY id LIMIT 1"
_COUNT: Final = """SELECT count(*) FROM resource WHERE $1::text[] IS NULL
OR hashtextextended(type, 0) = ANY(ARRAY(SELECT hashtextextended(t, 0) FROM unnest($1::text[]) AS t))"""
_START: Final = """UPDATE reindex_job SET state = 'running', extraction = $2, position = 0, passed = 0, replaced = 0,
last = $3, total = $4, began_at = coalesce(began_at, now()) WHERE id = $1 RETURNING *"""
_ADVANCE: Final = "UPDATE reindex_job SET position = $2, passed = $3, replaced = $4 WHERE id = $1"
_END: Final = "UPDATE reindex_job SET state = $2, problem = $3, ended_at = now() WHERE id = $1"
_PRUNE: Final = "DELETE FROM reindex_job WHERE ended_at < now() - interval '30 days'"


class Job(Struct, frozen=True, kw_only=True):
    """A reindex. `types` None: of all types; `parameters` are the codes that it was asked for, if any.

    `position` of `last` keys have been passed, with `passed` of about `total` resources, and `replaced` of them had
    other rows. `extraction` is a digest of what else decides which rows they have.
    """

    id: int
    state: JobState
    types: Sequence[str] | None
    parameters: Sequence[str]
    asked: bool
    extraction: str
    position: int
    last: int
    passed: int
    total: int
    replaced: int
    asked_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    problem: str | None


async def ask(session: Session, types: Sequence[str] | None, parameters: Sequence[str], *, asked: bool) -> Job:
    """A new job at the end of the line."""
    return Job(**await connection_of(session).fetchrow(_ASK, types, parameters, asked))


async def jobs(session: Session) -> list[Job]:
    """The latest ones first."""
    return [Job(**row) for row in await connection_of(session).fetch(_JOBS, _MOST_SHOWN)]


async def next_job(session: Session) -> Job | None:
    """The one that is running, or waits longest."""
    row = await connection_of(session).fetchrow(_NEXT)
    return None if row is None else Job(**row)


async def count(session: Session, types: Sequence[str] | None) -> int:
    """How many resources there are of the types, tombstones included."""
    return int(await connection_of(session).fetchval(_COUNT, types))


async def start(session: Session, job: Job, *, extraction: str, last: int, total: int) -> Job:
    """The job at its beginning, with `last` the last key that it has to pass."""
    return Job(**await connection_of(session).fetchrow(_START, job.id, extraction, last, total))


async def advance(session: Session, job: Job, *, position: int, passed: int, replaced: int) -> None:
    """Keep how far it has come."""
    await connection_of(session).execute(_ADVANCE, job.id, position, passed, replaced)


async def end(session: Session, job: Job, problem: str | None = None) -> None:
    """It is completed, or has failed for that reason."""
    await connection_of(session).execute(_END, job.id, "failed" if problem else "completed", problem)


async def prune_jobs(session: Session) -> None:
    """Forget the jobs that ended a month ago."""
    await connection_of(session).execute(_PRUNE)
