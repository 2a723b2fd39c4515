"""What of a QuestionnaireResponse its Questionnaire does not allow.

https://hl7.org/fhir/R4/questionnaireresponse.html. Value sets of options that the Questionnaire only refers to are not
looked up: any code is taken. One that is still in progress, or was stopped, may leave required questions open.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.outcome import Issue
from service.fhir.questionnaire.enabled import Enabling, deep_items, given_answers
from service.fhir.questionnaire.scoring import total
from service.fhir.questionnaire.values import key_of, unit_of, value_in
from service.fhir.temporal import range_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
MOST_ITEMS: Final = 5_000
"""Of a response, answered or not: a form of 1,000 questions and what repeats of it."""
_MOST: Final = 50
"""Problems that are told at once."""
_MOST_NAMES: Final = 20
_LONGEST: Final = 1_000
"""How many names, and of how many characters together, one problem lists."""


def problems(response: Content, form: Form) -> list[Issue]:
    """The issues, each at its element and never with a value of the patient; none where the form allows it all."""
    if response.get("status") == "entered-in-error":
        return []
    items = response.get("item", ())
    if any(True for _ in islice(deep_items(items), MOST_ITEMS, None)):
        return [_issue(f"A response of more than {MOST_ITEMS} items is not looked at.", RESPONSE)]
    given = given_answers(items)
    if sum(map(len, given.values())) > MOST_ANSWERS:
        return [_issue(f"A response of more than {MOST_ANSWERS} answers is not looked at.", RESPONSE)]
    check = _Check(form, given, is_finished=response.get("status") in FINISHED)
    found = check.items(items, form.items, RESPONSE)
    return [issue for _, issue in zip(range(_MOST), found, strict=False)]


class _Level(Struct, frozen=True, kw_only=True):
    """Questions beside each other, and those of them that have to be there."""

    known: dict[str, Question]
    wanted: tuple[str, ...]


class _Check:
    """The check of one response. What does not depend on the repeat of a question is found out once."""

    def __init__(self, form: Form, given: Mapping[str, Sequence[Content]], *, is_finished: bool) -> None:
        self._form = form
        self._given = given
        self._is_finished = is_finished
        self._enabling = Enabling(given)
        self._levels: dict[int, _Level] = {}
        self._totals: dict[str, int | None] = {}

    def _level(self, questions: Sequence[Question]) -> _Level:
        """The same for the same questions, which live as long as the form."""
        found = self._levels.get(id(questions))
        if found is None:
            wanted = (each for each in questions if self._is_finished and each.required)
            found = self._levels[id(questions)] = _Level(
                known={each.link_id: each for each in questions},
                wanted=tuple(each.link_id for each in wanted if self._enabling.is_asked(each)),
            )
        return found

    def items(self, items: Sequence[Content], questions: Sequence[Question], where: str) -> Iterator[Issue]:
        """Of the items of one level."""
        level = self._level(questions)
        counts: dict[str, int] = {}
        for place, item in enumerate(items):
            path = f"{where}.item[{place}]"
            question = level.known.get(item.get("linkId", ""))
            if question is None:
                elsewhere = item.get("linkId") in self._form.by_link_id
                told = "The question is in another place of the questionnaire." if elsewhere else _listed(level.known)
                yield _issue(told, f"{path}.linkId")
                continue
            counts[question.link_id] = counts.get(question.link_id, 0) + 1
            if counts[question.link_id] > 1 and not (question.type == "group" and question.repeats):
                yield _issue(f"{question.link_id} comes once; repeated answers go into one item.", f"{path}.linkId")
            yield from self._item(item, question, path)
        for name in level.wanted:
            if name not in counts:
                yield _issue(f"The required {name} is missing.", where)

    def _item(self, item: Content, question: Question, path: str) -> Iterator[Issue]:
        answers, name = item.get("answer", ()), question.link_id
        enabled = self._enabling.is_asked(question)
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
        element, value = value_in(answer)
        offered = question.choice.elements
        accepted = offered if offered and question.type == "choice" else _ELEMENTS.get(question.type, ())
        if element not in accepted:
            yield _issue(f"{question.link_id} takes {' or '.join(sorted(accepted))}.", where)
            return
        path = f"{where}.{element}"
        is_free = question.type == "open-choice" and element == "valueString"
        if question.options and not is_free and (element, key_of(element, value)) not in question.choice.by_value:
            yield _issue(f"{question.link_id} takes one of its options: {_options(question)}.", path)
        if (told := _out_of_bounds(element, value, question)) is not None:
            yield _issue(told, path)
        wanted = self._total(question) if question.sum_of else None
        if wanted is not None and value != wanted:
            yield _issue(f"{question.link_id} is the sum of {_joined(question.sum_of)}, and is another number.", path)

    def _total(self, question: Question) -> int | None:
        if question.link_id not in self._totals:
            self._totals[question.link_id] = total(question, self._form, self._given)
        return self._totals[question.link_id]


def _out_of_bounds(element: str, value: Any, question: Question) -> str | None:
    """What is wrong with the number, date or length of an answer; None where nothing is."""
    name = question.link_id
    if isinstance(value, str) and question.max_length is not None and len(value) > question.max_length:
        return f"{name} takes {question.max_length} characters."
    if element == "valueQuantity":
        if question.units and unit_of(value) not in question.unit_names:
            return (
                f"{name} is in {_joined((str(each.get('code')) for each in question.units), ' or ')} (UCUM, as code)."
            )
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


def _options(question: Question) -> str:
    told = (each.value for each in question.options)
    return _joined(str(each.get("code", each.get("display"))) if isinstance(each, dict) else str(each) for each in told)


def _listed(known: Mapping[str, Question]) -> str:
    return (
        f"The questionnaire has no such linkId here; there are {_joined(known)}."
        if known
        else ("The questionnaire has no questions here.")
    )


def _joined(names: Iterable[str], between: str = ", ") -> str:
    """The first of the names: a form may have thousands, and each may be long."""
    first = [*islice(names, _MOST_NAMES + 1)]
    text = between.join(first[:_MOST_NAMES])
    return f"{text[:_LONGEST]} …" if len(first) > _MOST_NAMES or len(text) > _LONGEST else text


def _issue(told: str, path: str) -> Issue:
    return Issue(code="answer-invalid", diagnostics=told, expression=(path,))
