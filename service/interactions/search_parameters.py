"""SearchParameter resources that are written take effect: https://hl7.org/fhir/R4/searchparameter.html

In the transaction that writes them, and one after the other: what cannot be served is refused with the write; what can
is indexed from then on (see `store.lease`), and a reindex is asked for, after which it can be searched by.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from service.fhir.bundle_plan import located
from service.fhir.outcome import FhirError
from service.fhir.search.acceptance import extended
from service.interactions.current import served
from service.store import reindex_job, search_parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.fhir.definitions import SearchParameterFact
    from service.fhir.outcome import Issue
    from service.fhir.resource import Content, Version
    from service.fhir.search.registry import Registry
    from service.interactions.parts import Parts
    from service.interactions.writing import Written
    from service.store.search_parameters import Row
    from service.store.store import Session

TYPE: Final = "SearchParameter"
LOCK: Final = search_parameters.LOCK
"""The 64-bit key that a transaction which writes SearchParameter resources has to lock at its beginning."""

_Facts = dict[str, "SearchParameterFact"]


async def take_effect(parts: Parts, session: Session, written: Iterable[tuple[str, Written]]) -> None:
    """Let what was written of SearchParameter resources take effect, with the FHIRPaths of the entries, or empty ones.

    FhirError search-parameter for one that cannot be served beside the others.
    """
    changed = {
        change.version.id: (where, one.content, change.version)
        for where, one in written
        if (change := one.change) and change.version.type == TYPE
    }
    if not changed:
        return
    _, rows = await search_parameters.parameters(session)
    registry = parts.registry.with_stored(
        served(parts.registry, [row for row in rows if row.current and row.id not in changed])
    )
    before = {row.id: row for row in rows if row.current}
    concerned: dict[str, None] = {}
    codes: dict[str, None] = {}
    for logical_id, (where, content, version) in changed.items():
        registry, facts = _accepted(registry, content, where)
        was = _facts_of(parts.registry, before.get(logical_id))
        if _meaning(was) == _meaning(facts):
            await _reword(session, version)
            continue
        if logical_id in before:
            await search_parameters.withdraw(session, logical_id)
        if facts:
            await _add(session, version, facts)
        concerned |= dict.fromkeys((*was, *facts))
        codes |= dict.fromkeys(fact.code for fact in (*was.values(), *facts.values()))
    if concerned:
        await reindex_job.ask(session, sorted(concerned), list(codes), asked=False)
    await search_parameters.next_generation(session)


def issues(parts: Parts, content: Content) -> list[Issue]:
    """Why a valid SearchParameter cannot be served beside those that the service knows; one with its URL left out."""
    others = [each for each in parts.registry.stored if each.url != content["url"]]
    try:
        extended(parts.registry.with_stored(others), content)
    except FhirError as error:
        return list(error.issues)
    return []


def _accepted(registry: Registry, content: Any, where: str) -> tuple[Registry, _Facts]:
    """The registry with what the resource says, and that; nothing of a deleted one."""
    if content is None:
        return registry, {}
    try:
        found = extended(registry, content)
    except FhirError as error:
        raise (located(error, where) if where else error) from error
    return found, dict(found.stored[-1].facts) if found is not registry else {}


def _facts_of(registry: Registry, row: Row | None) -> _Facts:
    known = served(registry, [row]) if row else []
    return dict(known[0].facts) if known else {}


def _meaning(facts: Mapping[str, SearchParameterFact]) -> dict[str, SearchParameterFact]:
    """What it matters for a search to be the same: all but the words."""
    return {name: replace(fact, description="") for name, fact in facts.items()}


async def _reword(session: Session, version: Version) -> None:
    if version.content:
        await search_parameters.reword(session, version.id, version.version_id, version.content)


async def _add(session: Session, version: Version, facts: _Facts) -> None:
    if version.content:
        await search_parameters.add(session, version.id, version.version_id, sorted(facts), version.content)
