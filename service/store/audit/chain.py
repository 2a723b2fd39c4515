"""Chains of audit records: each connection that writes has one of its own, so that nobody waits for the others.

A chain has a number out of 1, 2, 3 ...; its connection holds an advisory lock on it as long as it lives, and the next
connection goes on where the last record stands. Records are linked when a statement is made, and count once it is
committed: what is rolled back leaves no gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from msgspec import Struct

from service.fhir.audit.record import Link, clue, sealed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import asyncpg

    from service.fhir.audit.record import Record

_LOCKS: Final = 0x6D617373
_TAKE: Final = "SELECT id FROM generate_series(1, 100000) AS id WHERE pg_try_advisory_lock($1, id) LIMIT 1"
_HEAD: Final = "SELECT number, hash FROM audit_event WHERE chain = $1 ORDER BY number DESC LIMIT 1"


class Row(Struct, frozen=True):
    """A record as the columns of `audit_event`, and the clues of its patients."""

    chain: int
    number: int
    recorded: datetime
    entity: int | None
    client: int | None
    organisation: int | None
    person: int | None
    outcome: int
    action: str
    interaction: str
    record: bytes
    hash: bytes
    patients: tuple[int, ...]


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

    def link(self, records: Iterable[Record]) -> list[Row]:
        """The rows of records that follow the last one."""
        rows = []
        number, previous = self._last
        for record in records:
            number += 1
            link = Link(chain=self._chain, number=number, previous=previous, record=record)
            kept, previous = sealed(link)
            rows.append(_row(link, kept, previous))
        self._last = number, previous
        return rows


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


def _row(link: Link, kept: bytes, hash_: str) -> Row:
    record = link.record
    return Row(
        link.chain,
        link.number,
        record.at,
        _clue(record.entity),
        _clue(record.client),
        _clue(record.organisation),
        _clue(record.user),
        record.outcome,
        record.action,
        record.interaction,
        kept,
        bytes.fromhex(hash_),
        tuple([clue(f"Patient/{each}") for each in record.patients]),
    )


def _clue(text: str | None) -> int | None:
    return None if text is None else clue(text)
