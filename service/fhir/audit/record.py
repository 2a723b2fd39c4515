"""An audit record: who did what to which resource, when, from where, by which query, and how it ended.

Records of one moment are kept together, as the JSON of a `Link`: it names the chain that it is in, the number of its
last record there, and the hash of the link before it. Whoever changes or takes out a record changes what all links
after it say.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import DecodeError, Struct, json

from service.fhir.reference import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping
from datetime import datetime  # noqa: TC003 - msgspec reads the annotation

Action = Literal["C", "R", "U", "D", "E"]
"""https://hl7.org/fhir/R4/valueset-audit-event-action.html"""

ACTIONS: Final[Mapping[str, Action]] = {
    "read": "R",
    "vread": "R",
    "history-instance": "R",
    "history-type": "R",
    "history-system": "R",
    "create": "C",
    "update": "U",
    "patch": "U",
    "delete": "D",
    "client-look": "R",
}
"""Interaction, by its code in http://hl7.org/fhir/restful-interaction → action; any other one is an execution."""

ANCHOR: Final = "anchor"
"""In the place of an interaction: a record of the heads of all chains, by which a tail that was cut off is missed."""

LOGIN: Final = "login"
LOGOUT: Final = "logout"
CLIENT_CHANGE: Final = "client-change"
CLIENT_LOOK: Final = "client-look"
SECURITY: Final = (LOGIN, LOGOUT, CLIENT_CHANGE, CLIENT_LOOK)
"""In the place of an interaction: a token was asked for, or revoked; the registry of clients was changed, or read."""

LONGEST_QUERY: Final = 16_384
"""Characters that are kept of a query; of a longer one the rest is left out, and its SHA-256 is kept."""


class Head(Struct, frozen=True, array_like=True):
    """The last record of a chain: its number, and the hash of its link in hexadecimal digits."""

    chain: int
    number: int
    hash: str


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is on record. `interaction` is R4's code of it, or out of `SECURITY`; empty for what was not understood.

    `version` is the one that was read or written, `query` the parameters as they were sent, `patients` the logical ids
    of those who occur in what was answered or written, `status` that of HTTP, `error` the code of a refusal. `reason`
    is why the glass was broken, `account` who ran a command on the service's own machine, where no client asked.
    """

    at: datetime
    interaction: str
    status: int
    request: str = ""
    type: str | None = None
    id: str | None = None
    version: str | None = None
    operation: str | None = None
    query: str | None = None
    query_hash: str | None = None
    error: str | None = None
    client: str | None = None
    organisation: str | None = None
    user: str | None = None
    reason: str | None = None
    account: str | None = None
    address: str | None = None
    patients: tuple[str, ...] = ()
    heads: tuple[Head, ...] = ()

    @property
    def action(self) -> Action:
        """What was done, in one letter."""
        return ACTIONS.get(self.interaction, "E")

    @property
    def outcome(self) -> int:
        """The code of http://hl7.org/fhir/R4/valueset-audit-event-outcome.html: 0 success, 4 refused, 8 failed."""
        return _OUTCOMES.get(self.status // 100, 0)

    @property
    def entity(self) -> str | None:
        """The one resource that the interaction was about, such as ``Patient/1``."""
        return f"{self.type}/{self.id}" if self.type and self.id else None


_OUTCOMES: Final = {4: 4, 5: 8}


class Event(Struct, frozen=True, kw_only=True):
    """A record where it stands: in a chain, under a number, and the moment by which it is found."""

    chain: int
    number: int
    recorded: datetime
    record: Record


class Link(Struct, frozen=True, kw_only=True):
    """Records in their chain, in the order of their numbers: the last one has `number`.

    `previous` is the hash of the link before this one, empty for the first one.
    """

    chain: int
    number: int
    previous: str
    records: tuple[Record, ...]

    @property
    def first(self) -> int:
        """The number of the first record."""
        return self.number - len(self.records) + 1

    @property
    def recorded(self) -> datetime:
        """The moment of the latest record, by which all of them are found."""
        return max(record.at for record in self.records)

    @property
    def clues(self) -> frozenset[int]:
        """The numbers by which the records are found, each once."""
        texts: set[str | None] = {None}
        for record in self.records:
            texts.update((record.entity, record.client, record.organisation, record.user))
            for patient in record.patients:
                texts.add(f"Patient/{patient}")
        texts.remove(None)
        return frozenset(map(clue, texts))

    @property
    def events(self) -> list[Event]:
        """The records, the latest first."""
        recorded = self.recorded
        numbered = enumerate(self.records, start=self.first)
        return [Event(chain=self.chain, number=number, recorded=recorded, record=each) for number, each in numbered][
            ::-1
        ]


def sealed(link: Link) -> tuple[bytes, str]:
    """The link as it is kept, and its hash in hexadecimal digits."""
    kept = _ENCODER.encode(link)
    return kept, hash_of(kept)


def hash_of(kept: bytes) -> str:
    """The SHA-256 of a kept link in hexadecimal digits."""
    return hashlib.sha256(kept).hexdigest()


def opened(kept: bytes) -> Link | None:
    """The link that was kept; None for anything else."""
    try:
        return _DECODER.decode(kept)
    except DecodeError:
        return None


@lru_cache(maxsize=16_384)
def clue(text: str) -> int:
    """The signed 64-bit number by which records are found that name a resource, a client or a user."""
    return int.from_bytes(digest_of(text).bytes[:8], signed=True)


def bounded_query(query: str) -> dict[str, Any]:
    """The fields of a record that keep a query."""
    if len(query) <= LONGEST_QUERY:
        return {"query": query}
    return {"query": query[:LONGEST_QUERY], "query_hash": hash_of(query.encode("utf-8", "replace"))}


_ENCODER: Final = json.Encoder()
_DECODER: Final = json.Decoder(Link)
