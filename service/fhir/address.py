"""Which kind of place a path below the base names, and the methods that the place takes.

https://hl7.org/fhir/R4/http.html#summary. The kinds are the rows of R4's table of URLs; one trailing slash is allowed
everywhere (R4 writes conditional interactions as ``[type]/?criteria``).
"""

from __future__ import annotations

import difflib
from enum import Enum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.outcome import FhirError, failure
from service.fhir.resource import LOGICAL_ID

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from service.fhir.definitions import Definitions

_READ: Final = ("GET", "HEAD")


class Place(Enum):
    """A row of R4's table of URLs: its template for the access log, and the methods that it takes.

    The work list is ours: a page for people, made of searches.
    """

    SYSTEM = "/", (*_READ, "POST")
    METADATA = "/metadata", _READ
    WORK_LIST = "/worklist", _READ
    SYSTEM_SEARCH = "/_search", ("POST",)
    SYSTEM_HISTORY = "/_history", _READ
    SYSTEM_OPERATION = "/${operation}", (*_READ, "POST")
    TYPE = "/{type}", (*_READ, "POST", "PUT", "PATCH", "DELETE")
    TYPE_SEARCH = "/{type}/_search", ("POST",)
    TYPE_HISTORY = "/{type}/_history", _READ
    TYPE_OPERATION = "/{type}/${operation}", (*_READ, "POST")
    INSTANCE = "/{type}/{id}", (*_READ, "PUT", "PATCH", "DELETE")
    INSTANCE_HISTORY = "/{type}/{id}/_history", _READ
    VERSION = "/{type}/{id}/_history/{vid}", _READ
    INSTANCE_OPERATION = "/{type}/{id}/${operation}", (*_READ, "POST")
    COMPARTMENT = "/{type}/{id}/{member}", _READ
    COMPARTMENT_SEARCH = "/{type}/{id}/{member}/_search", ("POST",)

    def __init__(self, template: str, methods: tuple[str, ...]) -> None:
        self.template = template
        self.methods = (*methods, "OPTIONS")


class Address(Struct, kw_only=True):
    """A place and the names in its path, empty where the place has none.

    `member` is the type searched within a compartment, ``*`` for all of them.
    """

    place: Place
    type: str = ""
    id: str = ""
    version_id: str = ""
    operation: str = ""
    member: str = ""

    @property
    def route(self) -> str:
        """The path with the type filled in, such as ``/Patient/{id}``: fit for a log."""
        template = self.place.template
        return template.replace("{type}", self.type) if self.type else template


SYSTEM: Final = Address(place=Place.SYSTEM)


