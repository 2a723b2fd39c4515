"""Batches of resources whose index rows are compared with what extraction gives now, and replaced where they differ.

A batch is one transaction. After some of them comes a rest: wait until every statement that began before the last
replacement is over, look once more at what was replaced and has been changed since (see `store.index_rows`), and only
then move the checkpoint.
"""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir import codec
from service.fhir.interaction import Context
from service.interactions.integrity import rows_with_every_reference
from service.interactions.locality import BASE_MISSING, depends_on_base
from service.jobs.known_base import known_rows
from service.store.change import Conflict
from service.store.checkpoint import Checkpoint, forget, forget_all, save, saved
from service.store.index_rows import (
    last_key,
    none_older,
    replace_rows,
    resources_after,
    rows_of,
    transaction_id,
    version_ids,
)
from service.store.lease import LapsedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from service.fhir.resource import Content, Version
    from service.fhir.search.extract import IndexRows
    from service.interactions.current import CurrentParts
    from service.interactions.parts import Parts
    from service.store.store import Session

_BATCH: Final = 256
"""Writers wait for a batch; of this many it takes a tenth of a second."""
_BATCHES_TO_A_REST: Final = 10
LOOK_AGAIN_SECONDS: Final = 0.05

_CHECKPOINTS: Final = "reindex "
"""What the names of all checkpoints of reindexes begin with."""


class ReindexError(Exception):
    """The reindex cannot begin or go on; the message says why."""


class Selection(Struct, frozen=True, kw_only=True):
    """The types whose rows are to be looked at, None for all."""

    types: tuple[str, ...] | None = None

    def checkpoint_name(self, extraction: str) -> str:
        """The name of the checkpoint: another selection, or another `extraction_of` rows, begins anew."""
        return f"{_CHECKPOINTS}{extraction} {','.join(self.types) if self.types else 'everything'}"


def extraction_of(parts: Parts, base: str) -> str:
    """A digest of whatever decides which rows a content has: release, search parameters, settings."""
    registry = parts.registry
    settings = (parts.software_version, base, str(parts.zone), parts.limits.referential_integrity)
    digest = hashlib.blake2b(repr(settings).encode(), digest_size=8)
    for each in parts.definitions.resource_types:
        restricted = [parameter.restricted_to for parameter in registry.indexed(each)]
        pairs = [parameter.pair for parameter in registry.indexed(each)]
        digest.update(repr((registry.sources(each), registry.composed_elements(each), restricted, pairs)).encode())
    return digest.hexdigest()


class Progress(Struct, kw_only=True):
    """How far it has come: `position` of `last` keys, resources looked at, and those whose rows were replaced."""

    position: int
    last: int
    passed: int
    replaced: int = 0


async def reindex(
    current: CurrentParts,
    selection: Selection,
    *,
    base: str,
    clock: Callable[[], datetime],
    watch: Callable[[Progress], None],
    again: bool = False,
) -> Progress:
    """Rebuild the selection from its checkpoint on, to the last resource that there is now.

    ReindexError at the first resource whose rows depend on the base, when that is empty.
    """
    parts = await current.renewed()
    context = Context(base=base, request_id="reindex", received_at=clock())
    extraction = extraction_of(parts, base)
    name = selection.checkpoint_name(extraction)
    async with parts.store.session() as session:
        # this run undoes what one with another extraction did
        await forget_all(session, beginning=_CHECKPOINTS, but=f"{_CHECKPOINTS}{extraction} ")
        if again:
            await forget(session, name)
        begin = await saved(session, name) or Checkpoint(name=name)
        progress = Progress(position=begin.position, last=await last_key(session), passed=begin.passed)

    async def keep(session: Session) -> None:
        await save(session, Checkpoint(name=name, position=progress.position, passed=progress.passed))

    watch(progress)
    rebuilding = Rebuilding(current.current, context, selection, progress, keep=keep, batch=_BATCH)
    while await rebuilding.round():
        watch(progress)
    async with parts.store.session() as session:
        await forget(session, name)
    return progress


