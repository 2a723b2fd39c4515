"""The resources of a piece, prepared as changes and written with the piece's checkpoint in one transaction.

Like an update with an id of the client's choice: content equal to the current version makes no new one. Preparing
assumes that a resource is new; whatever turns out to exist is compared and prepared again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.bundle_plan import below
from service.fhir.interaction import Update
from service.fhir.outcome import FhirError, failure
from service.interactions import search_parameters, sight, update
from service.interactions.integrity import check_integrity, with_every_reference
from service.interactions.locality import BASE_MISSING, depends_on_base
from service.interactions.writing import Target, Written
from service.load.incoming import Incoming, Refusal, resources_of
from service.store.change import Conflict
from service.store.checkpoint import save

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.interaction import Context
    from service.fhir.resource import Version
    from service.interactions.parts import Parts
    from service.load.source import Piece
    from service.store.checkpoint import Checkpoint
    from service.store.store import Session

_ATTEMPTS: Final = 10
_MOST_PER_STATEMENT: Final = 1000


class Tally(Struct, frozen=True, kw_only=True):
    """How many resources were stored for the first time, changed, and left as they were."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            created=self.created + other.created,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
        )

    @property
    def total(self) -> int:
        """All of them."""
        return self.created + self.updated + self.unchanged


class PreparedResource(Struct, frozen=True, kw_only=True):
    """A resource with the change that it comes to if it is new."""

    incoming: Incoming
    if_new: Written


class Batch(Struct, frozen=True, kw_only=True):
    """A piece that is ready to be written, but for its `refusals`."""

    resources: list[PreparedResource]
    refusals: list[Refusal]
    checkpoint: Checkpoint | None


def prepare(parts: Parts, context: Context, piece: Piece) -> Batch:
    """Decode, validate and extract everything of a piece; asks nothing of the database.

    FhirError when the index rows of a resource depend on the base, and there is none.
    """
    resources, refusals = [], []
    for line, text in piece.texts:
        found, refused = resources_of(parts, piece.file, line, text)
        refusals += refused
        for incoming in found:
            try:
                if_new = _written(parts, context, incoming, None)
            except FhirError as error:
                issues = [below(issue, incoming.where) if incoming.where else issue for issue in error.issues]
                refusals.append(Refusal(file=piece.file, line=line, issues=tuple(issues)))
            else:
                if not context.base and depends_on_base(parts, incoming.content):
                    raise failure("reference-invalid", f"line {line} has {BASE_MISSING}", incoming.type)
                resources.append(PreparedResource(incoming=incoming, if_new=if_new))
    return Batch(resources=resources, refusals=refusals, checkpoint=piece.checkpoint)


async def write(parts: Parts, context: Context, batch: Batch) -> Tally:
    """Write what is new or different, and the checkpoint; all of it or nothing. LapsedError: prepare it again.

    FhirError when others keep changing the same resources, or when a reference leads nowhere and may not.
    """
    groups = list(_groups(batch.resources))
    defines_search = any(resource.incoming.type == search_parameters.TYPE for resource in batch.resources)
    locks = (search_parameters.LOCK,) if defines_search else ()
    for _ in range(_ATTEMPTS):
        try:
            tally = Tally()
            async with parts.store.transaction(locks) as session:
                for group in groups:
                    tally += await _write_group(parts, context, session, group)
                if batch.checkpoint:
                    await save(session, batch.checkpoint)
        except Conflict:
            continue
        if defines_search:
            parts.lease.lapse()
        return tally
    raise failure("edit-conflict", "Other clients keep changing the same resources; load again.")


def _groups(resources: Sequence[PreparedResource]) -> list[list[PreparedResource]]:
    """The resources in order, in groups for one statement each: none of them holds a resource twice."""
    groups: list[list[PreparedResource]] = []
    known: set[tuple[str, str]] = set()
    for resource in resources:
        key = (resource.incoming.type, resource.incoming.id)
        if not groups or key in known or len(groups[-1]) >= _MOST_PER_STATEMENT:
            groups.append([])
            known.clear()
        known.add(key)
        groups[-1].append(resource)
    return groups


async def _write_group(parts: Parts, context: Context, session: Session, group: Sequence[PreparedResource]) -> Tally:
    keys = [(resource.incoming.type, resource.incoming.id) for resource in group]
    current = await session.current(keys, lock=False)
    written = [
        _written(parts, context, resource.incoming, current[key]) if key in current else resource.if_new
        for key, resource in zip(keys, group, strict=True)
    ]
    if parts.limits.referential_integrity:
        written = with_every_reference(parts, context, written)
        await check_integrity(parts, context, session, written)
    changes = [one.change for one in written if one.change]
    if changes:
        await session.write(changes)
        await sight.link(parts, context, session, written)
        await search_parameters.take_effect(parts, session, [("", one) for one in written])
    created = sum(change.version.version_id == 1 for change in changes)
    return Tally(created=created, updated=len(changes) - created, unchanged=len(group) - len(changes))


def _written(parts: Parts, context: Context, incoming: Incoming, previous: Version | None) -> Written:
    asked = Update(type=incoming.type, target=incoming.id, content=incoming.content)
    return update.prepare(parts, context, asked, Target(type=incoming.type, id=incoming.id, previous=previous))
