"""Codes and whose they are, as one value of the index: what is asked for together all day.

A clinic's work list is of its own Tasks, which are many, and of those that wait, which are many over all clinics. Each
of the two is in the index, but neither leads to what is both without a look at far more. So a row of such a code has
the digest of both, its *pair*, and the date that the results are wanted in the order of.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.search.parameter import SearchParameter

_NO_SYSTEM: Final = bytes(16)


class Pair(Struct, frozen=True):
    """Search parameters of a type that are asked for together, by their codes.

    `code` is a token parameter; `of`, a reference parameter, and `by`, a date parameter, have at most one value.
    `listed`: there may be any number of resources with one pair, so the index has them in the order of their dates.
    """

    code: str
    of: str
    by: str
    listed: bool = False


PAIRS: Final[Mapping[str, Pair]] = {
    "Observation": Pair("code", "subject", "date"),  # a patient's ratings, one after the other
    "Task": Pair("status", "owner", "authored-on", listed=True),  # a clinic's work list
}
"""Resource type → what of it is asked for together.

The rows are those of R4's parameters. A pair more is a migration more, which gives the rows that there are theirs.
"""


LISTED: Final = (-546560364,)
"""The sources of the codes of pairs that are listed: constants, because an index is made with them."""


class PairSources(Struct, frozen=True):
    """The numbers of the sources that the parameters of a pair read."""

    code: int
    of: int
    by: int

    @property
    def listed(self) -> bool:
        """Whether the index has the resources with the pair in the order of their dates."""
        return self.code in LISTED


def pair_sources(pair: Pair, parameters: Mapping[str, SearchParameter]) -> PairSources:
    """The sources of a pair; ValueError where a resource may have several references, or dates, or no one source."""
    numbers = []
    for name in (pair.code, pair.of, pair.by):
        (source, *others) = parameters[name].sources
        if others or (source.repeats and name != pair.code):
            raise ValueError(f"{name} cannot be of a pair: it may have several values")
        numbers.append(source.number)
    return PairSources(*numbers)


@lru_cache(maxsize=8192)
def pair_digest(source: int, target: UUID, system: UUID | None, code: str) -> UUID:
    """The digest of a code of a source, with the digest of its system, and of the target's.

    It is one that PostgreSQL can compute from the rows of both: migrations do.
    """
    system_bytes = _NO_SYSTEM if system is None else system.bytes
    text = source.to_bytes(4, signed=True) + target.bytes + system_bytes + code.encode()
    return UUID(bytes=hashlib.sha256(text).digest()[:16])
