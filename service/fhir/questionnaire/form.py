"""A Questionnaire as it is read: its questions, and what R4's and SDC's extensions say of them.

https://hl7.org/fhir/R4/questionnaire.html, https://hl7.org/fhir/uv/sdc/
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.outcome import CANONICAL, failure
from service.fhir.questionnaire.values import key_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from service.fhir.resource import Content

R4: Final = "http://hl7.org/fhir/StructureDefinition"
SDC: Final = "http://hl7.org/fhir/uv/sdc/StructureDefinition"
MIN_VALUE: Final = f"{R4}/minValue"
MAX_VALUE: Final = f"{R4}/maxValue"
MAX_DECIMALS: Final = f"{R4}/maxDecimalPlaces"
UNIT: Final = f"{R4}/questionnaire-unit"
UNIT_OPTION: Final = f"{R4}/questionnaire-unitOption"
ORDINAL: Final = f"{R4}/ordinalValue"
WEIGHT: Final = f"{R4}/itemWeight"
EXTRACT: Final = f"{SDC}/sdc-questionnaire-observationExtract"
CATEGORY: Final = f"{SDC}/sdc-questionnaire-observation-extract-category"
LINK_PERIOD: Final = f"{SDC}/sdc-questionnaire-observationLinkPeriod"
INITIAL: Final = f"{SDC}/sdc-questionnaire-initialExpression"
CALCULATED: Final = f"{SDC}/sdc-questionnaire-calculatedExpression"

BODY_SITE: Final = f"{CANONICAL}/StructureDefinition/observed-body-site"
"""Ours: `Observation.bodySite` of what is extracted, which SDC has no extension for."""

SUM_OF: Final = f"{CANONICAL}/StructureDefinition/sum-of-scores"
"""Ours: the linkIds whose options' scores an integer is the sum of, which is what its calculatedExpression says."""

MOST_QUESTIONS: Final = 1_000
"""Items of a form, groups and displays among them."""
MOST_DETAILS: Final = 5_000
"""Of all of them together: codes, options, conditions, initial values, units, categories and summands.

A response is held against its form in time that grows with the questions, these and the answers, each by itself.
"""

_DETAILS: Final = ("code", "answerOption", "enableWhen", "initial")
_LISTED: Final = frozenset({UNIT, UNIT_OPTION, SUM_OF, CATEGORY})
_UNIT_DAYS: Final = {"d": 1, "wk": 7, "mo": 31, "a": 366}
_MOST_DAYS: Final = 36_600
"""A hundred years: more than anybody has observations of, and what a calendar has before today."""


class Option(Struct, frozen=True, kw_only=True):
    """A permitted answer: the element of the answer that it is in, its value, and its score, if it has one."""

    element: str
    value: Any
    score: Decimal | None


class Choice(Struct, frozen=True, kw_only=True):
    """The options of a question, found without going through them: by element and `key_of`, and codings by code."""

    elements: tuple[str, ...]
    by_value: dict[tuple[str, Hashable], Option]
    by_code: dict[str, Option]


class Condition(Struct, frozen=True, kw_only=True):
    """One enableWhen."""

    question: str
    operator: str
    element: str
    expected: Any


class Extraction(Struct, frozen=True, kw_only=True):
    """How a question becomes an Observation, or a component of its parent's."""

    is_component: bool
    categories: tuple[Content, ...]


class Question(Struct, frozen=True, kw_only=True):
    """An item: a group, a question or a text to display. `low` and `high` are numbers, or dates as they are written."""

    link_id: str
    type: str
    text: str
    required: bool
    repeats: bool
    codes: tuple[Content, ...]
    options: tuple[Option, ...]
    choice: Choice
    low: Decimal | str | None
    high: Decimal | str | None
    decimals: int | None
    max_length: int | None
    units: tuple[Content, ...]
    unit_names: frozenset[tuple[Any, Any]]
    conditions: tuple[Condition, ...]
    needs_all: bool
    extraction: Extraction | None
    link_period: timedelta | None
    initial: tuple[Content, ...]
    initial_expression: str | None
    sum_of: tuple[str, ...]
    body_site: Content | None
    items: tuple[Question, ...]

    @property
    def unit(self) -> Content | None:
        """The unit that its numbers are in, where there is one."""
        return self.units[0] if len(self.units) == 1 else None


class Form(Struct, frozen=True, kw_only=True):
    """A Questionnaire. `by_link_id` has all of its items, however deep."""

    url: str
    version: str
    title: str
    items: tuple[Question, ...]
    by_link_id: dict[str, Question]

    @property
    def canonical(self) -> str:
        """The URL with the version, as a response names it."""
        return f"{self.url}|{self.version}" if self.version and self.url else self.url


def form_of(questionnaire: Content) -> Form:
    """The form of a Questionnaire that is valid R4; FhirError too-costly beyond `MOST_QUESTIONS` or `MOST_DETAILS`."""
    _require_small(questionnaire)
    items = _questions(questionnaire, _extraction(questionnaire, None), _categories(questionnaire, ()))
    by_link_id = {each.link_id: each for each in _deep(items)}
    return Form(
        url=questionnaire.get("url", ""),
        version=questionnaire.get("version", ""),
        title=str(questionnaire.get("title", questionnaire.get("name", ""))),
        items=items,
        by_link_id=by_link_id,
    )


