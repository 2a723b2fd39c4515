"""The rows of a profile as a StructureDefinition: https://hl7.org/fhir/R4/structuredefinition.html

A differential on R4's own type; what a row does not say is as R4 has it.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import CANONICAL
from service.massage.catalogue.published import DATE
from service.massage.profiles.rows import load
from service.massage.profiles.rows import sources as all_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.fhir.resource import Content
    from service.massage.profiles.rows import ElementRow, ProfileRows, RuleRow

VERSION: Final = "1.0.0"
"""Of all profiles together; to be raised with every change of what one of them asks."""

_CORE: Final = "http://hl7.org/fhir/StructureDefinition"
_R4: Final = "4.0.1"


def canonical(profile_id: str) -> str:
    """The canonical URL of a profile of the service, without its version."""
    return f"{CANONICAL}/StructureDefinition/{profile_id}"


def supported(profiles: Iterable[ProfileRows] | None = None) -> dict[str, list[str]]:
    """Resource type → canonical URLs of the profiles of it."""
    found: dict[str, list[str]] = {}
    for each in profiles or load():
        if each.type != "Extension":
            found.setdefault(each.type, []).append(canonical(each.id))
    return found


def resources(profiles: Iterable[ProfileRows] | None = None) -> list[Content]:
    """The StructureDefinitions, each with its id; of the packaged rows where none are given."""
    names = all_sources()
    return [structure_definition(each, names) for each in (profiles or load())]


def structure_definition(profile: ProfileRows, names: Mapping[str, str]) -> Content:
    """One StructureDefinition; `names` says what sources are called."""
    extension = profile.type == "Extension"
    found: dict[str, Any] = {
        "resourceType": "StructureDefinition",
        "id": profile.id,
        "text": {"status": "generated", "div": _narrative(profile)},
        "url": canonical(profile.id),
        "version": VERSION,
        "name": "".join(part.capitalize() for part in profile.id.split("-")),
        "title": profile.title,
        "status": "active",
        "experimental": False,
        "date": DATE,
        "publisher": "massage-fhir",
        "description": profile.description,
        "purpose": f"After {', '.join(names[each] for each in profile.sources)}.",
        "fhirVersion": _R4,
        "kind": "complex-type" if extension else "resource",
        "abstract": False,
    }
    if profile.context:
        found["context"] = [{"type": "element", "expression": profile.context}]
    found |= {
        "type": profile.type,
        "baseDefinition": f"{_CORE}/{profile.type}",
        "derivation": "constraint",
        "differential": {
            "element": [_root(profile, names), *(_element(profile, row, names) for row in profile.elements)]
        },
    }
    return found


def _root(profile: ProfileRows, names: Mapping[str, str]) -> dict[str, Any]:
    root: dict[str, Any] = {
        "id": profile.type,
        "path": profile.type,
        "short": profile.title,
        "definition": profile.description,
    }
    if profile.rules:
        root["constraint"] = [_constraint(rule, profile, names) for rule in profile.rules]
    return root


def _constraint(rule: RuleRow, profile: ProfileRows, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "key": rule.key,
        "requirements": f"After {', '.join(names[each] for each in rule.sources)}.",
        "severity": rule.severity,
        "human": rule.human,
        "expression": rule.expression,
        "source": canonical(profile.id),
    }


def _element(profile: ProfileRows, row: ElementRow, names: Mapping[str, str]) -> dict[str, Any]:
    parts = [part.partition(":") for part in row.id.split(".")]
    element: dict[str, Any] = {
        "id": f"{profile.type}.{row.id}",
        "path": ".".join([profile.type, *(name for name, _, _ in parts)]),
    }
    if parts[-1][2]:
        element["sliceName"] = parts[-1][2]
    if row.sliced:
        kind, path = row.sliced.split()
        element["slicing"] = {"discriminator": [{"type": kind, "path": path}], "ordered": False, "rules": "open"}
    if row.says:
        element |= {"short": row.says, "definition": row.says}
    if row.sources:
        element["requirements"] = f"After {', '.join(names[each] for each in row.sources)}."
    return element | _asked(row)


def _asked(row: ElementRow) -> dict[str, Any]:
    """What an element has to be, in the order of ElementDefinition."""
    element: dict[str, Any] = {}
    if row.min is not None:
        element["min"] = row.min
    if row.max is not None:
        element["max"] = str(row.max)
    if row.types:
        element["type"] = [_type(text) for text in row.types]
    if row.value:
        element[row.value[0]] = row.value[1]
    if row.max != 0:
        element["mustSupport"] = True
    if row.binding:
        strength, _, value_set = row.binding.partition(" ")
        element["binding"] = {"strength": strength, "valueSet": f"{CANONICAL}/ValueSet/{value_set}"}
    return element


def _type(text: str) -> dict[str, Any]:
    code, _, names = text.rstrip(")").partition("(")
    if not names:
        return {"code": code}
    if code == "Extension":
        return {"code": code, "profile": [canonical(names)]}
    return {"code": code, "targetProfile": [f"{_CORE}/{name}" for name in names.split("|")]}


def _narrative(profile: ProfileRows) -> str:
    rules = "".join(f"<li>{escape(rule.human)} ({escape(rule.key)})</li>" for rule in profile.rules)
    listed = f"<ul>{rules}</ul>" if rules else ""
    paragraphs = f"<p><b>{escape(profile.title)}</b></p><p>{escape(profile.description)}</p>{listed}"
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>'
