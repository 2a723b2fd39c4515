"""Puts on record what wrote nothing: reads, searches, refusals. Those of one moment share one statement and one commit.

A request waits for it before its answer leaves. As with creates (`store.together`), who finds nobody writing is
written at once, and those who come meanwhile are written together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.audit.record import ANCHOR, Head, Record
from service.store.audit.chain import Chains
from service.store.audit.statement import record_statement
from service.store.together import Company, Together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    import asyncpg

    from service.store.pool import Pool

MOST_WAITING: Final = 1000
"""Requests that wait for their records at the same time in one worker; who comes then is refused as busy."""

MOMENT_SECONDS: Final = 0.002
"""How long a statement is held back for the records of requests that are being performed: less than a commit takes."""

_MOST_AT_ONCE: Final = 64
_STATEMENTS: Final = 2
"""At the same time: the second waits for the disk together with what other workers commit."""
_HEADS: Final = """SELECT c.id, h.number, encode(h.hash, 'hex')
FROM generate_series(1, (SELECT max(chain) FROM audit_link)) AS c(id),
LATERAL (SELECT number, hash FROM audit_link WHERE chain = c.id ORDER BY number DESC LIMIT 1) AS h"""


class Journal:
    """Adds records over the connections of a pool whose chains are `chains`."""

    def __init__(self, pool: Pool, chains: Chains, *, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._chains = chains
        self._now = now
        self._coming = 0
        self._anchored: frozenset[tuple[int, int]] | None = None
        self._group: Together[Sequence[Record]] = Together(
            self._write,
            patience_seconds=pool.acquire_timeout_seconds,
            most_at_once=_MOST_AT_ONCE,
            most_waiting=MOST_WAITING,
            statements=_STATEMENTS,
            expected=lambda: self._coming,
            company=Company(moment_seconds=MOMENT_SECONDS),
        )

    def expect(self) -> None:
        """Somebody will ask to keep records soon; they call `forget` right before they do, or when they do not."""
        self._coming += 1

    def forget(self) -> None:
        """Somebody who was expected is not any more."""
        self._coming -= 1
        if not self._coming:
            self._group.notice()

    async def keep(self, records: Sequence[Record]) -> None:
        """Return when the records are durable; raises when they are not."""
        await self._group.add(records)

    async def anchor(self) -> None:
        """Put the heads of all chains on record, unless this worker has kept nothing since it last did."""
        if self._chains.position == self._anchored:
            return
        async with self._pool.acquire() as connection:
            heads = await read_heads(connection)
        await self.keep([Record(at=self._now(), interaction=ANCHOR, status=0, heads=tuple(heads))])
        self._anchored = self._chains.position

    async def _write(self, groups: Sequence[Sequence[Record]]) -> None:
        async with self._pool.acquire() as connection:
            await keep_records(connection, self._chains, [record for group in groups for record in group])


async def keep_records(connection: asyncpg.Connection[Any], chains: Chains, records: Sequence[Record]) -> None:
    """Add the records to the chain of the connection, in a statement that commits by itself."""
    chain = chains.of(connection)
    chain.rewind()
    text, arguments = record_statement(chain.link(records))
    await connection.execute(text, *arguments)
    chain.keep()


async def keep_by_itself(connection: asyncpg.Connection[Any], record: Record) -> None:
    """Add one record on a connection that keeps no others, and so has no chain yet."""
    chains = Chains()
    await chains.open(connection)
    await keep_records(connection, chains, [record])


async def read_heads(connection: asyncpg.Connection[Any]) -> list[Head]:
    """The last record of every chain."""
    return [Head(*row) for row in await connection.fetch(_HEADS)]