class Rebuilding:
    """The batches since the last rest; `keep` is called after each rest, with the progress that is certain by then."""

    def __init__(
        self,
        current: Callable[[], Awaitable[Parts]],
        context: Context,
        selection: Selection,
        progress: Progress,
        *,
        keep: Callable[[Session], Awaitable[None]],
        batch: int,
    ) -> None:
        self._current = current
        self._context = context
        self._selection = selection
        self._progress = progress
        self._keep = keep
        self._batch = batch
        self._replaced: dict[int, int] = {}
        """Key → the version whose rows were made anew."""
        self._transaction = ""
        self._known: dict[int, tuple[str, str]] = {}

    async def round(self) -> bool:
        """Some batches and a rest; False when there was nothing left."""
        progress, found = self._progress, False
        for _ in range(_BATCHES_TO_A_REST):
            async with (await self._current()).store.session() as session:
                following = await resources_after(session, progress.position, self._selection.types, self._batch)
            following = {key: resource for key, resource in following.items() if key <= progress.last}
            if not following:
                break
            found = True
            await self._replace(following)
            progress.position = max(following)
            progress.passed += len(following)
        await self._rest()
        async with (await self._current()).store.session() as session:
            await self._keep(session)
        return found

    async def _replace(self, resources: Mapping[int, tuple[str, str]]) -> None:
        """One batch, in one transaction; again when the database undid it for the sake of another.

        The parts are those of now: rows by the search parameters of before would undo what writers do by these.
        """
        while True:
            parts = await self._current()
            try:
                async with parts.store.transaction() as session:
                    await self._replace_in(parts, session, resources)
            except (Conflict, LapsedError):
                continue
            return

    async def _replace_in(self, parts: Parts, session: Session, resources: Mapping[int, tuple[str, str]]) -> None:
        current = await session.current(list(resources.values()), lock=True)
        versions = {key: current[resource] for key, resource in resources.items() if resource in current}
        expected = await self._expected(parts, session, versions)
        parts.lease.require()
        changed = await replace_rows(session, expected)
        if changed:
            self._transaction = await transaction_id(session)
        self._replaced |= {key: versions[key].version_id for key in changed}
        self._known |= {key: resources[key] for key in changed}
        self._progress.replaced += len(changed)

    async def _rest(self) -> None:
        """Until nothing that was replaced can have been changed by a statement that did not see it."""
        while self._replaced:
            seen, known = self._replaced, self._known
            self._replaced, self._known = {}, {}
            async with (await self._current()).store.session() as session:
                while not await none_older(session, self._transaction):  # noqa: ASYNC110 - the event is in the database
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
                now = await version_ids(session, seen)
            later = {key: known[key] for key, version_id in now.items() if version_id != seen[key]}
            if later:
                await self._replace(later)

    async def _expected(self, parts: Parts, session: Session, versions: Mapping[int, Version]) -> dict[int, IndexRows]:
        """Key → the rows that the version should have; ReindexError where they depend on a base that nobody knows."""
        contents = {key: codec.decode(each.content) for key, each in versions.items() if each.content is not None}
        base, rows = self._context.base, partial(self._rows, parts)
        unclear = [] if base else [key for key, content in contents.items() if depends_on_base(parts, content)]
        there = await rows_of(session, unclear) if unclear else {}
        expected: dict[int, IndexRows] = {key: {} for key in versions}
        for key, content in contents.items():
            known = (
                known_rows(parts, content, there[key], partial(rows, content)) if key in there else rows(content, base)
            )
            if known is None:
                raise ReindexError(f"there is a resource of type {versions[key].type} with {BASE_MISSING}")
            expected[key] = known
        return expected

    def _rows(self, parts: Parts, content: Content, base: str) -> IndexRows:
        rows = parts.extractor.rows(content["resourceType"], content, base)
        if not parts.limits.referential_integrity:
            return rows
        return rows_with_every_reference(content, rows, base, parts.definitions.resource_types)
