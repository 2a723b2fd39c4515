"""What a transaction or batch Bundle asks for, before any of it is performed. Pure.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from service.fhir.bundle_entry import entry_interaction
from service.fhir.interaction import Create, Delete, Patch, Update
from service.fhir.outcome import failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.fhir.address import Routes
    from service.fhir.interaction import Interaction
    from service.fhir.resource import Content

Write = Create | Update | Patch | Delete

_ORDER: Final[dict[type[Any], int]] = {Delete: 0, Create: 1, Update: 2, Patch: 2}
_READING: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEntry:
    """An entry as an interaction; `where` is its FHIRPath, `index` its place in the Bundle."""

    index: int
    full_url: str | None
    interaction: Interaction

    @property
    def where(self) -> str:
        """The FHIRPath of the entry."""
        return entry_path(self.index)


def entry_path(index: int) -> str:
    """The FHIRPath of a Bundle entry."""
    return f"Bundle.entry[{index}]"


def bundle_entries(bundle: Content, *, most: int) -> list[Any]:
    """The entries of a batch or transaction; FhirError bundle-type, bundle-entry or too-costly."""
    if bundle.get("resourceType") != "Bundle":
        raise failure("type-mismatch", "The base takes a Bundle of type batch or transaction.", "Bundle")
    if bundle.get("type") not in ("batch", "transaction"):
        raise failure("bundle-type", "Bundle.type must be batch or transaction.", "Bundle.type")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise failure("bundle-entry", "Bundle.entry must be an array.", "Bundle.entry")
    if len(entries) > most:
        raise failure("too-costly", f"A Bundle may have at most {most} entries here.", "Bundle.entry")
    return entries


def plan_transaction(entries: Sequence[Any], *, base: str, routes: Routes) -> tuple[PlannedEntry, ...]:
    """Every entry planned, in the order of the Bundle; the first malformed one raises."""
    planned = tuple(
        PlannedEntry(
            index=index,
            full_url=entry.get("fullUrl") if isinstance(entry, dict) else None,
            interaction=entry_interaction(entry, where=entry_path(index), base=base, routes=routes),
        )
        for index, entry in enumerate(entries)
    )
    _refuse_equal_full_urls(planned)
    return planned


def in_processing_order(entries: Iterable[PlannedEntry]) -> list[PlannedEntry]:
    """DELETE, POST, PUT and PATCH, then what reads: the order that R4 prescribes, whatever the order of entries."""
    return sorted(entries, key=lambda entry: _ORDER.get(type(entry.interaction), _READING))


def refuse_equal_targets(targets: Iterable[tuple[str, tuple[str, str]]]) -> None:
    """FhirError bundle-duplicate when two of the (where, (type, id)) pairs name the same resource."""
    seen: dict[tuple[str, str], str] = {}
    for where, target in targets:
        if target in seen:
            raise failure(
                "bundle-duplicate",
                "Two entries of the transaction change the same resource; a transaction may change it once.",
                seen[target],
                where,
            )
        seen[target] = where


def _refuse_equal_full_urls(entries: Iterable[PlannedEntry]) -> None:
    seen: dict[str, str] = {}
    for entry in entries:
        if entry.full_url is None or not isinstance(entry.interaction, Write):
            continue
        if entry.full_url in seen:
            raise failure(
                "bundle-duplicate", "Two entries have the same fullUrl.", seen[entry.full_url], f"{entry.where}.fullUrl"
            )
        seen[entry.full_url] = f"{entry.where}.fullUrl"
