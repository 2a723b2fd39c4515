"""Whether a chain of audit records is as it was kept: each follows the one before it, none is missing or changed.

The hashes have no key: who may write to the database, and knows how, can make a chain anew from any record on. That is
found by a head that was noted before: in an anchor on another chain, or outside of the database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from service.fhir.audit.record import ANCHOR, clue, hash_of, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from service.fhir.audit.record import Head, Link


class Kept(Struct, frozen=True):
    """A record as the database has it: where it stands, what it is found by, itself and its hash in hexadecimal."""

    chain: int
    number: int
    recorded: datetime
    clues: tuple[int | None, int | None, int | None, int | None]
    outcome: int
    action: str
    interaction: str
    record: bytes
    hash: str
    patients: frozenset[int]


class ChainCheck:
    """Walks along one chain in the order of its numbers; `heads` are those that its anchors name."""

    def __init__(self, chain: int) -> None:
        self._chain = chain
        self.number = 0
        self._hash = ""
        self.heads: list[Head] = []

    def problems(self, kept: Kept) -> Iterator[str]:
        """What is wrong with the next record; nothing of it is quoted."""
        missing = kept.number - self.number - 1
        if missing:
            after = (
                f"after record {self._chain}-{self.number}" if self.number else f"at the start of chain {self._chain}"
            )
            yield f"{missing} records are missing {after}"
        where = f"record {kept.chain}-{kept.number}"
        link = opened(kept.record)
        if link is None or hash_of(kept.record) != kept.hash:
            yield f"{where} was changed: it does not have the hash that was kept with it"
        if link is not None:
            if (link.chain, link.number) != (kept.chain, kept.number):
                yield f"{where} is another record, {link.chain}-{link.number}"
            elif not missing and link.previous != self._hash:
                yield f"{where} follows another record than the one before it"
            if not _is_found_by_itself(link, kept):
                yield f"{where} is found by other values than its own"
            if link.record.interaction == ANCHOR:
                self.heads.extend(link.record.heads)
        self.number, self._hash = kept.number, kept.hash


def _is_found_by_itself(link: Link, kept: Kept) -> bool:
    record = link.record
    texts = record.entity, record.client, record.organisation, record.user
    return (
        kept.recorded == record.at
        and kept.clues == tuple([None if text is None else clue(text) for text in texts])
        and (kept.outcome, kept.action, kept.interaction) == (record.outcome, record.action, record.interaction)
        and kept.patients == {clue(f"Patient/{each}") for each in record.patients}
    )
