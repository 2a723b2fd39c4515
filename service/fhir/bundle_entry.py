"""A Bundle entry read as an interaction: `entry.request` is a small HTTP request, relative to the base.

https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.request
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir import codec
from service.fhir.address import Place, refuse_method
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
from service.fhir.outcome import FhirError, failure, located_at
from service.fhir.temporal import range_of
from service.fhir.url_encoding import decode, parse_query

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from service.fhir.address import Address, Routes
    from service.fhir.interaction import IfMatch
    from service.fhir.resource import Content

_JSON_PATCH: Final = "application/json-patch+json"
_JSON: Final = (_JSON_PATCH, "application/json")

METHODS: Final = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")

_CONDITIONS: Final = {
    "ifNoneExist": ("POST",),
    "ifMatch": ("PUT", "PATCH", "DELETE"),
    "ifNoneMatch": ("GET", "HEAD", "PUT"),
    "ifModifiedSince": ("GET", "HEAD"),
}
"""Condition → the methods that look at it."""


class EntryRequest(Struct, frozen=True, kw_only=True):
    """The parts of one `entry.request`; `where` is the FHIRPath of the entry."""

    method: str
    address: Address
    parameters: Parameters
    resource: Content | None
    if_match: IfMatch
    if_none_match: IfMatch
    if_modified_since: datetime | None
    if_none_exist: Criteria | None
    where: str


def entry_interaction(entry: Any, *, where: str, base: str, routes: Routes) -> Interaction:
    """The interaction that an entry asks for; FhirError bundle-entry or a more exact code, at `where`."""
    request = _request(entry, where, base, routes)
    make = _TABLE.get((request.address.place, request.method))
    if make is None and request.address.place is Place.WORK_LIST:
        raise failure("bundle-entry", "The work list is a page; search Task instead.", f"{where}.request.url")
    if make is None:
        raise located_at(refuse_method(request.address), f"{where}.request.url")
    return make(request)


def _request(entry: Any, where: str, base: str, routes: Routes) -> EntryRequest:
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
    _refuse_misplaced(request, method, where)
    address, parameters = _target_of(url, where, base, routes)
    return EntryRequest(
        method="GET" if method == "HEAD" else method,
        address=address,
        parameters=parameters,
        resource=resource,
        if_match=_entity_tags(request, "ifMatch", where),
        if_none_match=_entity_tags(request, "ifNoneMatch", where),
        if_modified_since=_if_modified_since(request, where),
        if_none_exist=_if_none_exist(request, where),
        where=where,
    )


def _target_of(url: str, where: str, base: str, routes: Routes) -> tuple[Address, Parameters]:
    if (address := routes.of_type(url)) is not None:
        return address, ()
    expression = f"{where}.request.url"
    path, _, query = url.removeprefix(base).lstrip("/").partition("?")
    try:
        segments = [decode(segment, expression) for segment in path.removesuffix("/").split("/")] if path else []
        return routes.address(segments), parse_query(query.encode(), expression)
    except UnicodeEncodeError:
        raise failure("parameter-value", "The URL is not Unicode text.", expression) from None
    except FhirError as error:
        raise located_at(error, expression) from error


def _refuse_misplaced(request: dict[str, Any], method: str, where: str) -> None:
    """A condition that would not be looked at must not be sent: the entry would do more than was meant."""
    for name, methods in _CONDITIONS.items():
        if name in request and method not in methods:
            told = f"{name} goes with {', '.join(methods)} only."
            raise failure("bundle-entry", told, f"{where}.request.{name}")


def _if_modified_since(request: dict[str, Any], where: str) -> datetime | None:
    text = request.get("ifModifiedSince")
    if text is None:
        return None
    found = range_of(text) if isinstance(text, str) else None
    if found is None:
        raise failure("bundle-entry", "ifModifiedSince must be an instant.", f"{where}.request.ifModifiedSince")
    return found.low


def _if_none_exist(request: dict[str, Any], where: str) -> Criteria | None:
    text = request.get("ifNoneExist")
    if text is None:
        return None
    expression = f"{where}.request.ifNoneExist"
    if not isinstance(text, str):
        raise failure("bundle-entry", "ifNoneExist holds the query part of a search.", expression)
    return Criteria(parameters=parse_query(text.rpartition("?")[2].encode(errors="replace"), expression))


def _entity_tags(request: dict[str, Any], name: str, where: str) -> IfMatch:
    text = request.get(name)
    if text is None:
        return ()
    tags = parse_entity_tags(text) if isinstance(text, str) else None
    if tags is None:
        raise failure("bundle-entry", 'An entity tag has the form W/"1" or *.', f"{where}.request.{name}")
    return tags


def _read(request: EntryRequest) -> Interaction:
    return Read(
        type=request.address.type,
        id=request.address.id,
        if_none_match=request.if_none_match,
        if_modified_since=request.if_modified_since,
    )


def _vread(request: EntryRequest) -> Interaction:
    return VRead(
        type=request.address.type,
        id=request.address.id,
        version_id=request.address.version_id,
        if_none_match=request.if_none_match,
    )


def _search(request: EntryRequest) -> Interaction:
    address = request.address
    if address.member:
        member = None if address.member == "*" else address.member
        return Search(type=member, parameters=request.parameters, compartment=(address.type, address.id))
    return Search(type=address.type or None, parameters=request.parameters)


def _history(request: EntryRequest) -> Interaction:
    return History(type=request.address.type or None, id=request.address.id or None, parameters=request.parameters)


def _capabilities(request: EntryRequest) -> Interaction:
    return Capabilities(mode=dict(request.parameters).get("mode", "full"))


def _create(request: EntryRequest) -> Interaction:
    content = _resource(request)
    return Create(type=request.address.type, content=content, if_none_exist=request.if_none_exist)


def _update(request: EntryRequest) -> Interaction:
    return Update(
        type=request.address.type,
        target=_target(request),
        content=_resource(request),
        if_match=request.if_match,
        if_none_match_any=request.if_none_match == ("*",),
    )


def _patch(request: EntryRequest) -> Interaction:
    document = _patch_document(_resource(request), request.where)
    return Patch(type=request.address.type, target=_target(request), document=document, if_match=request.if_match)


def _delete(request: EntryRequest) -> Interaction:
    return Delete(type=request.address.type, target=_target(request), if_match=request.if_match)


def _operation(request: EntryRequest) -> Interaction:
    return Operation(
        name=request.address.operation,
        type=request.address.type or None,
        id=request.address.id or None,
        parameters=request.parameters,
        content=request.resource,
        method="POST" if request.method == "POST" else "GET",
    )


def _target(request: EntryRequest) -> str | Criteria:
    return request.address.id or Criteria(parameters=request.parameters)


def _resource(request: EntryRequest) -> Content:
    if request.resource is None:
        raise failure("bundle-entry", f"{request.method} needs a resource.", f"{request.where}.resource")
    return request.resource


def _patch_document(resource: Content, where: str) -> list[Any] | Content:
    """A Parameters resource is a FHIRPath Patch; a Binary holds a JSON Patch, as R4 says for Bundles."""
    if resource.get("resourceType") == "Parameters":
        return resource
    if resource.get("resourceType") == "Binary" and isinstance(resource.get("data"), str):
        if str(resource.get("contentType", _JSON_PATCH)).partition(";")[0].strip().lower() not in _JSON:
            told = f"A Binary that patches holds a JSON Patch; its contentType is {_JSON_PATCH}."
            raise failure("patch-invalid", told, f"{where}.resource.contentType")
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


_TABLE: Final[dict[tuple[Place, str], Callable[[EntryRequest], Interaction]]] = {
    (Place.INSTANCE, "GET"): _read,
    (Place.INSTANCE, "PUT"): _update,
    (Place.INSTANCE, "PATCH"): _patch,
    (Place.INSTANCE, "DELETE"): _delete,
    (Place.VERSION, "GET"): _vread,
    (Place.TYPE, "GET"): _search,
    (Place.TYPE, "POST"): _create,
    (Place.TYPE, "PUT"): _update,
    (Place.TYPE, "PATCH"): _patch,
    (Place.TYPE, "DELETE"): _delete,
    (Place.TYPE_SEARCH, "POST"): _search,
    (Place.SYSTEM, "GET"): _search,
    (Place.SYSTEM_SEARCH, "POST"): _search,
    (Place.METADATA, "GET"): _capabilities,
    (Place.COMPARTMENT, "GET"): _search,
    (Place.COMPARTMENT_SEARCH, "POST"): _search,
    (Place.SYSTEM_HISTORY, "GET"): _history,
    (Place.TYPE_HISTORY, "GET"): _history,
    (Place.INSTANCE_HISTORY, "GET"): _history,
    (Place.SYSTEM_OPERATION, "GET"): _operation,
    (Place.TYPE_OPERATION, "GET"): _operation,
    (Place.INSTANCE_OPERATION, "GET"): _operation,
    (Place.SYSTEM_OPERATION, "POST"): _operation,
    (Place.TYPE_OPERATION, "POST"): _operation,
    (Place.INSTANCE_OPERATION, "POST"): _operation,
}
"""What an entry may ask for, by place and method; processing a Bundle inside of a Bundle is not among it."""
