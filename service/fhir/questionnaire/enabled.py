"""Whether a question is to be asked: https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from service.fhir.questionnaire.values import comparable, key_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from service.fhir.questionnaire.form import Condition, Question
    from service.fhir.resource import Content

    Given = Mapping[str, Sequence[Content]]

_ORDERED: Final[Mapping[str, tuple[Callable[[Any, Any], bool], int]]] = {
    ">": (operator.gt, 1),
    "<": (operator.lt, 0),
    ">=": (operator.ge, 1),
    "<=": (operator.le, 0),
}
"""How an answer and what is expected compare, and which of the answers decides: the least (0) or the greatest (1)."""


def given_answers(items: Sequence[Content]) -> dict[str, list[Content]]:
    """The answers of a response by linkId, those of repeated groups together."""
    found: dict[str, list[Content]] = {}
    for item in deep_items(items):
        found.setdefault(item.get("linkId", ""), []).extend(item.get("answer", ()))
    return found


def deep_items(items: Sequence[Content]) -> Iterator[Content]:
    """The items of a response, however deep, in their order."""
    open_levels = [iter(items)]
    while open_levels:
        for item in open_levels[-1]:
            yield item
            below = (each for holder in (item, *item.get("answer", ())) for each in holder.get("item", ()))
            open_levels.append(below)
            break
        else:
            open_levels.pop()


class Enabling:
    """Which questions are asked by the answers of one response.

    An answer counts wherever it is, those of repeated groups together: whether a question is asked does not depend on
    the repeat that it is in, and is found out once.
    """

    def __init__(self, given: Given) -> None:
        self._given = given
        self._known: dict[str, bool] = {}
        self._answers: dict[str, _Answers] = {}

    def is_asked(self, question: Question) -> bool:
        """Whether the conditions of a question hold; one without conditions is always asked."""
        if not question.conditions:
            return True
        known = self._known.get(question.link_id)
        if known is None:
            met = (self._holds(each) for each in question.conditions)
            known = self._known[question.link_id] = all(met) if question.needs_all else any(met)
        return known

    def _holds(self, condition: Condition) -> bool:
        answers = self._answers.get(condition.question)
        if answers is None:
            answers = self._answers[condition.question] = _Answers(self._given.get(condition.question, ()))
        return answers.meet(condition)


class _Answers:
    """The answers to one question, so that a condition need not go through them."""

    def __init__(self, answers: Sequence[Content]) -> None:
        self._is_any = bool(answers)
        self._keys: set[tuple[str, Hashable]] = set()
        self._ends: dict[Hashable, tuple[Any, Any]] = {}
        for answer in answers:
            for element, value in answer.items():
                if element.startswith("value"):
                    self._keys.add((element, key_of(element, value)))
                    self._widen(_kind(element, value), comparable(value))

    def meet(self, condition: Condition) -> bool:
        """Whether they do what one enableWhen asks for."""
        element, expected = condition.element, condition.expected
        if condition.operator == "exists":
            return self._is_any is bool(expected)
        if condition.operator in ("=", "!="):
            is_given = (element, key_of(element, expected)) in self._keys
            return is_given is (condition.operator == "=")
        compare, end = _ORDERED[condition.operator]
        ends = self._ends.get(_kind(element, expected))
        return ends is not None and compare(ends[end], comparable(expected))

    def _widen(self, kind: Hashable, value: Any) -> None:
        if value is not None and not isinstance(value, dict | list):
            least, greatest = self._ends.get(kind, (value, value))
            self._ends[kind] = min(least, value), max(greatest, value)


def _kind(element: str, value: Any) -> Hashable:
    """What values have in common that can be told greater and less."""
    unit = unit_of(value) if element == "valueQuantity" else None
    return element, type(comparable(value)), unit
