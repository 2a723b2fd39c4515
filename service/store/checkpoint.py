"""How far a command that can be interrupted has come, kept in the transaction that took it there.

`load` and `reindex` write a checkpoint with every batch; started again, they go on from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from sqlalchemy import BigInteger, Boolean, Column, Table, Text

from service.store.on_session import connection_of
from service.store.tables import metadata

if TYPE_CHECKING:
    from service.store.store import Session

checkpoint: Final = Table(
    "checkpoint",
    metadata,
    Column("name", Text(collation="C"), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("passed", BigInteger, nullable=False),
    Column("finished", Boolean, nullable=False),
)

_SAVE: Final = """INSERT INTO checkpoint (name, position, passed, finished) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE
SET position = excluded.position, passed = excluded.passed, finished = excluded.finished"""


class Checkpoint(Struct, frozen=True, kw_only=True):
    """A place in a piece of work: `name` says which, without anything of its content.

    `position` is where to go on (bytes of a file, or the key of a resource), `passed` how much lies before it (lines,
    or resources).
    """

    name: str
    position: int = 0
    passed: int = 0
    finished: bool = False


async def saved(session: Session, name: str) -> Checkpoint | None:
    """The checkpoint of that name; None where the work was never begun."""
    row: Any = await connection_of(session).fetchrow("SELECT * FROM checkpoint WHERE name = $1", name)
    return None if row is None else Checkpoint(**row)


async def save(session: Session, point: Checkpoint) -> None:
    """Keep the checkpoint, in place of an earlier one of its name."""
    await connection_of(session).execute(_SAVE, point.name, point.position, point.passed, point.finished)


async def forget(session: Session, name: str) -> None:
    """The work of that name begins anew the next time."""
    await connection_of(session).execute("DELETE FROM checkpoint WHERE name = $1", name)


async def forget_all(session: Session, *, beginning: str, but: str) -> None:
    """The work of all names with this beginning begins anew the next time, except for that of names that begin so."""
    statement = "DELETE FROM checkpoint WHERE starts_with(name, $1) AND NOT starts_with(name, $2)"
    await connection_of(session).execute(statement, beginning, but)
