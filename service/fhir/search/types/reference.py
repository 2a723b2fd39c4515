"""reference: a link to a resource, by logical id, by literal reference, by URL or by canonical.

https://hl7.org/fhir/R4/search.html#reference. A reference to a resource of this service, relative or absolute on its
own base, is its identity whatever version it names; any other URL is the digest of its text. A canonical is found by
its URL, by ``url|version`` and, with ``:below``, by the beginning of its version. A resource that canonicals name has
its own URL in the index of references, for chains and includes to find it by.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from service.fhir.reference import ACTING, LOOSE, digest_of, identity_of, parse_local, type_code, type_elsewhere
from service.fhir.resource import LOGICAL_ID
from service.fhir.search.query import ReferenceValue
from service.fhir.search.separators import split, unescape
from service.fhir.search.types.search_type import SearchType, refused
from service.fhir.search.types.token import add_identifier
from service.fhir.search.types.token import parse as parse_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.query import Value
    from service.fhir.search.types.search_type import Rows, Setting

FORMS: Final = "an id, Type/id, an absolute URL or a canonical url|version"

_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
_CANONICAL: Final = re.compile(r"(?P<url>[A-Za-z][A-Za-z0-9+.\-]*:[^\s|#]+)(?:\|(?P<version>[^\s|#]+))?")
_BETWEEN_PARTS: Final = re.compile(r"[.+\-]")
_MOST_PARTS: Final = 8
"""The parts of a version, such as 4.0.1, by which a canonical is found with ``:below``."""

NOT_LITERAL: Final = UUID(int=0)
"""The target of a reference that names neither a URL nor a contained resource: no search asks for it, `:missing` does.

It stands beside the identifier of a logical reference too, so that what has a reference is seen in one table.
"""

_ANY: Final = 0
"""The target type of whatever does not name its type: it counts as any."""

_NOWHERE: Final = (_ANY, NOT_LITERAL)


def parse(parameter: SearchParameter, modifier: str | None, text: str, setting: Setting) -> Value:
    """One operand; `modifier` is "identifier", "below", a resource type, as in ``subject:Patient=1``, or None."""
    if modifier == "identifier":
        return parse_token(parameter, None, text, setting)
    value = unescape(text)
    if modifier == "below":
        return _below(parameter, value, setting)
    if modifier is not None:
        if not LOGICAL_ID.fullmatch(value):
            raise refused(parameter, f"an id after the modifier :{modifier}")
        return _of_types(parameter, (modifier,), value)
    url, *version = split(text, "|")
    if len(version) > 1 or not all((url, *version)):
        raise refused(parameter, FORMS)
    return _plain(parameter, value, setting)


def _plain(parameter: SearchParameter, value: str, setting: Setting) -> ReferenceValue:
    if LOGICAL_ID.fullmatch(value):
        types = (parameter.restricted_to,) if parameter.restricted_to else parameter.targets
        return _of_types(parameter, types, value)
    local = parse_local(value, setting.base, setting.types)
    if local is not None:
        if local.version_id is not None:
            raise refused(parameter, "references without a version; leave out /_history and what follows")
        if parameter.restricted_to not in {None, local.type}:
            raise refused(parameter, f"references to {parameter.restricted_to}")
        return _of_types(parameter, (local.type,), local.id)
    if _ABSOLUTE.fullmatch(value):
        return ReferenceValue(targets=(digest_of(value),))
    url, _, version = value.partition("|")
    if version and parse_local(url, setting.base, setting.types):
        return ReferenceValue(targets=(digest_of(value),))
    raise refused(parameter, FORMS)


def _of_types(parameter: SearchParameter, types: Sequence[str], logical_id: str) -> ReferenceValue:
    """The resources of this service that have the id."""
    acting = not parameter.canonical and all(each in ACTING for each in types)
    return ReferenceValue(targets=tuple(identity_of(each, logical_id) for each in types), acting=acting)


def _below(parameter: SearchParameter, value: str, setting: Setting) -> ReferenceValue:
    """A canonical whatever its version, or of versions that begin with some parts: 1.0 is below 1, and 10 is not."""
    found = _CANONICAL.fullmatch(value)
    if found is None:
        raise refused(parameter, "with :below a canonical url, or url|version")
    url, version = found["url"], found["version"]
    if version is None:
        return ReferenceValue(targets=(_located(url, setting.base, setting.types)[1],))
    if len(_BETWEEN_PARTS.findall(version)) >= _MOST_PARTS:
        raise refused(parameter, f"with :below versions of at most {_MOST_PARTS} parts")
    return ReferenceValue(targets=(digest_of(value), _beginning(url, version)))


def _beginning(url: str, version: str) -> UUID:
    """The digest of all versions below one: of a text that no canonical is."""
    return digest_of(f"{url}|{version} ")


def _reference(reference: dict[str, Any], source: int, rows: Rows) -> None:
    literal = reference.get("reference")
    if literal is None:
        target_type, target = _stated_type(reference, rows), NOT_LITERAL
    elif literal.startswith("#"):
        target_type, target = _within(literal[1:], rows)
    else:
        target_type, target = _located(literal, rows.base, rows.types)
    if target_type == _ANY and "type" in reference:
        target_type = _stated_type(reference, rows)
    identifier = reference.get("identifier")
    if identifier is None or target is not NOT_LITERAL:
        rows.reference.add((source, rows.element, target_type, target))
    if identifier is not None:
        add_identifier(identifier, source, rows)
        for restricted_to, number in rows.further.identifier.get(source, ()):
            if target_type in {_ANY, restricted_to}:
                add_identifier(identifier, number, rows)


def _within(fragment: str, rows: Rows) -> tuple[int, UUID]:
    """The target's type and place: a contained resource, or by the empty fragment the container."""
    if not fragment and "id" in rows.root:
        resource_type = rows.root["resourceType"]
        return type_code(resource_type), identity_of(resource_type, rows.root["id"])
    return rows.places.get(fragment, _NOWHERE)


