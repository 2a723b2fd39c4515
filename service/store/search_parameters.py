"""The SearchParameter resources that take effect, and how far the index has come with each.

Their *generation* is a number that changes with any of them: a worker that knows it knows the parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Integer, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSON

from service.store.on_session import connection_of
from service.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.search.stored_parameters import State
    from service.store.store import Session

LOCK: Final = 0x6D617373_61676502
"""Held by every transaction that changes them, so that each sees what the one before has done."""

search_generation: Final = Table(
    "search_generation",
    metadata,
    Column("single", Boolean, primary_key=True, server_default=text("true")),
    Column("number", BigInteger, nullable=False),
    CheckConstraint("single", name="one_row"),
)

search_parameter: Final = Table(
    "search_parameter",
    metadata,
    Column("id", Text(collation="C"), nullable=False),  # of the SearchParameter resource
    Column("version_id", Integer, nullable=False),
    Column("state", Text(collation="C"), nullable=False),
    Column("types", ARRAY(Text), nullable=False),
    Column("job", BigInteger),  # the reindex_job that will have made, or removed, its rows
    Column("content", JSON, nullable=False),
    PrimaryKeyConstraint("id", "version_id"),
)

_GENERATION: Final = """SELECT number, EXISTS (SELECT FROM reindex_job WHERE state IN ('waiting', 'running')) AS jobs
FROM search_generation"""
_ALL: Final = """SELECT g.number, p.id, p.version_id, p.state, p.types, p.content
FROM search_generation g LEFT JOIN search_parameter p ON true ORDER BY p.id, p.version_id"""
_ADD: Final = """INSERT INTO search_parameter (id, version_id, state, types, content)
VALUES ($1, $2, 'indexing', $3, $4::json)"""
_REWORD: Final = """UPDATE search_parameter SET version_id = $2, content = $3::json
WHERE id = $1 AND state IN ('indexing', 'ready')"""
_WITHDRAW: Final = """UPDATE search_parameter SET state = 'leaving', job = NULL
WHERE id = $1 AND state IN ('indexing', 'ready')"""
_TAKE: Final = """UPDATE search_parameter SET job = $1 WHERE ($2::text[] IS NULL OR types <@ $2)
AND state IN ('indexing', 'leaving', 'left')"""
_PENDING: Final = """SELECT EXISTS (SELECT FROM search_parameter WHERE ($1::text[] IS NULL OR types <@ $1)
AND state IN ('indexing', 'leaving', 'left'))"""
_DROP: Final = "UPDATE search_parameter SET state = 'left' WHERE job = $1 AND state = 'leaving'"
_FINISH: Final = """WITH gone AS (DELETE FROM search_parameter WHERE job = $1 AND state = 'left')
UPDATE search_parameter SET state = 'ready' WHERE job = $1 AND state = 'indexing'"""


class Generation(Struct, frozen=True):
    """Which search parameters there are, and whether there is a reindex to do."""

    number: int
    jobs: bool


class Row(Struct, frozen=True, kw_only=True):
    """A SearchParameter: the version that takes effect, or one that did and is on its way out."""

    id: str
    version_id: int
    state: State
    types: Sequence[str]
    content: bytes

    @property
    def current(self) -> bool:
        """Whether it takes effect, or will."""
        return self.state in ("indexing", "ready")


async def generation(session: Session) -> Generation:
    """The generation of now."""
    return Generation(*await connection_of(session).fetchrow(_GENERATION))


async def parameters(session: Session) -> tuple[int, list[Row]]:
    """The generation and all its rows, of one moment."""
    found = await connection_of(session).fetch(_ALL)
    rows = [Row(**{name: value for name, value in each.items() if name != "number"}) for each in found if each["id"]]
    return found[0]["number"], rows


async def next_generation(session: Session) -> None:
    """Tell all workers that something has changed, once this is committed."""
    await connection_of(session).execute("UPDATE search_generation SET number = number + 1")


async def add(session: Session, logical_id: str, version_id: int, types: Sequence[str], content: bytes) -> None:
    """Let it be indexed."""
    await connection_of(session).execute(_ADD, logical_id, version_id, types, content)


async def reword(session: Session, logical_id: str, version_id: int, content: bytes) -> None:
    """Keep another version that says the same."""
    await connection_of(session).execute(_REWORD, logical_id, version_id, content)


async def withdraw(session: Session, logical_id: str) -> None:
    """Let it be searched by no more, and be indexed until everybody knows that."""
    await connection_of(session).execute(_WITHDRAW, logical_id)


async def pending(session: Session, types: Sequence[str] | None) -> bool:
    """Whether there is any of these types for a job to make, or remove, the rows of."""
    return bool(await connection_of(session).fetchval(_PENDING, types))


async def take(session: Session, job: int, types: Sequence[str] | None) -> None:
    """Let the job be the one to make, or remove, the rows of what is not ready and of these types."""
    await connection_of(session).execute(_TAKE, job, types)


async def drop(session: Session, job: int) -> bool:
    """Let what leaves by the job be indexed no more; whether there was any."""
    told: str = await connection_of(session).execute(_DROP, job)
    return told != "UPDATE 0"


async def finish(session: Session, job: int) -> None:
    """The job is done: what came by it is ready, what left is gone."""
    await connection_of(session).execute(_FINISH, job)
