"""The reindexes that are asked for, one after the other: by people, and by search parameters that come or go.

One worker of all does them, and another goes on where it was when it dies. A job that makes the rows of search
parameters begins once no writer can be left that knows nothing of them (see `store.lease`):

    wait → drop what leaves from the index, and wait again → rebuild → let what came be searched by

What leaves is indexed until the first wait is over, because until then somebody may still search by it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from service.fhir.interaction import Context
from service.fhir.outcome import FhirError
from service.jobs.rebuild import LOOK_AGAIN_SECONDS, Progress, Rebuilding, ReindexError, Selection
from service.store import reindex_job, search_parameters
from service.store.change import Conflict
from service.store.index_rows import last_key, none_begun_before, transaction_id
from service.store.lease import GRACE_SECONDS, LEASE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from service.interactions.current import CurrentParts
    from service.interactions.parts import Parts
    from service.store.reindex_job import Job
    from service.store.store import Session, Store

_LOG: Final = logging.getLogger(__name__)
_ONE_WORKER: Final = 0x6D617373_61676503
SETTLE_SECONDS: Final = LEASE_SECONDS + GRACE_SECONDS
"""After which no writer goes by the search parameters of before."""
_BATCH: Final = 64
"""Resources that are worked on between two looks at what clients ask for."""
_FAULT: Final = "an unexpected fault, which the log tells of"


class Reindexing:
    """Does the jobs that there are, on connections of `store`; `base` is empty where requests tell it."""

    def __init__(
        self,
        current: CurrentParts,
        store: Store,
        *,
        base: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._current = current
        self._store = store
        self._base = base
        self._clock = clock

    async def work(self) -> None:
        """Do all jobs, unless another worker does; FhirError or Conflict: try again."""
        async with self._store.alone(_ONE_WORKER) as session:
            while session and (job := await reindex_job.next_job(session)):
                await self._do(session, job)

    async def _do(self, session: Session, job: Job) -> None:
        try:
            await self._perform(session, job)
        except (FhirError, Conflict):
            raise
        except ReindexError as error:
            await reindex_job.end(session, job, str(error))
        except Exception:  # noqa: BLE001 - a job that cannot be done must not keep the others from being done
            _LOG.exception("a reindex failed")
            await reindex_job.end(session, job, _FAULT)

    async def _perform(self, session: Session, job: Job) -> None:
        extraction = self._extraction(await self._current.renewed())
        if not job.asked and not await search_parameters.pending(session, job.types):
            await reindex_job.end(session, job)  # one before has done it
            return
        if job.state == "waiting" or job.extraction != extraction:
            await self._settle(job)
            total = await reindex_job.count(session, job.types)
            job = await reindex_job.start(
                session, job, extraction=extraction, last=await last_key(session), total=total
            )
        else:
            await self._wait_for_others()
        progress = Progress(position=job.position, last=job.last, passed=job.passed, replaced=job.replaced)

        async def keep(session: Session) -> None:
            now = {"position": progress.position, "passed": progress.passed, "replaced": progress.replaced}
            await reindex_job.advance(session, job, **now)

        context = Context(base=self._base, request_id=f"reindex-{job.id}", received_at=self._clock())
        selection = Selection(types=None if job.types is None else tuple(job.types))
        rebuilding = Rebuilding(self._parts, context, selection, progress, keep=keep, batch=_BATCH)
        while await rebuilding.round():
            pass
        await self._finish(job)

    async def _settle(self, job: Job) -> None:
        """Until all writers go by the search parameters that there are now, which the job is for.

        Those that come while it waits are for the next one.
        """
        async with self._store.transaction((search_parameters.LOCK,)) as session:
            await search_parameters.take(session, job.id, job.types)
        await self._wait_for_writers()
        async with self._store.transaction((search_parameters.LOCK,)) as session:
            dropped = await search_parameters.drop(session, job.id)
            if dropped:
                await search_parameters.next_generation(session)
        if dropped:
            await self._current.renewed()
            await self._wait_for_writers()

    async def _finish(self, job: Job) -> None:
        async with self._store.transaction((search_parameters.LOCK,)) as session:
            await search_parameters.finish(session, job.id)
            await search_parameters.next_generation(session)
            await reindex_job.end(session, job)
        await self._current.renewed()

    async def _wait_for_writers(self) -> None:
        await asyncio.sleep(SETTLE_SECONDS)
        await self._wait_for_others()

    async def _wait_for_others(self) -> None:
        """Until every transaction that is under way is over, and every statement."""
        async with self._store.session() as session:
            transaction = await transaction_id(session)
            while not await none_begun_before(session, transaction):  # noqa: ASYNC110 - the event is in the database
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _parts(self) -> Parts:
        """The current parts on the connections of jobs, so that requests need not wait for these."""
        parts = await self._current.current()
        return replace(parts, store=self._store.under(parts.lease))

    def _extraction(self, parts: Parts) -> str:
        """A digest of what decides which rows a content has, beside search parameters that come and go."""
        deciding = (parts.software_version, self._base, str(parts.zone), parts.limits.referential_integrity)
        return hashlib.blake2b(repr(deciding).encode(), digest_size=8).hexdigest()
