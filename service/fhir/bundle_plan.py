"""What a transaction or batch Bundle asks for, before any of it is performed. Pure.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from service.fhir.bundle_entry import entry_interaction
from service.fhir.interaction import Create, Delete, Patch, Update
from service.fhir.links import restful_target
from service.fhir.outcome import FhirError, failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.fhir.address import Routes
    from service.fhir.interaction import Interaction
    from service.fhir.outcome import Issue
    from service.fhir.resource import Content

Write = Create | Update | Patch | Delete

_ORDER: Final[dict[type[Any], int]] = {Delete: 0, Create: 1, Update: 2, Patch: 2}
_READING: Final = 3
_FULL_URL: Final = re.compile(
    r"urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|urn:oid:[0-9]+(?:\.[0-9]+)+|https?://[^\s/]+/\S*"
)


class PlannedEntry(Struct, frozen=True, kw_only=True):
    """An entry as an interaction; `where` is its FHIRPath, `index` its place in the Bundle.

    `head_only` marks a HEAD: it is answered like a GET, without the resource.
    """

    index: int
    full_url: str | None
    interaction: Interaction
    head_only: bool = False

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
    planned = tuple(plan_entry(index, entry, base=base, routes=routes) for index, entry in enumerate(entries))
    refuse_equal_full_urls(entries)
    return planned


def plan_entry(index: int, entry: Any, *, base: str, routes: Routes) -> PlannedEntry:
    """One entry planned; FhirError bundle-entry or a more exact code."""
    where = entry_path(index)
    interaction = entry_interaction(entry, where=where, base=base, routes=routes)
    full_url = entry.get("fullUrl")
    if "fullUrl" in entry:
        _check_full_url(full_url, interaction, f"{where}.fullUrl")
    return PlannedEntry(
        index=index, full_url=full_url, interaction=interaction, head_only=entry["request"]["method"] == "HEAD"
    )


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


def _check_full_url(full_url: Any, interaction: Interaction, where: str) -> None:
    if not isinstance(full_url, str) or not _FULL_URL.fullmatch(full_url):
        raise failure("bundle-entry", "A fullUrl is urn:uuid:..., urn:oid:... or an absolute http(s) URL.", where)
    if isinstance(interaction, Update) and isinstance(interaction.target, str):
        named = restful_target(full_url)
        if named and named != f"{interaction.type}/{interaction.target}":
            raise failure("bundle-entry", "The fullUrl names another resource than the request's url.", where)


def refuse_equal_full_urls(entries: Iterable[Any]) -> None:
    """FhirError bundle-duplicate for the whole of a batch or transaction, whose entries may be malformed: bdl-7."""
    seen: dict[str, str] = {}
    for index, entry in enumerate(entries):
        full_url = entry.get("fullUrl") if isinstance(entry, dict) else None
        if not isinstance(full_url, str):
            continue
        where = f"{entry_path(index)}.fullUrl"
        if full_url in seen:
            raise failure("bundle-duplicate", "Two entries have the same fullUrl.", seen[full_url], where)
        seen[full_url] = where


def located(error: FhirError, where: str) -> FhirError:
    """The refusal with its expressions below the Bundle entry `where`; as it is when that is empty."""
    if not where:
        return error
    return FhirError(
        issues=[below(issue, where) for issue in error.issues], retry_after_seconds=error.retry_after_seconds
    )


def below(issue: Issue, where: str) -> Issue:
    """The issue with its expressions below the Bundle entry `where`."""
    if any(path.startswith(where) for path in issue.expression):
        return issue
    inside = [path.partition(".")[2] for path in issue.expression if not path.startswith("http.")]
    return replace(
        issue, expression=tuple(f"{where}.resource.{path}" if path else where for path in inside) or (where,)
    )
