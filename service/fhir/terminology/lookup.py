"""What a code system says of a code, for $lookup: https://hl7.org/fhir/R4/codesystem-operation-lookup.html

Names that the operation has no parameter of its own for, such as ``definition`` and ``parent``, come as properties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.terminology.naming import display_in
from service.fhir.terminology.parameters import group, parameters, value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from service.fhir.resource import Content
    from service.fhir.terminology.code_system import CodeSystem, Concept

_LANGUAGE: Final = "lang."


def looked_up(
    code_system: CodeSystem, concept: Concept, *, wanted: Collection[str] = (), language: str | None = None
) -> Content:
    """The Parameters that tell of a concept; of what may be left out only what is `wanted`, all if nothing is."""
    about = code_system.content
    designations = concept.content.get("designation", ())
    return parameters(
        [
            value("name", "String", about.get("name") or about.get("title") or code_system.url),
            value("version", "String", code_system.version),
            value("display", "String", display_in(language, concept.display, designations) or concept.code),
            *(_designation(each) for each in designations if _is_wanted(each, wanted)),
            *_properties(code_system, concept, wanted),
        ]
    )


def _is_wanted(designation: Mapping[str, Any], wanted: Collection[str]) -> bool:
    return not wanted or "designation" in wanted or f"{_LANGUAGE}{designation.get('language')}" in wanted


def _designation(content: Mapping[str, Any]) -> dict[str, Any]:
    return group(
        "designation",
        [
            value("language", "Code", content.get("language")),
            value("use", "Coding", content.get("use")),
            value("value", "String", content["value"]),
        ],
    )


def _properties(code_system: CodeSystem, concept: Concept, wanted: Collection[str]) -> Iterator[dict[str, Any]]:
    def asked(name: str) -> bool:
        return not wanted or name in wanted

    if "url" in wanted:
        yield _property("url", value("value", "Uri", code_system.url))
    if asked("definition") and "definition" in concept.content:
        yield _property("definition", value("value", "String", concept.content["definition"]))
    for name, codes in (("parent", concept.parents), ("child", concept.children)):
        for code in codes if asked(name) else ():
            known = code_system.concept(code)
            yield _property(name, value("value", "Code", code), known.display if known else None)
    for each in concept.content.get("property", ()):
        found = [(key.removeprefix("value"), told) for key, told in each.items() if key.startswith("value")]
        if asked(each["code"]) and found:
            kind, told = found[0]
            yield _property(each["code"], value("value", kind, told), _description(told))


def _property(code: str, told: Any, description: str | None = None) -> dict[str, Any]:
    return group("property", [value("code", "Code", code), told, value("description", "String", description)])


def _description(found: Any) -> str | None:
    return found.get("display") if isinstance(found, dict) else None
