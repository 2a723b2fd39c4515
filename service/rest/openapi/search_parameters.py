"""Search parameters as OpenAPI parameters, one component per type and code, and as the form of POST ``_search``.

A repeated parameter is AND, a comma within a value is OR: https://hl7.org/fhir/R4/search.html#combining. Modifiers are
part of the name (``name:exact``), which OpenAPI cannot say; each description lists those that the service takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.search.modifiers import accepted_modifiers
from service.fhir.search.types import SEARCH_TYPES
from service.rest.openapi.parameters import LOGICAL_ID, MOMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.fhir.definitions import Definitions
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.registry import Registry

_PREFIX: Final = "(?:eq|ne|gt|lt|ge|le|sa|eb|ap)?"
_PART: Final = r"(?:[^\x00-\x20,|$\\]|\\[,|$\\])+"
_WORD: Final = r"(?:[^\x00-\x20,$\\]|\\[,|$\\])+"
"""Text in which the separators of search values are escaped."""
_NUMBER: Final = r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+\-]?[0-9]{1,2})?"

_KINDS: Final[dict[str, tuple[str, str, str]]] = {
    "id": ("A logical id.", LOGICAL_ID, "1"),
    "date": (
        "A date or instant of any precision, with an optional prefix.",
        f"{_PREFIX}{MOMENT}",
        "ge2026-01-01",
    ),
    "number": ("A number, with an optional prefix.", f"{_PREFIX}{_NUMBER}", "gt2"),
    "quantity": (
        "`number`, `number|system|code` or `number||code`, with an optional prefix.",
        rf"{_PREFIX}{_NUMBER}(?:\|(?:{_PART})?\|{_PART})?",
        "ge5||mg",
    ),
    "token": (
        "`code`, `system|code`, `|code` (no system) or `system|`.",
        rf"(?:(?:(?:{_PART})?\|)?{_PART}|{_PART}\|)",
        "active",
    ),
    "reference": (
        "`Type/id`, `id`, an absolute URL or a canonical `url|version`.",
        rf"(?:{LOGICAL_ID}|[A-Z][A-Za-z]+/{LOGICAL_ID}|[A-Za-z][A-Za-z0-9+.\-]*:{_WORD})",
        "Patient/1",
    ),
    "string": (
        "Text; matches from its start, regardless of case, accents and punctuation.",
        f"{_WORD}(?: {_WORD})*",
        "Example",
    ),
    "uri": ("A URI, compared exactly.", _WORD, "urn:oid:1.2.3"),
    "composite": ("Values of the components, joined by `$`.", rf"{_WORD}\${_WORD}", "a$b"),
}
"""Kind → what a value looks like, the pattern of one alternative, an example."""


def search_value_schemas() -> dict[str, Any]:
    """``components/schemas`` for the values of each kind of search parameter that the service answers."""
    return {
        _schema_name(kind): {
            "type": "string",
            "description": form,
            "pattern": f"^{pattern}(?:,{pattern})*$",
            "examples": [example],
        }
        for kind, (form, pattern, example) in _KINDS.items()
        if kind in {"id", *SEARCH_TYPES}
    }


def search_value_list() -> str:
    """The form of the values of each kind, as a Markdown list."""
    forms = [f"* {kind}: {form}" for kind, (form, _, _) in _KINDS.items() if kind in SEARCH_TYPES]
    return "\n".join(forms)


class SearchParameters:
    """The OpenAPI view of the search registry."""

    def __init__(self, definitions: Definitions, registry: Registry) -> None:
        self._definitions = definitions
        self._registry = registry

    def components(self) -> dict[str, Any]:
        """``components/parameters`` for every search parameter of every served type."""
        parameters: dict[str, Any] = {}
        for resource_type in (*self._definitions.resource_types, None):
            for parameter in self._of(resource_type).values():
                parameters.setdefault(_component_name(resource_type, parameter.code), _parameter(parameter))
        return dict(sorted(parameters.items()))

    def references(self, resource_type: str | None) -> list[dict[str, Any]]:
        """``parameters`` of an operation that takes the search criteria of a type; None: of the whole system."""
        return [
            {"$ref": f"#/components/parameters/{_component_name(resource_type, code)}"}
            for code in self._of(resource_type)
        ]

    def form(self, resource_type: str | None) -> dict[str, Any]:
        """The criteria in the form that POST ``_search`` takes for a type; None: for the whole system."""
        return {code: _repeatable(parameter) for code, parameter in self._of(resource_type).items()}

    def unsupported(self, resource_type: str) -> str:
        """A sentence that lists R4's parameters of the type that the service refuses; empty if there are none."""
        codes = ", ".join(f"`{code}`" for code in sorted(self._registry.unsupported(resource_type)))
        return f" Not supported: {codes}." if codes else ""

    def _of(self, resource_type: str | None) -> Mapping[str, SearchParameter]:
        if resource_type is None:
            return self._registry.shared_parameters(self._definitions.resource_types)
        return self._registry.parameters(resource_type)


def _component_name(resource_type: str | None, code: str) -> str:
    return f"search.{code}" if code.startswith("_") else f"search.{resource_type or 'System'}.{code}"


def _parameter(parameter: SearchParameter) -> dict[str, Any]:
    told = f"{parameter.description.rstrip('.')} ({parameter.kind})."
    lines = (told, _targets(parameter.targets), _modifiers(accepted_modifiers(parameter)))
    return {
        "name": parameter.code,
        "in": "query",
        "required": False,
        "description": " ".join(line for line in lines if line),
        "schema": _repeatable(parameter),
    }


def _schema_name(kind: str) -> str:
    return f"Search{kind.capitalize()}"


def _repeatable(parameter: SearchParameter) -> dict[str, Any]:
    kind = "id" if parameter.special == "_id" else parameter.kind
    items: dict[str, Any] = {"$ref": f"#/components/schemas/{_schema_name(kind)}"}
    example = example_value(parameter)
    if example != _KINDS[kind][2]:
        items["examples"] = [example]
    return {"type": "array", "items": items}


def example_value(parameter: SearchParameter) -> str:
    """A value that the parameter takes: a code of its binding, where it has one, or the example of its kind."""
    if parameter.components:
        return "$".join(example_value(component) for component in parameter.components)
    if parameter.kind == "token" and parameter.systems:
        return min(code for codes in parameter.systems.values() for code in codes)
    if parameter.kind == "token" and parameter.data_types == {"boolean"}:
        return "true"
    return _KINDS["id" if parameter.special == "_id" else parameter.kind][2]


def _targets(targets: Iterable[str]) -> str:
    names = ", ".join(targets)
    return f"Points at {names}." if names else ""


def _modifiers(modifiers: Iterable[str]) -> str:
    names = ", ".join(f"`:{name}`" for name in modifiers)
    return f"Modifiers: {names}." if names else ""
