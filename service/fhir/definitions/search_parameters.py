"""SearchParameters: the published unions of expressions, split by resource type.

https://hl7.org/fhir/R4/searchparameter-registry.html. Only the registry of R4 counts (Bundle ``searchParams`` of the
package); the parameters of extensions and examples beside it are left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from service.fhir.definitions.package import Json, Package

_AS_OPERATOR: Final = re.compile(r"\((?P<path>[\w.]+) as (?P<type>\w+)\)")
_AS_ALONE: Final = re.compile(r"(?P<path>[\w.]+) as (?P<type>\w+)")
_AS_FUNCTION: Final = re.compile(r"\.as\((?P<type>\w+)\)")
_DESCRIBED: Final = re.compile(r"\* \[(?P<type>\w+)\]\([^)]*\): (?P<text>[^\r\n]*)")


def compile_search_parameters(package: Package, parents: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """The facts of every search parameter by the type that declares it, Resource and DomainResource included.

    `parents` maps a type to the type that it specialises.
    """
    published = sorted(package.bundle("searchParams"), key=lambda item: item["url"])
    codes = {item["url"]: item["code"] for item in published}
    found: dict[str, list[dict[str, Any]]] = {}
    for item in published:
        for base in item["base"]:
            found.setdefault(base, []).append(_facts(item, base, codes, parents))
    return {base: sorted(facts, key=lambda fact: fact["code"]) for base, facts in sorted(found.items())}


def _facts(item: Json, base: str, codes: dict[str, str], parents: dict[str, str]) -> dict[str, Any]:
    components = [[codes[part["definition"]], normalise(part["expression"])] for part in item.get("component", ())]
    facts = {
        "code": item["code"],
        "url": item["url"],
        "kind": item["type"],
        "expression": expression_for(base, item.get("expression", "")),
        "targets": [target for target in item.get("target", ()) if target in parents],
        "components": components,
        "description": _description(item["description"], base),
    }
    return {name: value for name, value in facts.items() if value not in (None, "", [])}


def expression_for(base: str, expression: str) -> str:
    """The alternatives of a union that start at the type; those that name no type belong to `base`."""
    alternatives = [normalise(part) for part in split_union(expression)]
    mine = [part for part in alternatives if _starts_at(part) in {base, ""}]
    if expression and not mine:
        message = f"no part of the search expression {expression!r} starts at {base}"
        raise ValueError(message)
    return " | ".join(part if _starts_at(part) else f"{base}.{part}" for part in mine)


def normalise(expression: str) -> str:
    """The same expression with ``ofType`` for both forms of ``as`` and without parentheses around the whole of it."""
    expression = _AS_OPERATOR.sub(r"\g<path>.ofType(\g<type>)", expression.strip())
    if alone := _AS_ALONE.fullmatch(expression):
        return f"{alone['path']}.ofType({alone['type']})"
    expression = _AS_FUNCTION.sub(r".ofType(\g<type>)", expression)
    if expression.startswith("(") and expression.endswith(")") and len(list(split_union(expression[1:-1]))) == 1:
        return normalise(expression[1:-1])
    return expression


def split_union(expression: str) -> Iterator[str]:
    """The operands of the ``|`` operators outside of all parentheses."""
    depth = start = 0
    for position, character in enumerate(expression):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and depth == 0:
            yield expression[start:position].strip()
            start = position + 1
    if expression:
        yield expression[start:].strip()


def _starts_at(expression: str) -> str:
    """The type that an expression starts at, "" when it starts at an element."""
    match = re.match(r"\(*([A-Z]\w*)", expression)
    return match[1] if match else ""


def _description(text: str, base: str) -> str:
    described = dict(_DESCRIBED.findall(text))
    return " ".join(described.get(base, text).split())


def compile_compartments(definitions: Iterable[Json]) -> dict[str, dict[str, list[str]]]:
    """Compartment → resource type → the codes of the search parameters that put a resource into it."""
    official = [item for item in definitions if item["url"].startswith("http://hl7.org/fhir/CompartmentDefinition/")]
    return {
        item["code"]: {entry["code"]: entry["param"] for entry in item["resource"] if entry.get("param")}
        for item in sorted(official, key=lambda item: item["code"])
        if item["id"] != "example"
    }