def _stated_type(reference: dict[str, Any], rows: Rows) -> int:
    """The type that a reference says that its target has."""
    named = reference.get("type")
    return type_code(named) if named in rows.types else _ANY


def _canonical(canonical: str, source: int, rows: Rows) -> None:
    canonical, _, fragment = canonical.partition("#")
    url, _, version = canonical.partition("|")
    target_type, target = _located(url, rows.base, rows.types) if url else _within(fragment, rows)
    if not version:
        rows.reference.add((source, rows.element, target_type, target))
        return
    rows.reference.add((source, rows.element, _ANY, digest_of(canonical)))
    if url:
        rows.reference.add((source, rows.element, LOOSE, target))
        for end in islice(_BETWEEN_PARTS.finditer(version), _MOST_PARTS):
            rows.reference.add((source, rows.element, LOOSE, _beginning(url, version[: end.start()])))


def add_url(url: str, version: str | None, number: int, rows: Rows) -> None:
    """The rows by which canonicals find a resource with a URL, whether or not they name its version."""
    rows.reference.add((number, 0, _ANY, _located(url, rows.base, rows.types)[1]))
    if version:
        rows.reference.add((number, 0, _ANY, digest_of(f"{url}|{version}")))


@lru_cache(maxsize=8192)
def _located(literal: str, base: str, types: frozenset[str]) -> tuple[int, UUID]:
    """The target's type and digest; the resources of one patient repeat the same few references."""
    resource_type, _, logical_id = literal.partition("/")
    if resource_type in types and LOGICAL_ID.fullmatch(logical_id):  # as nearly all are
        return type_code(resource_type), identity_of(resource_type, logical_id)
    local = parse_local(literal, base, types)
    if local is None:
        elsewhere = type_elsewhere(literal, types)
        return type_code(elsewhere) if elsewhere else _ANY, digest_of(literal)
    return type_code(local.type), identity_of(local.type, local.id)


REFERENCE: Final = SearchType(
    kind="reference",
    modifiers=("[type]", "identifier", "below"),
    extractors={"Reference": _reference, "canonical": _canonical, "uri": _canonical},
    parse=parse,
)
