"""Compiles HL7's published R4 definitions into the facts that are committed beside this module.

Run ``massage-fhir definitions compile PACKAGE``, where PACKAGE is the folder ``package`` of the unpacked npm package
``hl7.fhir.r4.examples`` 4.0.1 (HL7, CC0). The facts cover every R4 type, served or not: a contained resource may have
any of them. What it writes:

    facts/types/<Type>.json     elements, constraints and pattern of one type, without what it inherits
    facts/search/<Type>.json    the search parameters that a resource type declares
    facts/codes.json            value set → code system → codes, for all required bindings
    facts/compartments.json     compartment → resource type → search parameters
    facts/index.json            type → [kind, parent]
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import msgspec

from service.fhir.definitions.package import Package
from service.fhir.definitions.search_parameters import compile_compartments, compile_search_parameters
from service.fhir.definitions.structures import Facts, StructureCompiler
from service.fhir.definitions.value_sets import RULES, ValueSetExpander

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def compile_package(package: Path, target: Path) -> None:
    """Replaces the facts in the folder `target` by those of the package; equal input gives equal files.

    Raises FileNotFoundError when `package` is not the package, NotImplementedError or ValueError when a definition
    says something that the facts cannot hold.
    """
    source = Package(package)
    structures = StructureCompiler(source)
    types = {name: structures.compile(name) for name in sorted(source.structures)}
    parents = {name: facts.get("parent", "") for name, facts in types.items()}
    for folder in ("types", "search"):
        shutil.rmtree(target / folder, ignore_errors=True)
        (target / folder).mkdir(parents=True)
    for name, facts in types.items():
        _write(target / "types" / f"{name}.json", _type_lines(facts))
    for name, found in compile_search_parameters(source, parents).items():
        _write(target / "search" / f"{name}.json", _array_lines(found))
    _write(target / "codes.json", _object_lines(_codes(source, structures.bindings)))
    _write(target / "compartments.json", _object_lines(compile_compartments(source.resources("CompartmentDefinition"))))
    _write(target / "index.json", _object_lines({name: [types[name]["kind"], parents[name]] for name in types}))


def _codes(package: Package, bindings: dict[str, str]) -> dict[str, dict[str, list[str]]]:
    expander = ValueSetExpander(package)
    found: dict[str, dict[str, list[str]]] = {}
    for key, url in sorted(bindings.items()):
        if url not in RULES:
            systems: dict[str, list[str]] = {}
            for system, code in sorted(expander.expand(url)):
                systems.setdefault(system, []).append(code)
            found[key] = systems
    return found


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _array_lines(items: list[Any]) -> list[str]:
    """One item per line, so that a change of the definitions reads as a change of lines."""
    return ["[", ",\n".join(_json(item) for item in items), "]"]


def _object_lines(items: dict[str, Any]) -> list[str]:
    return ["{", ",\n".join(f"{_json(key)}:{_json(value)}" for key, value in items.items()), "}"]


def _type_lines(facts: Facts) -> list[str]:
    head = _json({name: value for name, value in facts.items() if name != "elements"})
    elements = ",\n".join(_json(item) for item in facts.get("elements", ()))
    return [f'{head[:-1]},"elements":[', *([elements] if elements else []), "]}"]
