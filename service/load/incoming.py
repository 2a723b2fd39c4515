"""Text as resources that can be stored, or as what is wrong with it.

A Bundle that only carries others (collection, searchset, batch, transaction) is taken apart: its entries are loaded
with the links between them resolved, and it is not stored itself. A resource without an id is given one that depends on
its line and content alone, so that loading it again changes nothing, whatever became of the rest of the file.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from msgspec import Struct

from service.fhir import codec
from service.fhir.bundle_plan import below, entry_path
from service.fhir.links import Links
from service.fhir.outcome import FhirError, Issue, failure
from service.interactions import ownership
from service.interactions.writing import require_logical_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir.resource import Content
    from service.interactions.parts import Parts

_CARRIERS: Final = ("collection", "searchset", "batch", "transaction")
_UNLOADABLE_CARRIERS: Final = ("batch-response", "transaction-response", "history")
_STORING: Final = ("POST", "PUT")


class Incoming(Struct, frozen=True, kw_only=True):
    """A valid resource with its id; `where` is the FHIRPath of its Bundle entry, or empty."""

    line: int
    where: str
    type: str
    id: str
    content: Content


class Refusal(Struct, frozen=True, kw_only=True):
    """What cannot be loaded, and why; no value of it is quoted."""

    file: str
    line: int
    issues: tuple[Issue, ...]

    def lines(self) -> Iterator[str]:
        """``file:line: FHIRPath: why``, one for each issue."""
        for issue in self.issues:
            yield ": ".join((f"{self.file}:{self.line}", *issue.expression, issue.diagnostics))


def resources_of(parts: Parts, file: str, line: int, text: bytes) -> tuple[list[Incoming], list[Refusal]]:
    """The valid resources of a text, and what is wrong with the others; a blank text has none."""
    if not text.strip():
        return [], []
    incoming, refusals = [], []
    for where, found in _contents(parts, line, text):
        try:
            if isinstance(found, FhirError):
                raise found
            incoming.append(_checked(parts, line, where, found))
        except FhirError as error:
            issues = tuple(below(issue, where) if where else issue for issue in error.issues)
            refusals.append(Refusal(file=file, line=line, issues=issues))
    return incoming, refusals


def _contents(parts: Parts, line: int, text: bytes) -> Iterator[tuple[str, Any]]:
    """(FHIRPath of the entry, content or what is wrong) for the text, or for every entry if it only carries others."""
    try:
        content = codec.decode(text)
        carried = _carried(content) if _is_carrier(content) else None
    except FhirError as error:
        yield "", error
        return
    if carried is None:
        yield "", content
    else:
        yield from _linked(parts, carried, line)


def _is_carrier(content: Any) -> bool:
    if not isinstance(content, dict) or content.get("resourceType") != "Bundle":
        return False
    if content.get("type") in _UNLOADABLE_CARRIERS:
        told = f"A Bundle of this type holds no resources to load; {', '.join(_CARRIERS)} do."
        raise failure("bundle-type", told, "Bundle.type")
    return content.get("type") in _CARRIERS


def _carried(bundle: Content) -> list[tuple[str, Any, Any]]:
    """(FHIRPath of the entry, fullUrl, resource or what is wrong) for every entry that has something to load."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise failure("bundle-entry", "Bundle.entry must be an array.", "Bundle.entry")
    carried: list[tuple[str, Any, Any]] = []
    for index, entry in enumerate(entries):
        where = entry_path(index)
        try:
            resource = _resource(entry, where)
        except FhirError as error:
            carried.append((where, None, error))
        else:
            if resource is not None:
                carried.append((where, entry.get("fullUrl"), resource))
    return carried


def _resource(entry: Any, where: str) -> Content | None:
    """The resource of an entry; None for what a search only tells about its result."""
    if not isinstance(entry, dict) or not isinstance(entry.get("resource"), dict):
        raise failure("bundle-entry", "load needs a resource in every entry.", f"{where}.resource")
    search, request = entry.get("search"), entry.get("request")
    if isinstance(search, dict) and search.get("mode") == "outcome":
        return None
    if isinstance(request, dict):
        if request.get("method") not in _STORING:
            raise failure("bundle-entry", "load takes entries with POST or PUT.", f"{where}.request.method")
        if "ifNoneExist" in request or "?" in str(request.get("url")):
            told = "load compares ids, not criteria; post this Bundle to the service instead."
            raise failure("bundle-entry", told, f"{where}.request")
    resource: Content = entry["resource"]
    return resource


def _linked(parts: Parts, carried: list[tuple[str, Any, Any]], line: int) -> Iterator[tuple[str, Any]]:
    """The resources with ids, and with references to each other by these."""
    named: list[tuple[str, Any, Any]] = []
    targets: dict[str, str] = {}
    for where, full_url, found in carried:
        resource = found
        if not isinstance(found, FhirError) and isinstance(found.get("resourceType"), str):
            resource = found if "id" in found else {**found, "id": _derived_id(line, where, found)}
            if isinstance(full_url, str):
                targets[full_url] = f"{resource['resourceType']}/{resource['id']}"
        named.append((where, full_url, resource))
    links = Links(targets=targets, made={}, conditional={}, places=parts.link_map)
    for where, full_url, found in named:
        if isinstance(found, FhirError) or found.get("resourceType") not in parts.definitions.resource_types:
            yield where, found
            continue
        try:
            yield where, links.resolved(found, full_url if isinstance(full_url, str) else None, where)
        except FhirError as error:
            yield where, error


def _checked(parts: Parts, line: int, where: str, content: Any) -> Incoming:
    """The content as a resource with an id; FhirError with everything that is wrong with it."""
    resource_type = content.get("resourceType") if isinstance(content, dict) else None
    if not isinstance(resource_type, str):
        raise failure("type-mismatch", "Every line is a resource: a JSON object with a resourceType.")
    if resource_type not in parts.definitions.resource_types:
        known = resource_type in parts.definitions.all_type_names
        raise failure("type-unknown", f"{resource_type if known else 'This type'} is not served.", "resourceType")
    issues = parts.validator.issues(content, resource_type) or ownership.issues_of(content)
    if issues:
        raise FhirError(issues=issues)
    logical_id = content.get("id")
    if logical_id is None:
        logical_id = _derived_id(line, where, content)
        content = {**content, "id": logical_id}
    require_logical_id(logical_id)
    return Incoming(line=line, where=where, type=resource_type, id=logical_id, content=content)


def _derived_id(line: int, where: str, content: Content) -> str:
    digest = hashlib.blake2b(f"{line} {where} ".encode() + codec.encode(content), digest_size=16)
    return str(UUID(bytes=digest.digest()))
