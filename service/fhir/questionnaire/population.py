"""A response with what is known already: https://hl7.org/fhir/uv/sdc/populate.html

By initial values, by initialExpression over the launch context, and by observationLinkPeriod from Observations. What
does not fit into its question is left out, and said.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from service.fhir.commensurable import in_unit
from service.fhir.concept import codings
from service.fhir.observed import moment_of
from service.fhir.outcome import Issue
from service.fhir.path import PathError, Scope, compile_path
from service.fhir.path.item import plain
from service.fhir.questionnaire.answers import problems
from service.fhir.questionnaire.values import key_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, tzinfo

    from service.fhir.questionnaire.form import Form, Question
    from service.fhir.resource import Content

_MOST_VISITS: Final = 10_000
"""Items that one expression looks at."""
MOST_WORK: Final = 200_000
"""Items that all expressions of a form look at together; to read a character of one takes as long as so many items."""
CHARACTER_WORK: Final = 20
_COUNTED: Final = frozenset({"final", "amended", "corrected"})
_TEXTS: Final = {
    "date": "valueDate",
    "dateTime": "valueDateTime",
    "time": "valueTime",
    "string": "valueString",
    "text": "valueString",
    "url": "valueUri",
}


class Known(Struct, frozen=True, kw_only=True):
    """What answers are taken from: resources by the names of the launch context, and the subject's Observations.

    `zone` is that of dates without one.
    """

    context: Mapping[str, Content]
    observations: Sequence[Content]
    now: datetime
    zone: tzinfo


class Population(Struct, frozen=True, kw_only=True):
    """The response's items, and what was left out."""

    items: list[Content]
    issues: list[Issue]


def populated(form: Form, known: Known) -> Population:
    """An item for each of the form's, as SDC has it: answered as far as something fits."""
    filler = _Filler(form, known)
    return Population(items=filler.items(form.items), issues=filler.issues)


class _Filler:
    """Fills one form."""

    def __init__(self, form: Form, known: Known) -> None:
        self._form = form
        self._known = known
        self._left = MOST_WORK
        self._newest = _newest(known)
        self.issues: list[Issue] = []

    def items(self, questions: Sequence[Question]) -> list[Content]:
        """An item for each question of a level."""
        return [self._item(each) for each in questions]

    def _item(self, question: Question) -> Content:
        item: Content = {"linkId": question.link_id}
        if question.text:
            item["text"] = question.text
        if question.type == "group":
            return item | ({"item": self.items(question.items)} if question.items else {})
        if question.type == "display":
            return item
        answers = self._fitting(question, self._answers(question))
        answers = answers if question.repeats else answers[:1]
        if answers and question.items:
            answers = [each | {"item": self.items(question.items)} for each in answers]
        return item | ({"answer": answers} if answers else {})

    def _answers(self, question: Question) -> list[Content]:
        """What the question could be answered by: the newest Observation, the expression, or the initial values."""
        if question.link_period is not None and (answer := self._observed(question)) is not None:
            return [answer]
        if question.initial_expression is not None:
            return self._expressed(question, question.initial_expression)
        return [dict(each) for each in question.initial]

    def _expressed(self, question: Question, expression: str) -> list[Content]:
        name = expression.lstrip().removeprefix("%").partition(".")[0]
        if expression.lstrip().startswith("%") and name.isidentifier() and name not in self._known.context:
            return []
        self._left -= len(expression) * CHARACTER_WORK
        if self._left <= 0:
            self._leave_out(question, "The initialExpressions of the questionnaire are too much work.")
            return []
        given = min(self._left, _MOST_VISITS)
        scope = Scope(variables=self._known.context, budget=given)
        try:
            items = compile_path(expression, untrusted=True).run({}, scope)
            values = [value for each in items if (value := plain(each)) is not None]
        except PathError:
            self._leave_out(question, "Its initialExpression cannot be evaluated.")
            return []
        finally:
            self._left -= given - max(scope.budget, 0)
        answers = [answer for each in values if (answer := _as_answer(question, each)) is not None]
        if len(answers) < len(values):
            self._leave_out(question, "What its initialExpression finds is of another type.")
        return answers

    def _observed(self, question: Question) -> Content | None:
        """The newest Observation with one of the question's codes within its period."""
        if question.link_period is None:
            return None
        found = [self._newest[name] for each in question.codes if (name := unit_of(each)) in self._newest]
        at, _, newest = max(found, default=(self._known.now, 0, None), key=lambda each: each[:2])
        if newest is None or at < self._known.now - question.link_period:
            return None
        answer = _of_observation(question, newest)
        if answer is None:
            self._leave_out(question, "The newest observation has no value that fits.")
        return answer

    def _fitting(self, question: Question, answers: Sequence[Content]) -> list[Content]:
        """The answers that the form allows, each by itself: a response with nothing else in it has no problem."""
        if question.conditions or not answers:
            return [*answers]
        only = replace(question, items=())
        alone = type(self._form)(url="", version="", title="", items=(only,), by_link_id={only.link_id: only})
        fitting = []
        for each in answers:
            response = {"status": "in-progress", "item": [{"linkId": only.link_id, "answer": [each]}]}
            if problems(response, alone):
                self._leave_out(question, "What is known does not fit.")
            else:
                fitting.append(each)
        return fitting

    def _leave_out(self, question: Question, told: str) -> None:
        diagnostics = f"{question.link_id} is not filled in. {told}"
        self.issues.append(
            Issue(code=None, severity="warning", diagnostics=diagnostics, expression=("QuestionnaireResponse.item",))
        )


