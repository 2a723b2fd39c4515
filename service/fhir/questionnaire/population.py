"""A response with what is known already: https://hl7.org/fhir/uv/sdc/populate.html

By initial values, by initialExpression over the launch context, and by observationLinkPeriod from Observations. What
does not fit into its question is left out, and said.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.commensurable import in_unit
from service.fhir.observed import moment_of
from service.fhir.outcome import Issue
from service.fhir.path import PathError, Scope, compile_path
from service.fhir.path.item import plain
from service.fhir.questionnaire.answers import problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, tzinfo

    from service.fhir.questionnaire.form import Form, Question
    from service.fhir.resource import Content

_MOST_VISITS: Final = 10_000
"""Items that one expression looks at."""
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
        answers = [each for each in self._answers(question) if self._fits(question, each)]
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
        try:
            scope = Scope(variables=self._known.context, budget=_MOST_VISITS)
            items = compile_path(expression, untrusted=True).run({}, scope)
            values = [value for each in items if (value := plain(each)) is not None]
        except PathError:
            self._leave_out(question, "Its initialExpression cannot be evaluated.")
            return []
        answers = [answer for each in values if (answer := _as_answer(question, each)) is not None]
        if len(answers) < len(values):
            self._leave_out(question, "What its initialExpression finds is of another type.")
        return answers

    def _observed(self, question: Question) -> Content | None:
        """The newest Observation with one of the question's codes within its period."""
        wanted = {(each.get("system"), each.get("code")) for each in question.codes}
        earliest = self._known.now - (question.link_period or self._known.now - self._known.now)
        found = [
            (moment.low, each)
            for each in self._known.observations
            if each.get("status") in _COUNTED and "modifierExtension" not in each
            if wanted & {(one.get("system"), one.get("code")) for one in each.get("code", {}).get("coding", ())}
            if earliest <= (moment := moment_of(each, self._known.zone)).low <= self._known.now
        ]
        if not found:
            return None
        newest = max(found, key=lambda pair: pair[0])[1]
        answer = _of_observation(question, newest)
        if answer is None:
            self._leave_out(question, "The newest observation has no value that fits.")
        return answer

    def _fits(self, question: Question, answer: Content) -> bool:
        """Whether the form allows the answer: a response with nothing else in it has no problem."""
        alone = type(self._form)(
            url="", version="", title="", items=(question,), by_link_id={question.link_id: question}
        )
        response = {"status": "in-progress", "item": [{"linkId": question.link_id, "answer": [answer]}]}
        is_asked = not question.conditions
        if is_asked and problems(response, alone):
            self._leave_out(question, "What is known does not fit.")
            return False
        return True

    def _leave_out(self, question: Question, told: str) -> None:
        diagnostics = f"{question.link_id} is not filled in. {told}"
        self.issues.append(
            Issue(code=None, severity="warning", diagnostics=diagnostics, expression=("QuestionnaireResponse.item",))
        )


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
    for option in question.options:
        for one in named:
            is_it = isinstance(option.value, dict) and option.value.get("code") == one.get("code")
            if is_it and one.get("system", option.value.get("system")) == option.value.get("system"):
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
