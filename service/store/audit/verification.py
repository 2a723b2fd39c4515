"""Reads all audit records in the order of their chains, and asks of each whether it is as it was kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from service.fhir.audit.record import Head, clue, opened
from service.fhir.audit.verification import ChainCheck, Kept
from service.store.audit.journal import read_heads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import asyncpg

_PAGE: Final = 2000
_RECORDS: Final = """SELECT number, recorded, entity, client, organisation, person, outcome, action, interaction,
  record, encode(hash, 'hex') AS hash
FROM audit_event WHERE chain = $1 AND number > $2 ORDER BY number LIMIT $3"""
_PATIENTS: Final = """SELECT p.number, p.patient
FROM unnest($2::bigint[], $3::timestamptz[], $4::bigint[]) AS w(patient, recorded, number)
JOIN audit_patient p ON (p.patient, p.recorded) = (w.patient, w.recorded)
WHERE p.chain = $1 AND p.number = w.number"""
_CHAINS: Final = """SELECT c.id FROM generate_series(1, (SELECT max(chain) FROM audit_event)) AS c(id)
WHERE EXISTS (SELECT FROM audit_event WHERE chain = c.id)"""
_HASHES: Final = """SELECT w.chain, w.number, encode(e.hash, 'hex')
FROM unnest($1::integer[], $2::bigint[]) AS w(chain, number)
LEFT JOIN audit_event e ON (e.chain, e.number) = (w.chain, w.number)"""


class Verified(Struct):
    """What a verification came to: how many records there are, what is wrong, and the heads of the chains."""

    records: int = 0
    problems: list[str] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)


async def count_records(connection: asyncpg.Connection[Any]) -> int:
    """About how many records there are: without gaps, as many as the last numbers say."""
    return sum(head.number for head in await read_heads(connection))


async def verify(
    connection: asyncpg.Connection[Any], noted: Iterable[Head] = (), *, on_page: Callable[[int], None] = lambda _: None
) -> Verified:
    """Walk along all chains; `noted` are heads that were written down before, which must still be there.

    Records that are added meanwhile are not waited for. `on_page` gets the number of records up to each page.
    """
    verified = Verified(heads=await read_heads(connection))
    asked = {(head.chain, head.number): head.hash for head in noted}
    for (chain,) in await connection.fetch(_CHAINS):
        check = ChainCheck(chain)
        while rows := await connection.fetch(_RECORDS, chain, check.number, _PAGE):
            patients = await _patients(connection, chain, rows)
            for row in rows:
                verified.problems += check.problems(_kept(chain, row, patients.get(row["number"], set())))
            verified.records += len(rows)
            asked |= {(head.chain, head.number): head.hash for head in check.heads}
            check.heads.clear()
            verified.problems += await _missing(connection, asked)
            asked.clear()
            on_page(verified.records)
    verified.problems += await _missing(connection, asked)
    return verified


async def _patients(connection: asyncpg.Connection[Any], chain: int, rows: Sequence[Any]) -> dict[int, set[int]]:
    """By which clues of patients the records of a page are found, by their numbers."""
    wanted = []
    for row in rows:
        link = opened(row["record"])
        if link is not None:
            wanted += [(clue(f"Patient/{each}"), row["recorded"], row["number"]) for each in link.record.patients]
    found: dict[int, set[int]] = {}
    if wanted:
        for number, patient in await connection.fetch(_PATIENTS, chain, *zip(*wanted, strict=True)):
            found.setdefault(number, set()).add(patient)
    return found


def _kept(chain: int, row: Any, patients: Iterable[int]) -> Kept:
    return Kept(
        chain=chain,
        number=row["number"],
        recorded=row["recorded"],
        clues=(row["entity"], row["client"], row["organisation"], row["person"]),
        outcome=row["outcome"],
        action=row["action"],
        interaction=row["interaction"],
        record=row["record"],
        hash=row["hash"],
        patients=frozenset(patients),
    )


async def _missing(connection: asyncpg.Connection[Any], heads: dict[tuple[int, int], str]) -> list[str]:
    """What is wrong with records that were once the last ones of their chains."""
    if not heads:
        return []
    chains, numbers = zip(*heads, strict=True)
    problems = []
    for chain, number, hash_ in await connection.fetch(_HASHES, chains, numbers):
        if hash_ is None:
            problems.append(f"record {chain}-{number} is missing: it was the last one of its chain when that was noted")
        elif hash_ != heads[chain, number]:
            problems.append(f"record {chain}-{number} is not the one that was noted as the last one of its chain")
    return problems
