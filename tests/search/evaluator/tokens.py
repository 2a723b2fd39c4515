"""token: https://hl7.org/fhir/R4/search.html#token

``code``, ``system|code``, ``|code`` ("has no system property") and ``system|``. "Match is case sensitive unless the
underlying semantics for the context indicate" otherwise, which nothing in the random data does; "if the underlying data
type is string then the search is not case sensitive". The system of an element of type code is that of its value set;
the element has no system property either, so that ``|code`` finds it as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.search.evaluator.separators import split, unescape
from tests.search.evaluator.strings import text_matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.search.evaluator.values import Value

TYPES: Final = frozenset(
    {"Coding", "CodeableConcept", "Identifier", "ContactPoint", "code", "boolean", "uri", "id", "string", "canonical"}
)

IMPLIED_SYSTEMS: Final = {
    ("Patient", "gender"): "http://hl7.org/fhir/administrative-gender",
    ("Practitioner", "gender"): "http://hl7.org/fhir/administrative-gender",
    ("ServiceRequest", "status"): "http://hl7.org/fhir/request-status",
    ("ServiceRequest", "intent"): "http://hl7.org/fhir/request-intent",
    ("ServiceRequest", "priority"): "http://hl7.org/fhir/request-priority",
    ("Task", "status"): "http://hl7.org/fhir/task-status",
    ("CarePlan", "status"): "http://hl7.org/fhir/request-status",
    ("Observation", "status"): "http://hl7.org/fhir/observation-status",
    ("Encounter", "status"): "http://hl7.org/fhir/encounter-status",
    ("Appointment", "status"): "http://hl7.org/fhir/appointmentstatus",
    ("Appointment", "part-status"): "http://hl7.org/fhir/participationstatus",
    ("QuestionnaireResponse", "status"): "http://hl7.org/fhir/questionnaire-answers-status",
    ("ValueSet", "status"): "http://hl7.org/fhir/publication-status",
    ("Questionnaire", "status"): "http://hl7.org/fhir/publication-status",
    ("PlanDefinition", "status"): "http://hl7.org/fhir/publication-status",
}
"""(resource type, parameter) → the code system of an element of type code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a value is called: a code and its system; an `implied` system is one that the element does not state."""

    system: str | None = None
    code: str | None = None
    implied: bool = False
    any_case: bool = False


def matches(text: str, value: Value, implied: str | None = None) -> bool:
    """Whether a value is the token searched for; `implied` is the system of an element of type code."""
    return any(_is(text, token) for token in tokens_of(value, implied))


def _is(text: str, token: Token) -> bool:
    match [unescape(part) for part in split(text, "|")]:
        case [code]:
            return _same(code, token)
        case ["", code]:
            return _same(code, token) and (token.system is None or token.implied)
        case [system, ""]:
            return token.system == system
        case [system, code]:
            return token.system == system and _same(code, token)
    raise ValueError(text)


def _same(code: str, token: Token) -> bool:
    if token.code is None:
        return False
    return code.casefold() == token.code.casefold() if token.any_case else code == token.code


def tokens_of(value: Value, implied: str | None = None) -> list[Token]:
    """R4's table of the data types of token parameters."""
    content = value.content
    match value.type:
        case "Coding":
            return [_coded(content)]
        case "CodeableConcept":
            return [_coded(coding) for coding in content.get("coding", ())]
        case "Identifier":
            return [Token(system=content.get("system"), code=content.get("value"))]
        case "ContactPoint":
            return [Token(code=content.get("value"))]
        case "code":
            return [Token(system=implied, code=content, implied=True)]
        case "boolean":
            return [Token(code="true" if content else "false")]
        case "string":
            return [Token(code=content, any_case=True)]
    return [Token(code=content)]


def _coded(coding: dict[str, Any]) -> Token:
    return Token(system=coding.get("system"), code=coding.get("code"))


def text_is(text: str, value: Value) -> bool:
    """`:text`: "a string that searches [...] either CodeableConcept.text, Coding.display, or Identifier.type.text"."""
    return any(text_matches(text, field) for field in _texts(value) if field is not None)


def _texts(value: Value) -> Iterable[str | None]:
    content = value.content
    match value.type:
        case "CodeableConcept":
            return [content.get("text"), *(coding.get("display") for coding in content.get("coding", ()))]
        case "Coding":
            return [content.get("display")]
        case "Identifier":
            return [content.get("type", {}).get("text")]
    return []


def is_of_type(text: str, value: Value) -> bool:
    """`:of-type`: system|code of one of the codings of an Identifier's type, and its value. "All 3 parts"."""
    system, code, identifier = (unescape(part) for part in split(text, "|"))
    if value.type != "Identifier" or value.content.get("value") != identifier:
        return False
    return Token(system=system, code=code) in [_coded(each) for each in value.content.get("type", {}).get("coding", ())]
