"""What of a QuestionnaireResponse its Questionnaire does not allow.

https://hl7.org/fhir/R4/questionnaireresponse.html. Value sets of options that the Questionnaire only refers to are not
looked up: any code is taken. One that is still in progress, or was stopped, may leave required questions open.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import Issue
from service.fhir.questionnaire.enabled import given_answers, is_enabled, same
from service.fhir.questionnaire.scoring import total
from service.fhir.temporal import range_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from service.fhir.questionnaire.form import Form, Question
    from service.fhir.resource import Content

RESPONSE: Final = "QuestionnaireResponse"
FINISHED: Final = frozenset({"completed", "amended"})
"""The states in which every required question is answered."""

_ELEMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "boolean": ("valueBoolean",),
    "decimal": ("valueDecimal",),
    "integer": ("valueInteger",),
    "date": ("valueDate",),
    "dateTime": ("valueDateTime",),
    "time": ("valueTime",),
    "string": ("valueString",),
    "text": ("valueString",),
    "url": ("valueUri",),
    "choice": ("valueCoding",),
    "open-choice": ("valueCoding", "valueString"),
    "attachment": ("valueAttachment",),
    "reference": ("valueReference",),
    "quantity": ("valueQuantity",),
}
MOST_ANSWERS: Final = 2_000
_MOST: Final = 50
"""Problems that are told at once."""


def problems(response: Content, form: Form) -> list[Issue]:
    """The issues, each at its element and never with a value of the patient; none where the form allows it all."""
    if response.get("status") == "entered-in-error":
        return []
    given = given_answers(response.get("item", ()))
    if sum(map(len, given.values())) > MOST_ANSWERS:
        return [_issue(f"A response of more than {MOST_ANSWERS} answers is not looked at.", RESPONSE)]
    check = _Check(form, given, is_finished=response.get("status") in FINISHED)
    found = check.items(response.get("item", ()), form.items, RESPONSE)
    return [issue for _, issue in zip(range(_MOST), found, strict=False)]


class _Check:
    """The check of one response."""

    def __init__(self, form: Form, given: Mapping[str, Sequence[Content]], *, is_finished: bool) -> None:
        self._form = form
        self._given = given
        self._is_finished = is_finished

    def items(self, items: Sequence[Content], questions: Sequence[Question], where: str) -> Iterator[Issue]:
        """Of the items of one level."""
        known = {each.link_id: each for each in questions}
        counts: dict[str, int] = {}
        for place, item in enumerate(items):
            path = f"{where}.item[{place}]"
            question = known.get(item.get("linkId", ""))
            if question is None:
                elsewhere = item.get("linkId") in self._form.by_link_id
                told = "The question is in another place of the questionnaire." if elsewhere else _listed(known)
                yield _issue(told, f"{path}.linkId")
                continue
            counts[question.link_id] = counts.get(question.link_id, 0) + 1
            if counts[question.link_id] > 1 and not (question.type == "group" and question.repeats):
                yield _issue(f"{question.link_id} comes once; repeated answers go into one item.", f"{path}.linkId")
            yield from self._item(item, question, path)
        if self._is_finished:
            for each in questions:
                if each.required and each.link_id not in counts and is_enabled(each, self._given):
                    yield _issue(f"The required {each.link_id} is missing.", where)

    def _item(self, item: Content, question: Question, path: str) -> Iterator[Issue]:
        answers, name = item.get("answer", ()), question.link_id
        enabled = is_enabled(question, self._given)
        if (answers or item.get("item")) and not enabled:
            yield _issue(f"{name} is not asked, by the answers to the questions that it depends on.", path)
        elif question.type in ("group", "display"):
            if answers:
                yield _issue(f"{name} is no question and takes no answer.", f"{path}.answer")
            yield from self.items(item.get("item", ()), question.items, path)
        else:
            if item.get("item"):
                yield _issue(f"What is below {name} goes into its answer.", f"{path}.item")
            if len(answers) > 1 and not question.repeats:
                yield _issue(f"{name} takes one answer.", f"{path}.answer")
            if not answers and question.required and self._is_finished and enabled:
                yield _issue(f"The required {name} is not answered.", path)
            for place, answer in enumerate(answers):
                where = f"{path}.answer[{place}]"
                yield from self._answer(answer, question, where)
                yield from self.items(answer.get("item", ()), question.items, where)

    def _answer(self, answer: Content, question: Question, where: str) -> Iterator[Issue]:
        element = next((name for name in answer if name.startswith("value")), "")
        offered = {each.element for each in question.options}
        accepted = tuple(offered) if offered and question.type == "choice" else _ELEMENTS.get(question.type, ())
        if element not in accepted:
            yield _issue(f"{question.link_id} takes {' or '.join(sorted(accepted))}.", where)
            return
        value, path = answer[element], f"{where}.{element}"
        is_free = question.type == "open-choice" and element == "valueString"
        if question.options and not is_free and not _is_offered(element, value, question):
            yield _issue(f"{question.link_id} takes one of its options: {_options(question)}.", path)
        if (told := _out_of_bounds(element, value, question)) is not None:
            yield _issue(told, path)
        wanted = total(question, self._form, self._given) if question.sum_of else None
        if wanted is not None and value != wanted:
            yield _issue(f"{question.link_id} is the sum of {', '.join(question.sum_of)}, and is another number.", path)


def _is_offered(element: str, value: Any, question: Question) -> bool:
    return any(each.element == element and same(element, value, each.value) for each in question.options)


def _out_of_bounds(element: str, value: Any, question: Question) -> str | None:
    """What is wrong with the number, date or length of an answer; None where nothing is."""
    name = question.link_id
    if isinstance(value, str) and question.max_length is not None and len(value) > question.max_length:
        return f"{name} takes {question.max_length} characters."
    if element == "valueQuantity":
        if question.units and not any(_has_unit(value, each) for each in question.units):
            return f"{name} is in {' or '.join(str(each.get('code')) for each in question.units)} (UCUM, as code)."
        value = value.get("value")
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = Decimal(str(value))
        places = -int(number.as_tuple().exponent) if number.is_finite() else 0
        if question.decimals is not None and places > question.decimals:
            return f"{name} takes {question.decimals} decimal places."
        return _outside(number, question)
    if element in ("valueDate", "valueDateTime") and (moment := range_of(value)) is not None:
        low, high = (range_of(each) if isinstance(each, str) else None for each in (question.low, question.high))
        if (low is not None and moment.high <= low.low) or (high is not None and moment.low >= high.high):
            return f"{name} takes a date {_bounds(question)}."
    return None


def _outside(number: Decimal, question: Question) -> str | None:
    low = isinstance(question.low, Decimal) and number < question.low
    high = isinstance(question.high, Decimal) and number > question.high
    unit = f" {question.unit.get('code', '')}" if question.unit else ""
    return f"{question.link_id} takes a number {_bounds(question)}{unit}." if low or high else None


def _bounds(question: Question) -> str:
    ends = (("from", question.low), ("to", question.high))
    return " ".join(f"{word} {end}" for word, end in ends if end is not None)


def _has_unit(quantity: Content, unit: Content) -> bool:
    return (quantity.get("system"), quantity.get("code")) == (unit.get("system"), unit.get("code"))


def _options(question: Question) -> str:
    told = (each.value for each in question.options)
    return ", ".join(
        str(each.get("code", each.get("display"))) if isinstance(each, dict) else str(each) for each in told
    )


def _listed(known: Mapping[str, Question]) -> str:
    return (
        f"The questionnaire has no such linkId here; there are {', '.join(known)}."
        if known
        else ("The questionnaire has no questions here.")
    )


def _issue(told: str, path: str) -> Issue:
    return Issue(code="answer-invalid", diagnostics=told, expression=(path,))
