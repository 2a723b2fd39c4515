"""reference: https://hl7.org/fhir/R4/search.html#reference

``id``, ``Type/id`` or a URL. "A relative reference resolving to the same value as a specified absolute URL, or vice
versa, qualifies as a match." A reference to one version refers to the resource (#versions). An id without a type is
looked for among all types that the parameter refers to: R4 lets a server refuse that, and does not demand it.

With `:below`, a canonical is found "to control whether the version is considered in the search": 1.0 is below 1, and
10 is taken not to be.

A parameter for one type only, such as ``patient``, takes no reference that is known to be to another type.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from tests.search.evaluator import tokens, uris
from tests.search.evaluator.separators import unescape

if TYPE_CHECKING:
    from tests.search.evaluator.values import Value

TYPES: Final = frozenset({"Reference", "canonical", "uri"})

CONTAINER: Final = "#"
"""Where the evaluator keeps, in a contained resource, what contains it; and the reference from there to it."""

_ID: Final = r"[A-Za-z0-9\-.]{1,64}"
_RESOURCE: Final = re.compile(rf"(?P<server>.*/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>{_ID})(/_history/{_ID})?")


def matches(text: str, value: Value, base: str, modifier: str = "") -> bool:
    """Whether a value refers to what is searched for; `modifier` is a resource type, or `identifier`."""
    if modifier == "identifier":
        return identifier_matches(text, value)
    searched = unescape(text)
    if modifier == "below":
        return value.type != "Reference" and bool(re.match(rf"{re.escape(searched)}($|[.|+-])", value.content))
    if modifier:
        searched = f"{modifier}/{searched}"
    if value.type != "Reference":
        return any(_is_to(searched, local(name, base), base) for name in uris.names(value))
    target = target_of(value, base)
    return target is not None and _is_to(searched, target, base)


def _is_to(searched: str, target: str, base: str) -> bool:
    return target.partition("/")[2] == searched if re.fullmatch(_ID, searched) else target == local(searched, base)


def is_named(value: Value, resource: dict[str, Any], base: str) -> bool:
    """Whether a canonical names a resource: its URL, of the version that the canonical has, if it has one."""
    url, _, version = value.content.partition("|")
    named = bool(resource.get("url") == url)
    if version:
        return named and bool(resource.get("version") == version)
    return named or local(url, base) == f"{resource['resourceType']}/{resource['id']}"


def identifier_matches(text: str, value: Value) -> bool:
    """`:identifier`: "the search value works as a token search" on the identifier of the reference."""
    if value.type != "Reference" or "identifier" not in value.content:
        return False
    return tokens.matches(text, replace(value, type="Identifier", content=value.content["identifier"]))


def target_of(value: Value, base: str) -> str | None:
    """``Type/id`` of a resource of this server, another URL as it is; None for contained and logical references."""
    literal = value.content.get("reference")
    if literal == CONTAINER:
        return container(value.around)
    return None if literal is None or literal.startswith("#") else local(literal, base)


def local(url: str, base: str) -> str:
    """``Type/id`` of a reference to a resource of this server, whatever version it names; other URLs as they are."""
    found = _RESOURCE.fullmatch(url)
    if found is None or found["server"] not in {None, f"{base}/"}:
        return url
    return f"{found['type']}/{found['id']}"


def may_be_to(value: Value, resource_type: str) -> bool:
    """Whether nothing says that a reference is to another type: its URL, what is contained, what it says itself."""
    literal = value.content.get("reference")
    if literal is None:
        return value.content.get("type") in {None, resource_type}
    if literal.startswith("#"):
        inside = contained(value)
        return inside is None or inside["resourceType"] == resource_type
    found = _RESOURCE.fullmatch(literal)
    return found is None or found["type"] == resource_type


def contained(value: Value) -> dict[str, Any] | None:
    """The contained resource that a reference like ``#p`` is to; it sees what is contained beside it."""
    literal = value.content.get("reference", "") if value.type == "Reference" else value.content
    return next((each for each in inside(value.around) if literal == f"#{each['id']}"), None)


def inside(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """What a resource contains, or what is contained beside it; each sees the others and its container."""
    around = container(resource)
    contained = resource.get("contained", [])
    return [{**each, "contained": contained, CONTAINER: around} for each in contained]


def container(resource: dict[str, Any]) -> str:
    """``Type/id`` of a resource; of a contained one, of the resource around it."""
    return resource.get(CONTAINER) or f"{resource['resourceType']}/{resource['id']}"