def _newest(known: Known) -> dict[tuple[Any, Any], tuple[datetime, int, Content]]:
    """Code → the newest Observation of it that counts and is not of the days to come: when, and which of several."""
    found: dict[tuple[Any, Any], tuple[datetime, int, Content]] = {}
    for place, each in enumerate(known.observations):
        at = moment_of(each, known.zone).low
        if each.get("status") not in _COUNTED or "modifierExtension" in each or at > known.now:
            continue
        for name in {unit_of(one) for one in codings(each.get("code"))}:
            if name not in found or found[name][0] < at:
                found[name] = at, -place, each
    return found


def _as_answer(question: Question, value: Any) -> Content | None:
    """A value that a path found, as an answer; None where it is of another type."""
    match question.type:
        case "boolean" if isinstance(value, bool):
            return {"valueBoolean": value}
        case "integer" if isinstance(value, int) and not isinstance(value, bool):
            return {"valueInteger": value}
        case "decimal" if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return {"valueDecimal": value}
        case "quantity" if isinstance(value, dict) and "value" in value:
            return {"valueQuantity": value}
        case "reference" if isinstance(value, dict) and "reference" in value:
            return {"valueReference": value}
        case "choice" | "open-choice":
            return _chosen(question, value)
        case other if other in _TEXTS and isinstance(value, str):
            return {_TEXTS[other]: value}
    return None


def _chosen(question: Question, value: Any) -> Content | None:
    """The option that a code, a Coding or a CodeableConcept names."""
    named = value.get("coding", [value]) if isinstance(value, dict) else [{"code": value}]
    choice = question.choice
    for one in named:
        if not isinstance(one.get("code"), str):
            continue
        by_system = choice.by_value.get(("valueCoding", key_of("valueCoding", one)))
        option = by_system if "system" in one else choice.by_code.get(one["code"])
        if option is not None:
            return {option.element: option.value}
    return None


def _of_observation(question: Question, observation: Content) -> Content | None:
    """The value of an Observation as an answer, in the question's unit."""
    if "valueQuantity" in observation:
        return _of_quantity(question, observation["valueQuantity"])
    for name, value in observation.items():
        if name.startswith("value"):
            return _as_answer(question, value)
    return None


def _of_quantity(question: Question, quantity: Content) -> Content | None:
    if "value" not in quantity or "comparator" in quantity:
        return None
    if question.type == "quantity":
        return {"valueQuantity": quantity}
    number, unit = Decimal(str(quantity["value"])), question.unit
    if unit is not None:
        converted = in_unit(number, str(quantity.get("code", "")), str(unit.get("code", "")))
        if converted is None:
            return None
        number = converted
    if question.type == "integer":
        return {"valueInteger": int(number)} if number == number.to_integral_value() else None
    if question.type == "choice":
        return next(({each.element: each.value} for each in question.options if each.score == number), None)
    return {"valueDecimal": number} if question.type == "decimal" else None
