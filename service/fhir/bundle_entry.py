"""A Bundle entry read as an interaction: `entry.request` is a small HTTP request, relative to the base.

https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.request
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

from service.fhir import codec
from service.fhir.entity_tag import parse_entity_tags
from service.fhir.interaction import (
    Capabilities,
    Create,
    Criteria,
    Delete,
    History,
    Interaction,
    Operation,
    Parameters,
    Patch,
    Read,
    Search,
    Update,
    VRead,
)
from service.fhir.outcome import FhirError, failure

if TYPE_CHECKING:
    from collections.abc import Container

    from service.fhir.interaction import IfMatch
    from service.fhir.resource import Content

METHODS: Final = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRequest:
    """The parts of one `entry.request`, with `path` the segments of its URL below the base."""

    method: str
    path: tuple[str, ...]
    parameters: Parameters
    resource: Content | None
    if_match: IfMatch
    if_none_match: IfMatch
    if_none_exist: Criteria | None
    where: str


def parse_query(query: str, where: str) -> Parameters:
    """The decoded name-value pairs of a query string; FhirError parameter-value where it is not UTF-8."""
    try:
        return tuple(parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=1000))
    except (UnicodeDecodeError, ValueError):
        raise failure(
            "parameter-value", "The query is not percent-encoded UTF-8 of at most 1000 pairs.", where
        ) from None


def entry_interaction(entry: Any, *, where: str, base: str, types: Container[str]) -> Interaction:
    """The interaction that an entry asks for; FhirError bundle-entry or a more exact code, at `where`."""
    request = _request(entry, where, base)
    if request.method == "GET" or request.method == "HEAD":  # noqa: PLR1714 - reads as the specification does
        return _reading(request, types)
    return _writing(request, types)


def _request(entry: Any, where: str, base: str) -> EntryRequest:
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        raise failure("bundle-entry", "The entry needs a request with method and url.", f"{where}.request")
    method, url = request.get("method"), request.get("url")
    if method not in METHODS:
        raise failure("bundle-entry", f"The method must be one of {', '.join(METHODS)}.", f"{where}.request.method")
    if not isinstance(url, str) or not url:
        raise failure("bundle-entry", "The request needs a url relative to the base.", f"{where}.request.url")
    resource = entry.get("resource")
    if resource is not None and not isinstance(resource, dict):
        raise failure("bundle-entry", "The entry's resource must be a JSON object.", f"{where}.resource")
    path, _, query = url.removeprefix(base).lstrip("/").partition("?")
    if_none_exist = request.get("ifNoneExist")
    return EntryRequest(
        method=method,
        path=tuple(unquote(segment) for segment in path.split("/") if segment),
        parameters=parse_query(query, f"{where}.request.url"),
        resource=resource,
        if_match=_entity_tags(request, "ifMatch", where),
        if_none_match=_entity_tags(request, "ifNoneMatch", where),
        if_none_exist=None
        if if_none_exist is None
        else Criteria(parameters=parse_query(str(if_none_exist).rpartition("?")[2], f"{where}.request.ifNoneExist")),
        where=where,
    )


def _entity_tags(request: dict[str, Any], name: str, where: str) -> IfMatch:
    text = request.get(name)
    if text is None:
        return ()
    tags = parse_entity_tags(text) if isinstance(text, str) else None
    if tags is None:
        raise failure("bundle-entry", 'An entity tag has the form W/"1" or *.', f"{where}.request.{name}")
    return tags


def _served(request: EntryRequest, types: Container[str]) -> str:
    resource_type = request.path[0]
    if resource_type not in types:
        raise failure(
            "type-unknown", "The URL does not name a resource type of this service.", f"{request.where}.request.url"
        )
    return resource_type


def _reading(request: EntryRequest, types: Container[str]) -> Interaction:
    match request.path:
        case ():
            return Search(type=None, parameters=request.parameters)
        case ("metadata",):
            return Capabilities(mode=dict(request.parameters).get("mode", "full"))
        case ("_history",):
            return History(parameters=request.parameters)
        case (*_, last) if last.startswith("$"):
            return _operation(request, types)
    resource_type = _served(request, types)
    match request.path[1:]:
        case () | ("_search",):
            return Search(type=resource_type, parameters=request.parameters)
        case ("_history",):
            return History(type=resource_type, parameters=request.parameters)
        case (logical_id,):
            return Read(type=resource_type, id=logical_id, if_none_match=request.if_none_match)
        case (logical_id, "_history"):
            return History(type=resource_type, id=logical_id, parameters=request.parameters)
        case (logical_id, "_history", version_id):
            return VRead(type=resource_type, id=logical_id, version_id=version_id)
    raise _unknown_url(request)


def _writing(request: EntryRequest, types: Container[str]) -> Interaction:
    if request.path and request.path[-1].startswith("$"):
        return _operation(request, types)
    if not request.path:
        raise _unknown_url(request)
    resource_type = _served(request, types)
    if request.method == "POST":
        return _create(request, resource_type)
    target = _target(request)
    if request.method == "DELETE":
        return Delete(type=resource_type, target=target, if_match=request.if_match)
    if request.resource is None:
        raise failure("bundle-entry", f"{request.method} needs a resource.", f"{request.where}.resource")
    if request.method == "PATCH":
        document = _patch_document(request.resource, request.where)
        return Patch(type=resource_type, target=target, document=document, if_match=request.if_match)
    return Update(
        type=resource_type,
        target=target,
        content=request.resource,
        if_match=request.if_match,
        if_none_match_any=request.if_none_match == ("*",),
    )


def _create(request: EntryRequest, resource_type: str) -> Create:
    if len(request.path) != 1:
        raise _unknown_url(request)
    if request.resource is None:
        raise failure("bundle-entry", "POST needs a resource.", f"{request.where}.resource")
    return Create(type=resource_type, content=request.resource, if_none_exist=request.if_none_exist)


def _target(request: EntryRequest) -> str | Criteria:
    match request.path:
        case (_,):
            return Criteria(parameters=request.parameters)
        case (_, logical_id):
            return logical_id
    raise _unknown_url(request)


def _patch_document(resource: Content, where: str) -> list[Any] | Content:
    """A Parameters resource is a FHIRPath Patch; a Binary holds a JSON Patch, as R4 says for Bundles."""
    if resource.get("resourceType") == "Parameters":
        return resource
    if resource.get("resourceType") == "Binary" and isinstance(resource.get("data"), str):
        try:
            document = codec.decode(base64.b64decode(resource["data"], validate=True))
        except (binascii.Error, ValueError, FhirError):
            raise failure(
                "patch-invalid", "Binary.data must be a JSON Patch in base64.", f"{where}.resource.data"
            ) from None
        if isinstance(document, list):
            return document
    raise failure(
        "patch-invalid", "PATCH needs Parameters (FHIRPath Patch) or a Binary with a JSON Patch.", f"{where}.resource"
    )


def _operation(request: EntryRequest, types: Container[str]) -> Operation:
    *above, name = request.path
    if above:
        _served(request, types)
    if len(above) > 2:
        raise _unknown_url(request)
    return Operation(
        name=name[1:],
        type=above[0] if above else None,
        id=above[1] if len(above) == 2 else None,
        parameters=request.parameters,
        content=request.resource,
        method="POST" if request.method == "POST" else "GET",
    )


def _unknown_url(request: EntryRequest) -> FhirError:
    return failure("bundle-entry", f"{request.method} does not go with this URL.", f"{request.where}.request.url")
