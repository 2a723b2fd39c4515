"""Chains of audit records: each connection that writes has one of its own, so that nobody waits for the others.

A chain has a number out of 1, 2, 3 ...; its connection holds an advisory lock on it as long as it lives, and the next
connection goes on where the last record stands. Records are linked when a statement is made, and count once it is
committed: what is rolled back leaves no gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from msgspec import Struct

from service.fhir.audit.record import Link, sealed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import asyncpg

    from service.fhir.audit.record import Record

_LOCKS: Final = 0x6D617373
_TAKE: Final = "SELECT id FROM generate_series(1, 100000) AS id WHERE pg_try_advisory_lock($1, id) LIMIT 1"
_HEAD: Final = "SELECT number, hash FROM audit_link WHERE chain = $1 ORDER BY number DESC LIMIT 1"


class Row(Struct, frozen=True):
    """A link as the columns of `audit_link`, and the clues that lead to it."""

    chain: int
    number: int
    recorded: datetime
    content: bytes
    hash: bytes
    clues: list[int]


class Chain:
    """A chain that stands at its record `number`, with the hash `hash`; a new one at 0 with none."""

    def __init__(self, chain: int, number: int, hash: str) -> None:
        self._chain = chain
        self._kept = number, hash
        self._last = number, hash

    @property
    def position(self) -> tuple[int, int]:
        """The chain and the number of its last record that is kept."""
        return self._chain, self._kept[0]

    def rewind(self) -> None:
        """Forget what was linked and not kept."""
        self._last = self._kept

    def keep(self) -> None:
        """Note that what was linked is committed."""
        self._kept = self._last

    def link(self, records: Sequence[Record]) -> Row:
        """The row of records that follow the last one; there is at least one of them."""
        number, previous = self._last
        link = Link(chain=self._chain, number=number + len(records), previous=previous, records=tuple(records))
        content, hash_ = sealed(link)
        self._last = link.number, hash_
        clues = sorted(link.clues)
        return Row(link.chain, link.number, link.recorded, content, bytes.fromhex(hash_), clues)


class Chains:
    """The chains of the connections of a pool."""

    def __init__(self) -> None:
        self._chains: WeakKeyDictionary[asyncpg.Connection[Any], Chain] = WeakKeyDictionary()

    async def open(self, connection: asyncpg.Connection[Any]) -> None:
        """Give a new connection the first chain that no living connection has."""
        chain = await connection.fetchval(_TAKE, _LOCKS)
        head = await connection.fetchrow(_HEAD, chain)
        self._chains[connection] = Chain(chain, head["number"], head["hash"].hex()) if head else Chain(chain, 0, "")

    @property
    def position(self) -> frozenset[tuple[int, int]]:
        """Where the chains of all connections stand."""
        return frozenset(chain.position for chain in self._chains.values())

    def of(self, connection: asyncpg.Connection[Any]) -> Chain:
        """The chain of a connection."""
        return self._chains[connection]