class Routes:
    """The addresses of a service with these resource types and compartments.

    `known_types` are all types of R4, so that a refusal can tell a type that is not served from one that is not FHIR.
    """

    def __init__(
        self, *, types: Collection[str], known_types: Collection[str] = (), compartments: Collection[str] = ()
    ) -> None:
        self._types = frozenset(types)
        self._known_types = frozenset(known_types)
        self._compartments = frozenset(compartments)

    def of_type(self, name: str) -> Address | None:
        """The address of a type by its name alone, None for any other name: most entries of a Bundle name a type."""
        return Address(place=Place.TYPE, type=name) if name in self._types else None

    def address(self, segments: Sequence[str]) -> Address:
        """The address that the decoded segments of a path name, empty for the base.

        FhirError type-unknown, id-invalid, operation-unknown or not-found.
        """
        if not segments:
            return SYSTEM
        first = segments[0]
        if first not in self._types:
            return self._system_address(segments)
        match len(segments):
            case 2:
                return self._below_type(first, segments[1])
            case 1:
                return Address(place=Place.TYPE, type=first)
            case _:
                return self._below_instance(first, _logical_id(segments[1]), segments[2:])

    def _system_address(self, segments: Sequence[str]) -> Address:
        first = segments[0]
        if first.startswith("$") and len(segments) == 1:
            return Address(place=Place.SYSTEM_OPERATION, operation=_operation(first))
        match segments:
            case ["metadata"]:
                return Address(place=Place.METADATA)
            case ["worklist"]:
                return Address(place=Place.WORK_LIST)
            case ["_search"]:
                return Address(place=Place.SYSTEM_SEARCH)
            case ["_history"]:
                return Address(place=Place.SYSTEM_HISTORY)
        if first[:1].isalpha() and first != "metadata":
            raise self.unknown_type(first)
        raise _nothing_here()

    def _below_type(self, resource_type: str, segment: str) -> Address:
        if segment == "_search":
            return Address(place=Place.TYPE_SEARCH, type=resource_type)
        if segment == "_history":
            return Address(place=Place.TYPE_HISTORY, type=resource_type)
        if segment.startswith("$"):
            return Address(place=Place.TYPE_OPERATION, type=resource_type, operation=_operation(segment))
        return Address(place=Place.INSTANCE, type=resource_type, id=_logical_id(segment))

    def _below_instance(self, resource_type: str, logical_id: str, rest: Sequence[str]) -> Address:
        match rest:
            case ["_history"]:
                return Address(place=Place.INSTANCE_HISTORY, type=resource_type, id=logical_id)
            case ["_history", version_id] if LOGICAL_ID.fullmatch(version_id):
                return Address(place=Place.VERSION, type=resource_type, id=logical_id, version_id=version_id)
            case [name] if name.startswith("$"):
                operation = _operation(name)
                return Address(place=Place.INSTANCE_OPERATION, type=resource_type, id=logical_id, operation=operation)
        if resource_type in self._compartments:
            match rest:
                case [member]:
                    return self._in_compartment(Place.COMPARTMENT, resource_type, logical_id, member)
                case [member, "_search"]:
                    return self._in_compartment(Place.COMPARTMENT_SEARCH, resource_type, logical_id, member)
        raise _nothing_here()

    def _in_compartment(self, place: Place, resource_type: str, logical_id: str, member: str) -> Address:
        if member != "*" and member not in self._types:
            raise self.unknown_type(member)
        return Address(place=place, type=resource_type, id=logical_id, member=member)

    def unknown_type(self, name: str) -> FhirError:
        """The refusal of a path that names something else than a served type, with the nearest name that would do."""
        if name in self._known_types:
            return failure("type-unknown", f"{name} is a type of R4 that this service does not serve.", "http.path")
        names = {candidate.lower(): candidate for candidate in (*self._types, "metadata")}
        near = difflib.get_close_matches(name[:64].lower(), names, n=1)
        hint = f"; did you mean {names[near[0]]}?" if near else "; see metadata for those served."
        return failure("type-unknown", f"The URL does not name a resource type of R4{hint}", "http.path")


def routes_of(definitions: Definitions) -> Routes:
    """The routes of a service of these definitions."""
    return Routes(
        types=definitions.resource_types,
        known_types=definitions.all_type_names,
        compartments=definitions.compartments,
    )


def refuse_method(address: Address) -> FhirError:
    """The refusal of a method that the place does not take, with those that it takes."""
    methods = ", ".join(address.place.methods)
    hint = " Search with POST here, or with GET one level up." if address.place.methods[0] == "POST" else ""
    return failure(
        "not-allowed",
        f"{address.place.template} takes {methods}.{hint}",
        "http.method",
        allowed_methods=address.place.methods,
    )


def _logical_id(segment: str) -> str:
    if LOGICAL_ID.fullmatch(segment) is None:
        raise failure("id-invalid", "A logical id has 1 to 64 letters, digits, - and .", "http.path")
    return segment


def _operation(segment: str) -> str:
    name = segment[1:]
    if LOGICAL_ID.fullmatch(name) is None:
        raise failure("operation-unknown", "An operation's name has letters, digits and - after the $.", "http.path")
    return name


def _nothing_here() -> FhirError:
    return failure("not-found", "The URL is not one that R4 defines; see metadata for what is served.", "http.path")
