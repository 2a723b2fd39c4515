"""Whether a chain of audit records is as it was kept: each follows the one before it, none is missing or changed.

The hashes have no key: who may write to the database, and knows how, can make a chain anew from any record on. That is
found by a head that was noted before: in an anchor on another chain, or outside of the database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from service.fhir.audit.record import ANCHOR, hash_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from service.fhir.audit.record import Head, Link


class Kept(Struct, frozen=True):
    """A link as the database has it: where it stands, what it is found by, itself and its hash in hexadecimal.

    `link` is None where `content` cannot be read as one.
    """

    chain: int
    number: int
    recorded: datetime
    content: bytes
    hash: str
    clues: frozenset[int]
    link: Link | None

    @property
    def first(self) -> int:
        """The number of its first record; of what cannot be read, or is another link, the last one is known only."""
        link = self.link
        return link.first if link and (link.chain, link.number) == (self.chain, self.number) else self.number

    @property
    def name(self) -> str:
        """What it is called in a problem."""
        if self.first == self.number:
            return f"record {self.chain}-{self.number}"
        return f"record {self.chain}-{self.number} (with those from {self.chain}-{self.first})"


class ChainCheck:
    """Walks along one chain in the order of its numbers; `heads` are those that its anchors name."""

    def __init__(self, chain: int) -> None:
        self._chain = chain
        self.number = 0
        self._hash = ""
        self.heads: list[Head] = []

    def problems(self, kept: Kept) -> Iterator[str]:
        """What is wrong with the next link; nothing of it is quoted."""
        missing = kept.first - self.number - 1
        if missing > 0:
            after = (
                f"after record {self._chain}-{self.number}" if self.number else f"at the start of chain {self._chain}"
            )
            yield f"{missing} records are missing {after}"
        if missing < 0:
            yield f"{kept.name} has records under numbers that are taken"
        link = kept.link
        if link is None or hash_of(kept.content) != kept.hash:
            yield f"{kept.name} was changed: it does not have the hash that was kept with it"
        if link is not None:
            if (link.chain, link.number) != (kept.chain, kept.number):
                yield f"{kept.name} is another record, {link.chain}-{link.number}"
            elif missing <= 0 and link.previous != self._hash:
                yield f"{kept.name} follows another record than the one before it"
            if (kept.recorded, kept.clues) != (link.recorded, link.clues):
                yield f"{kept.name} is found by other values than its own"
            self.heads.extend(head for record in link.records if record.interaction == ANCHOR for head in record.heads)
        self.number, self._hash = kept.number, kept.hash
