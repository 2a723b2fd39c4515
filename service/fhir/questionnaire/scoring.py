"""Totals: an integer that is the sum of the scores of other questions' chosen options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.questionnaire.values import key_of, value_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from service.fhir.questionnaire.form import Form, Question
    from service.fhir.resource import Content


def score_of(question: Question, answer: Content) -> Decimal | None:
    """The score of the option that an answer is; None where it has none."""
    element, value = value_in(answer)
    option = question.choice.by_value.get((element, key_of(element, value))) if question.options else None
    return None if option is None else option.score


def total(question: Question, form: Form, given: Mapping[str, Sequence[Content]]) -> int | None:
    """The sum of the scores; None as long as one of them is not answered."""
    scores: list[Decimal] = []
    for link_id in question.sum_of:
        summand = form.by_link_id.get(link_id)
        answers = given.get(link_id, ())
        score = score_of(summand, answers[0]) if summand is not None and answers else None
        if score is None:
            return None
        scores.append(score)
    return int(sum(scores)) if scores else None
