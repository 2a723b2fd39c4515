"""The page of an expansion that was asked for, as a ValueSet: https://hl7.org/fhir/R4/valueset-operation-expand.html

Expansions are flat: what is nested in a code system stands in its order, and pages are cut from that.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from msgspec import Struct

from service.fhir.terminology.naming import display_in, folded_words, matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.fhir.resource import Content
    from service.fhir.terminology.value_set import Entry, Expansion

_LEFT_OUT: Final = frozenset({"text", "meta", "expansion"})
_DEFINITION: Final = frozenset({"compose", "immutable"})


class Asked(Struct, frozen=True, kw_only=True):
    """What was asked for of an expansion; `told` are the parameters as they were sent, for the answer."""

    text: str | None = None
    offset: int | None = None
    count: int | None = None
    with_designations: bool = False
    designations: frozenset[str] = frozenset()
    with_definition: bool = False
    active_only: bool = False
    selectable_only: bool = False
    language: str | None = None
    excluded: frozenset[str] = frozenset()
    told: tuple[dict[str, Any], ...] = ()


def chosen(expansion: Expansion, asked: Asked) -> list[Entry]:
    """The codes of all pages."""
    found: Iterable[Entry] = expansion.values()
    if asked.active_only:
        found = [each for each in found if not each.inactive]
    if asked.selectable_only:
        found = [each for each in found if not each.abstract]
    if asked.excluded:
        found = [each for each in found if not {each.system, f"{each.system}|{each.version}"} & asked.excluded]
    if asked.text and (words := folded_words(asked.text)):
        found = [each for each in found if matches(each, words)]
    return list(found)


def answer(content: Content, entries: Sequence[Entry], asked: Asked, *, timestamp: str, seed: str) -> Content:
    """The ValueSet with its expansion; equal seeds (what it was made of, and how) give equal identifiers."""
    left_out = _LEFT_OUT if asked.with_definition else _LEFT_OUT | _DEFINITION
    told = {name: each for name, each in content.items() if name not in left_out}
    start = asked.offset or 0
    page = entries[start:] if asked.count is None else entries[start : start + asked.count]
    digest = hashlib.blake2b(f"{seed} {asked.told}".encode(), digest_size=16).digest()
    expansion: dict[str, Any] = {
        "identifier": f"urn:uuid:{UUID(bytes=digest, version=5)}",
        "timestamp": timestamp,
        "total": len(entries),
    }
    if asked.offset is not None or asked.count is not None:
        expansion["offset"] = start
    if used := [*asked.told, *_used(entries)]:
        expansion["parameter"] = used
    if page:
        expansion["contains"] = [_contained(each, asked) for each in page]
    return {**told, "expansion": expansion}


def _used(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """The versions of code systems that codes were taken from."""
    versions = dict.fromkeys((each.system, each.version) for each in entries if each.version)
    return [{"name": "version", "valueUri": f"{system}|{version}"} for system, version in versions]


def _contained(entry: Entry, asked: Asked) -> dict[str, Any]:
    told: dict[str, Any] = {
        "system": entry.system,
        "abstract": entry.abstract or None,
        "inactive": entry.inactive or None,
        "version": entry.version,
        "code": entry.code,
        "display": display_in(asked.language, entry.display, entry.designations),
    }
    if asked.with_designations or asked.designations:
        told["designation"] = [dict(each) for each in entry.designations if _is_wanted(each, asked)] or None
    return {name: each for name, each in told.items() if each is not None}


def _is_wanted(designation: Any, asked: Asked) -> bool:
    """Whether a designation has one of the languages or uses that were named; any, where none was."""
    if not asked.designations:
        return True
    use, language = designation.get("use", {}), designation.get("language")
    names = {language, f"urn:ietf:bcp:47|{language}", f"{use.get('system', '')}|{use.get('code')}", use.get("code")}
    return bool(names & asked.designations)
