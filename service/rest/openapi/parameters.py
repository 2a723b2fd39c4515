"""Path parameters and those query parameters that say how an answer is given, not what it is about.

https://hl7.org/fhir/R4/http.html#parameters, https://hl7.org/fhir/R4/search.html#Summary
"""

from __future__ import annotations

from typing import Any, Final

from service.fhir.search.result_parameters import LARGEST_COUNT

LOGICAL_ID: Final = r"[A-Za-z0-9\-.]{1,64}"
MOMENT: Final = (
    r"[0-9]{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?(?:Z|[+\-](?:0[0-9]|1[0-3]):[0-5][0-9])?)?)?)?"
)
"""A date or instant of any precision, as a regular expression."""

_CHOICES: Final[dict[str, list[str]]] = {
    "AnswerFormat": ["json", "application/json", "application/fhir+json", "html", "text/html"],
    "TotalMode": ["none", "estimate", "accurate"],
    "SearchSummary": ["true", "text", "data", "count", "false"],
    "Summary": ["true", "text", "data", "false"],
    "ContainedMode": ["true", "false", "both"],
    "ContainedType": ["container", "contained"],
    "ValidationMode": ["create", "update", "profile"],
    "InstanceValidationMode": ["create", "update", "delete", "profile"],
    "CapabilityMode": ["full", "normative"],
    "WorkListPart": ["held", "open", "scheduled"],
}
"""Schema → what a parameter chooses among. Of one with a name generators make one class, else one per operation."""


def _choice(name: str) -> dict[str, Any]:
    _CHOICES[name]
    return {"$ref": f"#/components/schemas/{name}"}


_ID: Final = f"^{LOGICAL_ID}$"
_COUNT: Final = {"type": "integer", "minimum": 0, "maximum": LARGEST_COUNT}
_CODE: Final = "[A-Za-z_][A-Za-z0-9\\-]*"
_INCLUDE: Final = rf"^(?:\*|[A-Z][A-Za-z]+:(?:\*|{_CODE})(?::[A-Z][A-Za-z]+)?)$"
_MOMENT: Final = f"^{MOMENT}$"

_PARAMETERS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "id": ("path", "The logical id.", {"type": "string", "pattern": _ID, "examples": ["1"]}),
    "vid": ("path", "The version id.", {"type": "string", "pattern": _ID, "examples": ["1"]}),
    "_format": (
        "query",
        "The media type of the answer; wins over Accept. What is read can be shown as a page.",
        _choice("AnswerFormat"),
    ),
    "_pretty": ("query", "Whether the JSON is indented for a reader.", {"type": "boolean"}),
    "_type": ("query", "The types to search, separated by commas.", {"type": "string", "examples": ["CarePlan,Goal"]}),
    "_count": ("query", "The most resources on a page; `0`: the total alone.", _COUNT),
    "_total": (
        "query",
        "Whether to count all matches; absent: only where everything fits on one page.",
        _choice("TotalMode"),
    ),
    "_sort": (
        "query",
        "Search parameters to sort by, with a minus for descending; missing values come last.",
        {"type": "string", "pattern": f"^-?{_CODE}(?:,-?{_CODE})*$", "examples": ["-_lastUpdated,_id"]},
    ),
    "_include": (
        "query",
        "Return what matches refer to as well: `Type:parameter`, `Type:parameter:TargetType`, `Type:*` or `*`.",
        {"type": "array", "items": {"type": "string", "pattern": _INCLUDE, "examples": ["*"]}},
    ),
    "_revinclude": (
        "query",
        "Return what refers to the matches as well, in the form of `_include`.",
        {"type": "array", "items": {"type": "string", "pattern": _INCLUDE, "examples": ["*"]}},
    ),
    "_list": (
        "query",
        "Resources that are items of one of these Lists, by their ids.",
        {
            "type": "array",
            "items": {"type": "string", "pattern": f"^{LOGICAL_ID}(?:,{LOGICAL_ID})*$", "examples": ["1"]},
        },
    ),
    "_summary": (
        "query",
        "Leave out what is not in this part of the resource; the answer is marked SUBSETTED.",
        _choice("SearchSummary"),
    ),
    "shape._summary": (
        "query",
        "Leave out what is not in this part of the resource; the answer is marked SUBSETTED.",
        _choice("Summary"),
    ),
    "_elements": (
        "query",
        "Leave out what is neither one of these elements (comma-separated) nor required; marked SUBSETTED.",
        {"type": "string", "pattern": "^[A-Za-z]+(?:,[A-Za-z]+)*$", "examples": ["id,meta"]},
    ),
    "_contained": (
        "query",
        "Search contained resources instead of others, or both; what it cannot be combined with is refused by name.",
        _choice("ContainedMode"),
    ),
    "_containedType": (
        "query",
        "Whether a contained resource that matches is returned in its container, or alone.",
        _choice("ContainedType"),
    ),
    "_since": (
        "query",
        "Versions made at or after this instant.",
        {"type": "string", "pattern": _MOMENT, "examples": ["2026-01-09T09:00:00Z"]},
    ),
    "_at": (
        "query",
        "Versions that were current at some time in this instant or period.",
        {"type": "string", "pattern": _MOMENT, "examples": ["2026-01-09"]},
    ),
    "mode": (
        "query",
        "What the resource is meant for.",
        _choice("ValidationMode"),
    ),
    "instance.mode": (
        "query",
        "What is meant to be done with the instance.",
        _choice("InstanceValidationMode"),
    ),
    "capabilities.mode": (
        "query",
        "How much to say; the normative part is not told apart.",
        _choice("CapabilityMode"),
    ),
    "worklist.clinic": (
        "query",
        "Only Tasks of this owner, such as Organization/clinic.",
        {"type": "string", "pattern": f"^[A-Z][A-Za-z]+/{LOGICAL_ID}$", "examples": ["Organization/1"]},
    ),
    "worklist.show": (
        "query",
        "Only this list of Tasks: held for safety, in need of somebody, or with a visit scheduled.",
        _choice("WorkListPart"),
    ),
}
"""Component → place, description, schema. A dot sets apart a name that means different things in different places."""


SHAPING: Final = ("shape._summary", "_elements")
SEARCH_RESULT_PARAMETERS: Final = (
    *("_list", "_sort", "_include", "_revinclude"),
    *("_count", "_total", "_summary", "_elements", "_contained", "_containedType"),
)
"""What every search takes besides the parameters of the registry."""


def choice_schemas() -> dict[str, Any]:
    """``components/schemas`` for what parameters choose among."""
    return {name: {"type": "string", "enum": values} for name, values in _CHOICES.items()}


def parameter_schema(name: str) -> dict[str, Any]:
    """The schema of a component, for the places where a parameter travels in a body."""
    _, description, schema = _PARAMETERS[name]
    return {**schema, "description": description}


def parameter_components() -> dict[str, Any]:
    """``components/parameters`` for every path and result parameter."""
    return {
        name: {
            "name": name.rpartition(".")[2],
            "in": place,
            "required": place == "path",
            "description": description,
            "schema": schema,
        }
        for name, (place, description, schema) in _PARAMETERS.items()
    }


def parameter_references(*names: str) -> list[dict[str, Any]]:
    """``parameters`` that refer to the named components; KeyError for one that there is not."""
    for name in names:
        _PARAMETERS[name]
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]
