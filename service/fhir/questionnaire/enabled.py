"""Whether a question is to be asked: https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen"""

from __future__ import annotations

import operator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from service.fhir.questionnaire.form import Condition, Question
    from service.fhir.resource import Content

    Given = Mapping[str, Sequence[Content]]

_ORDERED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def given_answers(items: Sequence[Content]) -> dict[str, list[Content]]:
    """The answers of a response by linkId, those of repeated groups together."""
    found: dict[str, list[Content]] = {}
    for item in _deep(items):
        found.setdefault(item.get("linkId", ""), []).extend(item.get("answer", ()))
    return found


def _deep(items: Sequence[Content]) -> Iterator[Content]:
    for item in items:
        yield item
        yield from _deep(item.get("item", ()))
        for answer in item.get("answer", ()):
            yield from _deep(answer.get("item", ()))


def is_enabled(question: Question, given: Given) -> bool:
    """Whether the conditions of a question hold; one without conditions is always asked."""
    if not question.conditions:
        return True
    met = (_holds(each, given.get(each.question, ())) for each in question.conditions)
    return all(met) if question.needs_all else any(met)


def _holds(condition: Condition, answers: Sequence[Content]) -> bool:
    if condition.operator == "exists":
        return bool(answers) is bool(condition.expected)
    values = [answer[condition.element] for answer in answers if condition.element in answer]
    if condition.operator == "!=":
        return all(not same(condition.element, each, condition.expected) for each in values)
    if condition.operator == "=":
        return any(same(condition.element, each, condition.expected) for each in values)
    compare = _ORDERED[condition.operator]
    if condition.element == "valueQuantity":
        values = [each for each in values if _unit(each) == _unit(condition.expected)]
    pairs = [(_comparable(each), _comparable(condition.expected)) for each in values]
    return any(compare(one, other) for one, other in pairs if type(one) is type(other) and one is not None)


def same(element: str, one: Any, other: Any) -> bool:
    """Whether two values are the same answer: codings by system and code, quantities by number and unit."""
    match element:
        case "valueCoding":
            if "code" not in one and "code" not in other:
                return bool(one.get("display") == other.get("display"))
            return (one.get("system"), one.get("code")) == (other.get("system"), other.get("code"))
        case "valueQuantity":
            names = ("value", "system", "code", "comparator")
            return all(_comparable(one.get(name)) == _comparable(other.get(name)) for name in names)
        case "valueReference":
            return bool(one.get("reference") == other.get("reference"))
        case _:
            return bool(_comparable(one) == _comparable(other))


def _unit(quantity: Content) -> tuple[Any, Any]:
    return quantity.get("system"), quantity.get("code")


def _comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return _comparable(value.get("value"))
    return Decimal(str(value)) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
