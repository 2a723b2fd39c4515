"""Referential integrity, where the setting asks for it: no dangling local reference, no deletion of a target.

R4 leaves it to the server (https://hl7.org/fhir/R4/http.html#integrity). Targets are locked against deletion in the
transaction that refers to them, and a deletion looks for referrers after it has locked its resource: whichever of two
racing requests comes second sees the first.
"""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from service.fhir.links import local_references
from service.fhir.outcome import FhirError, Issue
from service.fhir.reference import identity_of, type_code
from service.store.change import EVERY_KIND

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from uuid import UUID

    from service.fhir.interaction import Context
    from service.fhir.reference import LocalReference
    from service.fhir.resource import Content
    from service.fhir.search.extract import IndexRows
    from service.interactions.parts import Parts
    from service.interactions.writing import Written
    from service.store.store import Session

ELSEWHERE: Final = 0
"""The source of references that no search parameter reads; they are indexed only for the sake of integrity."""


def with_every_reference(parts: Parts, context: Context, written: Sequence[Written]) -> list[Written]:
    """The writes with index rows for those local references, too, that no search parameter reads."""
    types = parts.definitions.resource_types
    return [_with_every_reference(one, context.base, types) for one in written]


def _with_every_reference(one: Written, base: str, types: Container[str]) -> Written:
    if one.change is None or one.content is None:
        return one
    rows = rows_with_every_reference(one.content, one.change.rows, base, types)
    return replace(one, change=replace(one.change, rows=rows, stale=one.change.stale | EVERY_KIND))


def rows_with_every_reference(
    content: Content, rows: Mapping[Any, Sequence[tuple[Any, ...]]], base: str, types: Container[str]
) -> IndexRows:
    """The index rows of content with those for local references that no search parameter reads."""
    found: IndexRows = {kind: list(each) for kind, each in rows.items()}
    indexed = {row[3] for row in rows.get("reference", ())}
    missing = {
        (ELSEWHERE, 0, type_code(target.type), identity, None)
        for _, target in local_references(content, base, types)
        if (identity := identity_of(target.type, target.id)) not in indexed
    }
    found["reference"] = [*rows.get("reference", ()), *missing]
    return found


def still_referenced(parts: Parts, referrers: Iterable[tuple[UUID, str]]) -> Issue:
    """That others refer to what is to be deleted, by their types for who sees everything."""
    sight = parts.store.sight
    types = ", ".join(sorted({resource_type for _, resource_type in referrers}))
    told = f"Resources of these types still refer to it: {types}."
    if sight is not None and sight.by is not None:  # they may be others' business
        told = "Other resources still refer to it."
    return Issue(code="still-referenced", diagnostics=told)


async def check_integrity(
    parts: Parts, context: Context, session: Session, written: Sequence[Written], where: Sequence[str] = ()
) -> None:
    """FhirError reference-not-found or still-referenced; `where` are the Bundle entries of the first of the writes."""
    placed = list(zip(written, chain(where, repeat("")), strict=False))
    changes = [one.change for one in written if one.change]
    made = {change.identity: change.version.version_id for change in changes if not change.version.deleted}
    gone = {change.identity: place for one, place in placed if (change := one.change) and change.version.deleted}
    if gone:
        sources = [ELSEWHERE, *parts.registry.every_reference_source]
        referrers = await session.referrers(
            list(gone), except_from=[change.identity for change in changes], sources=sources
        )
        if referrers:
            places = dict.fromkeys(gone[target] for target, _ in referrers if gone[target])
            raise FhirError(issues=(replace(still_referenced(parts, referrers), expression=tuple(places)),))
    wanted: list[tuple[UUID, LocalReference, str]] = []
    for one, place in placed:
        if one.content is not None:
            inside = f"{place}.resource" if place else one.content["resourceType"]
            for path, target in local_references(one.content, context.base, parts.definitions.all_type_names):
                wanted.append((identity_of(target.type, target.id), target, f"{inside}.{path}"))
    unknown = list({identity for identity, _, _ in wanted} - made.keys())
    existing = made | (await session.lock_targets(unknown) if unknown else {})
    missing = [
        path
        for identity, target, path in wanted
        if identity in gone or not _is_there(target.version_id, existing.get(identity))
    ]
    if missing:
        raise FhirError(issues=[_dangling(path) for path in missing])


def _is_there(version_id: str | None, latest: int | None) -> bool:
    """Whether a reference, to a version if it names one, leads to what has this latest version; none is ever lost."""
    if latest is None or version_id is None:
        return latest is not None
    return version_id.isdecimal() and str(int(version_id)) == version_id and 1 <= int(version_id) <= latest


def _dangling(path: str) -> Issue:
    return Issue(
        code="reference-not-found",
        diagnostics="The reference points at a resource that does not exist here.",
        expression=(path,),
    )
