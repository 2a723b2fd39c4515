"""The parts with the search parameters of now: those of the release, and those that clients have stored.

Reading them is an attribute; `renewed` asks the database which they are. They carry a lease (see `store.lease`): who
works by them looks whether it has lapsed, and the store writes nothing under one that has.
"""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Final

from service.fhir import codec
from service.fhir.outcome import FhirError
from service.store import search_parameters
from service.store.lease import LEASE_SECONDS, Lease

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from service.fhir.search.registry import Registry
    from service.fhir.search.stored_parameters import StoredParameter
    from service.interactions.parts import Parts
    from service.store.search_parameters import Row
    from service.store.store import Store

_LOG: Final = logging.getLogger(__name__)


class CurrentParts:
    """`parts` with whatever is stored; their lease has lapsed until they are renewed for the first time.

    The database is asked through `store`, their own one unless there is another for it. `has_jobs` tells whether there
    was a reindex to do.
    """

    def __init__(self, parts: Parts, store: Store | None = None, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._store = store or parts.store
        self._generation: int | None = None
        self._one_at_a_time = asyncio.Lock()
        self.has_jobs = False
        self.parts = self._under(parts, Lease(-math.inf, clock))

    async def current(self) -> Parts:
        """The parts, renewed if their lease has lapsed; FhirError when the database cannot be asked."""
        if self.parts.lease.lapsed:
            async with self._one_at_a_time:
                if self._lapsed():  # nobody who waited, too, was first
                    await self._look()
        return self.parts

    def _lapsed(self) -> bool:
        return self.parts.lease.lapsed

    async def renewed(self) -> Parts:
        """The parts by what the database says after the call; FhirError when it cannot be asked."""
        async with self._one_at_a_time:
            return await self._look()

    async def _look(self) -> Parts:
        while True:
            began, lease = self._clock(), self.parts.lease
            lapses = lease.lapses
            async with self._store.session() as session:
                seen = await search_parameters.generation(session)
                self.has_jobs = seen.jobs
                if seen.number != self._generation:
                    number, rows = await search_parameters.parameters(session)
                    self._adopt(rows)
                    self._generation = number
            if lease.lapses == lapses:
                self.parts.lease.extend(began + LEASE_SECONDS)
                return self.parts
            # somebody has stored a search parameter meanwhile, which may not have been there to be seen

    def _adopt(self, rows: Iterable[Row]) -> None:
        parts = self.parts
        stored = served(parts.registry, rows)
        if list(parts.registry.stored) != stored:
            registry = parts.registry.with_stored(stored)
            parts = replace(parts, registry=registry, extractor=parts.extractor.of(registry))
        # who still works with the parts of before may do so until their lease is over
        self.parts = self._under(parts, parts.lease.followed())

    def _under(self, parts: Parts, lease: Lease) -> Parts:
        return replace(parts, lease=lease, store=parts.store.under(lease))


def served(registry: Registry, rows: Iterable[Row]) -> list[StoredParameter]:
    """What stored SearchParameter resources come to; those that this release cannot serve any more are left out."""
    found = []
    for row in rows:
        try:
            found.append(registry.stored_parameter(codec.decode(row.content), row.state))
        except FhirError:
            _LOG.warning("a stored search parameter is not served by this release: SearchParameter/%s", row.id)
    return found