def _require_small(questionnaire: Content) -> None:
    """FhirError too-costly, before anything is made of what there is too much of."""
    questions, details, waiting = 0, 0, [questionnaire]
    while waiting:
        items = waiting.pop().get("item", ())
        questions += len(items)
        details += sum(len(item.get(name, ())) for item in items for name in _DETAILS)
        details += sum(each.get("url") in _LISTED for item in items for each in item.get("extension", ()))
        if questions > MOST_QUESTIONS:
            raise failure("too-costly", f"A Questionnaire of more than {MOST_QUESTIONS} questions is not looked at.")
        if details > MOST_DETAILS:
            told = "codes, options, conditions, initial values, units, categories and summands"
            raise failure("too-costly", f"A Questionnaire of more than {MOST_DETAILS} {told} is not looked at.")
        waiting += items


def _deep(items: Sequence[Question]) -> Iterator[Question]:
    for each in items:
        yield each
        yield from _deep(each.items)


def _questions(holder: Content, inherited: str | None, categories: tuple[Content, ...]) -> tuple[Question, ...]:
    return tuple(_question(each, inherited, categories) for each in holder.get("item", ()))


def _question(item: Content, inherited: str | None, categories: tuple[Content, ...]) -> Question:
    how = _extraction(item, inherited)
    within = _categories(item, categories)
    period = _first(item, LINK_PERIOD)
    expression = _first(item, INITIAL) or {}
    is_fhirpath = isinstance(expression, dict) and expression.get("language") == "text/fhirpath"
    maximum = _first(item, MAX_DECIMALS)
    options = tuple(_option(each) for each in item.get("answerOption", ()))
    units = tuple(each for url in (UNIT, UNIT_OPTION) for each in _values(item, url) if isinstance(each, dict))
    return Question(
        link_id=item["linkId"],
        type=item["type"],
        text=item.get("text", ""),
        required=item.get("required", False),
        repeats=item.get("repeats", False),
        codes=tuple(item.get("code", ())),
        options=options,
        choice=_choice(options),
        low=_bound(item, MIN_VALUE),
        high=_bound(item, MAX_VALUE),
        decimals=maximum if isinstance(maximum, int) else None,
        max_length=item.get("maxLength"),
        units=units,
        unit_names=frozenset(unit_of(each) for each in units),
        conditions=tuple(_condition(each) for each in item.get("enableWhen", ())),
        needs_all=item.get("enableBehavior") == "all",
        extraction=_extracted(item, how, within),
        link_period=_period(period) if isinstance(period, dict) else None,
        initial=tuple(item.get("initial", ())),
        initial_expression=expression.get("expression") if is_fhirpath else None,
        sum_of=tuple(each for each in _values(item, SUM_OF) if isinstance(each, str)),
        body_site=_first(item, BODY_SITE),
        items=_questions(item, how, within),
    )


def _extraction(holder: Content, inherited: str | None) -> str | None:
    """The relation by which an item is extracted, None: not at all; said by the item, or by what it is in."""
    said = _first(holder, EXTRACT)
    if isinstance(said, bool):
        return "independent" if said else None
    if isinstance(said, str):
        return said
    return inherited and "independent"


def _extracted(item: Content, how: str | None, categories: tuple[Content, ...]) -> Extraction | None:
    if how is None or not item.get("code") or item["type"] in ("group", "display"):
        return None
    return Extraction(is_component=how == "component", categories=categories)


def _categories(holder: Content, inherited: tuple[Content, ...]) -> tuple[Content, ...]:
    return tuple(each for each in _values(holder, CATEGORY) if isinstance(each, dict)) or inherited


def _option(option: Content) -> Option:
    element, value = _answer(option)
    weights = [
        _first(holder, url) for holder in (option, value) if isinstance(holder, dict) for url in (ORDINAL, WEIGHT)
    ]
    score = next((each for each in weights if each is not None), None)
    return Option(element=element, value=value, score=None if score is None else Decimal(str(score)))


def _choice(options: Sequence[Option]) -> Choice:
    """Of options that are equal the first one counts."""
    by_code: dict[str, Option] = {}
    by_value: dict[tuple[str, Hashable], Option] = {}
    for each in options:
        by_value.setdefault((each.element, key_of(each.element, each.value)), each)
        if each.element == "valueCoding" and "code" in each.value:
            by_code.setdefault(each.value["code"], each)
    return Choice(elements=tuple(sorted({each.element for each in options})), by_value=by_value, by_code=by_code)


def _condition(each: Content) -> Condition:
    element, expected = _answer(each, "answer")
    return Condition(question=each["question"], operator=each["operator"], element=element, expected=expected)


def _answer(holder: Content, prefix: str = "value") -> tuple[str, Any]:
    """The element that a value is in, named as in an answer, and the value."""
    for name, value in holder.items():
        if name.startswith(prefix) and len(name) > len(prefix):
            return f"value{name.removeprefix(prefix)}", value
    return "", None


def _bound(item: Content, url: str) -> Decimal | str | None:
    value = _first(item, url)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    return value if isinstance(value, str) else Decimal(str(value))


def _period(duration: Content) -> timedelta | None:
    """How far back; None for a duration that has no calendar length, is beyond a life or lies ahead."""
    each, value = _UNIT_DAYS.get(str(duration.get("code"))), duration.get("value")
    if each is None or value is None:
        return None
    days = each * float(value)
    return timedelta(days=days) if 0 <= days <= _MOST_DAYS else None


def _first(holder: Content, url: str) -> Any:
    return next(iter(_values(holder, url)), None)


def _values(holder: Content, url: str) -> list[Any]:
    """The values of the extensions of a URL."""
    return [_answer(each)[1] for each in holder.get("extension", ()) if each.get("url") == url]
