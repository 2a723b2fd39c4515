"""The functions that FHIR adds to FHIRPath. https://hl7.org/fhir/R4/fhirpath.html#functions"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from service.fhir.path.code import NOTHING, Code, of_items, of_truth
from service.fhir.path.functions.invocation import Function, Invocation, text_of
from service.fhir.path.item import Items, Node, Target, root_node, value_of
from service.fhir.path.navigation import member

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.path.code import Scope

_LITERAL: Final = re.compile(
    r"(?:[a-z][^?#]*/)?(?P<type>[A-Z][A-Za-z]+)(?:/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:#.*)?|\?.*)",
    re.ASCII | re.DOTALL,
)
"""A literal reference, relative or absolute, or a conditional one (``Patient?identifier=...``)."""

UNSUPPORTED: Final[Mapping[str, str]] = {
    "memberOf": "needs a terminology server",
    "subsumes": "needs a terminology server",
    "subsumedBy": "needs a terminology server",
    "conformsTo": "needs profiles, which are not validated",
    "elementDefinition": "needs profiles, which are not validated",
    "slice": "needs profiles, which are not validated",
    "checkModifiers": "needs profiles, which are not validated",
    "now": "would make the answer depend on the clock",
    "today": "would make the answer depend on the clock",
    "timeOfDay": "would make the answer depend on the clock",
    "type": "is a trial-use function; use `is` or ofType()",
    **dict.fromkeys(("encode", "decode", "escape", "unescape", "sort"), "is a trial-use function"),
    **dict.fromkeys(("lowBoundary", "highBoundary", "precision", "comparable"), "is a trial-use function"),
}
"""The functions that are knowingly not supported, with the reason."""


def _extension(call: Invocation) -> Code:
    extensions = member(call.operand, "extension", call.unknown)
    if extensions is None:
        raise call.error("is called on what has no extensions")
    source, url = extensions.items, text_of(call.argument(0), call.name)

    def items(this: Any, scope: Scope) -> Items:
        found = source(this, scope)
        wanted = url(this, scope) if found else None
        return [item for item in found if _url(item) == wanted] if wanted is not None else NOTHING

    return of_items(items, shapes=extensions.shapes)


def _url(item: Any) -> Any:
    content = value_of(item)
    return content.get("url") if type(content) is dict else None


def _has_extension(call: Invocation) -> Code:
    return of_truth(_extension(call).exists)


def _has_value(call: Invocation) -> Code:
    source = call.operand.items

    def holds(this: Any, scope: Scope) -> bool:
        found = source(this, scope)
        if len(found) != 1:
            return False
        value = found[0]
        if type(value) is str:
            return True
        value = value_of(value)
        return value is not None and type(value) is not dict and type(value) is not Target

    return of_truth(holds)


def _resolve(call: Invocation) -> Code:
    source = call.operand.items

    def items(this: Any, scope: Scope) -> Items:
        found = [_target(item, scope) for item in source(this, scope)]
        return [target for target in found if target is not None]

    return of_items(items, typed=True)


def _target(item: Any, scope: Scope) -> Any:
    """The contained resource that a reference names, the type of another one, or None where neither is known."""
    content = value_of(item)
    kind = None
    if type(content) is dict:
        kind = content.get("type")
        content = content.get("reference")
    if type(content) is str:
        if content[:1] == "#":
            return _contained(item, content[1:], scope)
        literal = _LITERAL.fullmatch(content)
        if literal is not None:
            return _target_of(literal["type"])
    return _target_of(kind) if isinstance(kind, str) and kind.isalpha() else None


@lru_cache(maxsize=512)
def _target_of(kind: str) -> Target:
    return Target(kind)


def _contained(item: Any, name: str, scope: Scope) -> Any:
    for place in (scope.root, scope.resource):
        resource = value_of(place)
        if type(resource) is not dict:
            continue
        candidates = [resource] if name == "" else resource.get("contained")
        for candidate in candidates if isinstance(candidates, list) else ():
            if type(candidate) is dict and (name == "" or candidate.get("id") == name):
                return root_node(candidate, item.shape.shapes.of(candidate)) if type(item) is Node else candidate
    return None


def _html_checks(_call: Invocation) -> Code:
    """True: the narrative's XHTML is checked by `service.fhir.narrative`."""
    return of_truth(lambda _this, _scope: True)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "extension": Function(_extension, 1, 1),
    "hasExtension": Function(_has_extension, 1, 1),
    "hasValue": Function(_has_value),
    "resolve": Function(_resolve),
    "htmlChecks": Function(_html_checks),
}
"""FHIR's own functions by their names; hasExtension() is no part of FHIRPath, but R4's search parameters use it."""
