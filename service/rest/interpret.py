"""Address and method → interaction: one function per row of R4's table of interactions.

https://hl7.org/fhir/R4/http.html#summary
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.address import Place, refuse_method
from service.fhir.interaction import (
    Capabilities,
    Create,
    Criteria,
    Delete,
    History,
    Operation,
    Patch,
    Process,
    Read,
    Search,
    Update,
    VRead,
)
from service.fhir.outcome import FhirError, failure
from service.rest import headers
from service.rest.request import without_general

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from service.fhir.address import Address
    from service.fhir.interaction import IfMatch, Interaction, Parameters
    from service.rest.request import Request

    Interpretation = Callable[[Request, Address], Awaitable[Interaction]]

SHAPING: Final = ("_summary", "_elements")
"""The parameters that say how much of a single resource comes back."""

CAPABILITY_MODES: Final = ("full", "normative", "terminology")


async def interpret(request: Request, address: Address) -> Interaction:
    """The interaction that the request asks for; FhirError not-allowed and whatever its parts are refused with."""
    interpretation = _TABLE.get((address.place, request.method))
    if interpretation is None:
        raise refuse_method(address)
    return await interpretation(request, address)


async def _read(request: Request, address: Address) -> Interaction:
    if request.parameters:
        _only_shaping(request)
    tags = _if_none_match(request)
    since = None if tags else request.headers.get(b"if-modified-since")
    return Read(
        type=address.type,
        id=address.id,
        if_none_match=tags,
        if_modified_since=headers.if_modified_since(since) if since else None,
    )


async def _vread(request: Request, address: Address) -> Interaction:
    _only_shaping(request)
    return VRead(
        type=address.type,
        id=address.id,
        version_id=address.version_id,
        if_none_match=_if_none_match(request),
    )


async def _create(request: Request, address: Address) -> Interaction:
    _only_shaping(request)
    criteria = request.headers.get(b"if-none-exist")
    if_none_exist = None if criteria is None else headers.if_none_exist(criteria, address.type)
    return Create(type=address.type, content=await request.body.resource(), if_none_exist=if_none_exist)


async def _update(request: Request, address: Address) -> Interaction:
    _refuse_if_none_exist(request)
    target, if_match = _target(request, address), _if_match(request)
    none_match = _if_none_match(request)
    if none_match not in ((), ("*",)):
        raise failure("header-invalid", "If-None-Match takes only * on an update.", "http.If-None-Match")
    return Update(
        type=address.type,
        target=target,
        content=await request.body.resource(),
        if_match=if_match,
        if_none_match_any=bool(none_match),
    )


async def _patch(request: Request, address: Address) -> Interaction:
    _refuse_if_none(request)
    target, if_match = _target(request, address), _if_match(request)
    return Patch(type=address.type, target=target, document=await request.body.patch(), if_match=if_match)


async def _delete(request: Request, address: Address) -> Interaction:
    _refuse_if_none(request)
    return Delete(type=address.type, target=_target(request, address), if_match=_if_match(request))


async def _search(request: Request, address: Address) -> Interaction:
    return _searching(request, address, request.parameters)


async def _search_by_form(request: Request, address: Address) -> Interaction:
    return _searching(request, address, request.parameters + without_general(request, await request.body.form()))


def _searching(request: Request, address: Address, parameters: Parameters) -> Search:
    """The search with ``_format`` and ``_pretty`` put back, so that its links lead to pages in the same form."""
    parameters += request.general
    if address.place in (Place.COMPARTMENT, Place.COMPARTMENT_SEARCH):
        member = None if address.member == "*" else address.member
        return Search(type=member, parameters=parameters, compartment=(address.type, address.id))
    return Search(type=address.type or None, parameters=parameters)


async def _search_system(request: Request, address: Address) -> Interaction:
    if not request.parameters:
        raise failure(
            "not-found",
            "This is the base of a FHIR R4 service: see metadata for what it serves, POST a Bundle here, "
            "or search all types with parameters such as ?_type=Patient&_lastUpdated=gt2026-01-01.",
            "http.path",
        )
    return _searching(request, address, request.parameters)


async def _history(request: Request, address: Address) -> Interaction:
    parameters = request.parameters + request.general
    return History(type=address.type or None, id=address.id or None, parameters=parameters)


async def _capabilities(request: Request, _address: Address) -> Interaction:
    modes = [value for name, value in request.parameters if name == "mode"]
    request.parameters = tuple(pair for pair in request.parameters if pair[0] != "mode")
    _only_shaping(request, "mode")
    mode = modes[0] if modes else "full"
    if len(modes) > 1 or mode not in CAPABILITY_MODES:
        raise failure("parameter-value", f"mode is one of {', '.join(CAPABILITY_MODES)}.", "http.mode")
    return Capabilities(mode=mode)


async def _process(request: Request, _address: Address) -> Interaction:
    _only_shaping(request)
    return Process(bundle=await request.body.resource())


async def _operation_by_get(request: Request, address: Address) -> Interaction:
    return Operation(
        name=address.operation,
        type=address.type or None,
        id=address.id or None,
        parameters=request.parameters,
        method="GET",
    )


async def _operation(request: Request, address: Address) -> Interaction:
    return Operation(
        name=address.operation,
        type=address.type or None,
        id=address.id or None,
        parameters=request.parameters,
        content=await request.body.optional_resource(),
        method="POST",
    )


_TABLE: Final[dict[tuple[Place, str], Interpretation]] = {
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
    (Place.TYPE_SEARCH, "POST"): _search_by_form,
    (Place.SYSTEM, "GET"): _search_system,
    (Place.SYSTEM, "POST"): _process,
    (Place.SYSTEM_SEARCH, "POST"): _search_by_form,
    (Place.METADATA, "GET"): _capabilities,
    (Place.COMPARTMENT, "GET"): _search,
    (Place.COMPARTMENT_SEARCH, "POST"): _search_by_form,
    (Place.SYSTEM_HISTORY, "GET"): _history,
    (Place.TYPE_HISTORY, "GET"): _history,
    (Place.INSTANCE_HISTORY, "GET"): _history,
    (Place.SYSTEM_OPERATION, "GET"): _operation_by_get,
    (Place.TYPE_OPERATION, "GET"): _operation_by_get,
    (Place.INSTANCE_OPERATION, "GET"): _operation_by_get,
    (Place.SYSTEM_OPERATION, "POST"): _operation,
    (Place.TYPE_OPERATION, "POST"): _operation,
    (Place.INSTANCE_OPERATION, "POST"): _operation,
}


def _target(request: Request, address: Address) -> str | Criteria:
    """What an update, patch or delete acts on: the id of the path, or the criteria of the query."""
    if address.id:
        _only_shaping(request)
        return address.id
    parameters = tuple(pair for pair in request.parameters if pair[0] not in SHAPING)
    if not parameters:
        raise failure(
            "criteria-required",
            f"Name a resource ({address.type}/id), or give criteria such as ?identifier=system|value.",
            "http.query",
        )
    return Criteria(parameters=parameters)


def _only_shaping(request: Request, *others: str) -> None:
    """Refuse parameters that the interaction does not have, unless the client asked for lenient handling."""
    for name, _value in request.parameters:
        if name not in SHAPING and request.preferences.strict:
            known = ", ".join(("_format", "_pretty", *SHAPING, *others))
            raise failure("parameter-unknown", f"The interaction takes only {known}.", f"http.{name}")


def _if_match(request: Request) -> IfMatch:
    value = request.headers.get(b"if-match")
    return () if value is None else headers.entity_tags(value, "If-Match")


def _if_none_match(request: Request) -> IfMatch:
    value = request.headers.get(b"if-none-match")
    return () if value is None else headers.entity_tags(value, "If-None-Match")


def _refuse_if_none_exist(request: Request) -> None:
    if b"if-none-exist" in request.headers:
        raise _misplaced("If-None-Exist", "create (POST)")


def _refuse_if_none(request: Request) -> None:
    _refuse_if_none_exist(request)
    if b"if-none-match" in request.headers:
        raise _misplaced("If-None-Match", "read (GET) and update (PUT)")


def _misplaced(header: str, interaction: str) -> FhirError:
    return failure("header-invalid", f"{header} goes with {interaction} only, not with this method.", f"http.{header}")
