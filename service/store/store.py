"""The resource store: versions are read from it, searched in it, and written to it inside a unit of work.

Every method of `Session` is one statement. `Store.session()` runs each of them on its own (autocommit);
`Store.transaction()` runs all of them in one READ COMMITTED transaction that commits when the block ends and rolls back
when it raises.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from copy import copy
from typing import TYPE_CHECKING, Any, Final

from service.store.change import LOST_RACES, Change, Conflict
from service.store.history_statement import HistoryPage
from service.store.joining import Joining, find, let_go
from service.store.reading import Wanted, read_wanted, wanted
from service.store.searching import Searches, Searching
from service.store.session import Session
from service.store.together import Company, Together

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence
    from types import TracebackType

    import asyncpg

    from service.fhir.resource import Version
    from service.fhir.sight import Edge, Sight
    from service.store.audit.chain import Chains
    from service.store.lease import Lease
    from service.store.pool import Pool

_MOST_CREATES: Final = 32
"""Creates in one statement: more of them take each other's time."""
_RETURNING: Final = Company(return_seconds=0.001)
"""How long creates wait for those who have just been answered: about as long as the commit takes that it saves."""
_MOST_READS: Final = 64
_READ_STATEMENTS: Final = 2
_READ_SECONDS: Final = 0.002
"""How long reads wait for the statement before theirs: longer than it takes, unless it fetches something huge."""
_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
_LOCK_KEYS: Final = "SELECT pg_advisory_xact_lock(key) FROM unnest('{{{}}}'::bigint[]) AS key"


class Store:
    """Hands out sessions over a pool of connections, which write under the lease.

    `chains` are those of the pool's connections; without them changes bring no audit records. `sight` is what its
    sessions see, None: everything, and who sees what is not kept.
    """

    def __init__(self, pool: Pool, lease: Lease | None = None, chains: Chains | None = None) -> None:
        self._pool = pool
        self._lease = lease
        self._chains = chains
        self.sight: Sight | None = None
        patience = pool.acquire_timeout_seconds
        self._creates: Together[Change] = Together(
            self._write, patience_seconds=patience, most_at_once=_MOST_CREATES, company=_RETURNING
        )
        self._joins: Together[Joining] = Together(
            self._write_joining, patience_seconds=patience, most_at_once=_MOST_CREATES, company=_RETURNING
        )
        self._reads = Reads(pool)
        self._searches = Searches(pool)

    def within(self, sight: Sight) -> Store:
        """The same store as somebody sees it; what is created goes with what others create."""
        narrowed = copy(self)
        narrowed.sight = sight
        return narrowed

    def under(self, lease: Lease) -> Store:
        """The store on the same connections, under another lease."""
        store = Store(self._pool, lease, self._chains)
        store.sight = self.sight
        return store

    async def create(self, change: Change, edges: Sequence[Edge] = ()) -> None:
        """Write a first version by itself, or together with others that are created at the same time.

        By its `edges` it comes to belong to referrals; it makes nobody a party to one. `Conflict`, with nothing
        written, where others are at work on these: only a transaction waits for them.
        """
        if self.sight is not None and any(edge.hangs for edge in edges):
            await self._joins.add(Joining(change=change, edges=edges, sight=self.sight))
        else:
            await self._creates.add(change)

    async def read(self, resource_type: str, logical_id: str) -> Version | None:
        """The latest version, a tombstone included, together with what others read at the same time; None: no such."""
        asked = wanted(resource_type, logical_id, self.sight)
        await self._reads.find(asked)
        return asked.found

    def searching(self) -> Searching:
        """What a search asks for, together with what others search at the same time."""
        return Searching(self._searches, self.session, self.sight)

    def on(self, connection: asyncpg.Connection[Any]) -> Session:
        """A session on a connection of the pool."""
        chain = None if self._chains is None else self._chains.of(connection)
        return Session(connection, self._lease, chain, self.sight)

    async def _write(self, changes: Sequence[Change]) -> None:
        async with self._pool.acquire() as connection:
            await self.on(connection).write(changes)

    async def _write_joining(self, group: Sequence[Joining]) -> Collection[int]:
        """The positions of those that were not written, because others are at work on their referrals."""
        async with self._pool.acquire() as connection:
            found = await find(connection, group)
            try:
                changes = [each.change for place, each in enumerate(group) if place not in found.left]
                if changes:
                    await self.on(connection).write(changes, members=found.members)
            finally:
                if found.locked:
                    await let_go(connection, found.locked)
            return found.left

    def session(self) -> Borrowed:
        """A session whose statements commit one by one, for the length of an ``async with`` block."""
        return Borrowed(self, self._pool)

    @asynccontextmanager
    async def transaction(self, locks: Collection[int] = ()) -> AsyncIterator[Session]:
        """A session in one transaction; `Conflict` where the database undid it for the sake of another.

        It begins by locking the 64-bit keys `locks`, in the same round trip. What raises is rolled back when the pool
        takes the connection back.
        """
        begin = f"{_BEGIN}; {_lock(locks)}" if locks else _BEGIN
        async with self._pool.acquire() as connection:
            chain = None if self._chains is None else self._chains.of(connection)
            if chain is not None:
                chain.rewind()
            try:
                await connection.execute(begin)
                yield Session(connection, self._lease, chain, self.sight)
                await connection.execute("COMMIT")
                if chain is not None:
                    chain.keep()
            except LOST_RACES as error:
                raise Conflict from error

    @asynccontextmanager
    async def alone(self, key: int) -> AsyncIterator[Session | None]:
        """A session while nobody else is inside with that 64-bit key, in any process; None where somebody is."""
        async with self._pool.acquire() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", key):
                yield None
                return
            cancelled = False
            try:
                yield self.on(connection)
            except asyncio.CancelledError:
                cancelled = True  # the pool drops the connection then, and the lock with it
                raise
            finally:
                if not cancelled:
                    await connection.execute("SELECT pg_advisory_unlock($1)", key)


class Reads:
    """Reads on connections of the pool; those that come while others are served wait for the next statement."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._together: Together[Wanted] = Together(
            self._serve,
            patience_seconds=pool.acquire_timeout_seconds,
            most_at_once=_MOST_READS,
            statements=_READ_STATEMENTS,
            company=Company(moment_seconds=_READ_SECONDS),
        )

    async def find(self, asked: Wanted) -> None:
        """Return when it is looked up."""
        await self._together.add(asked)

    async def _serve(self, group: Sequence[Wanted]) -> None:
        with self._together.under_way():
            async with self._pool.acquire() as connection:
                await read_wanted(connection, group)


class Borrowed:
    """What `Store.session` returns: reads are so short that a generator in its place would be felt."""

    __slots__ = ("_lease", "_store")

    def __init__(self, store: Store, pool: Pool) -> None:
        self._store = store
        self._lease = pool.acquire()

    async def __aenter__(self) -> Session:
        return self._store.on(await self._lease.__aenter__())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._lease.__aexit__(kind, error, traceback)


def _lock(keys: Collection[int]) -> str:
    """Always in the same order, so that two transactions never wait for each other in a circle."""
    return _LOCK_KEYS.format(",".join(str(int(key)) for key in sorted(set(keys))))


__all__ = ["Change", "Conflict", "HistoryPage", "Session", "Store"]
