"""Totals: an integer that is the sum of the scores of other questions' chosen options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.questionnaire.enabled import same

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from service.fhir.questionnaire.form import Form, Question
    from service.fhir.resource import Content


def score_of(question: Question, answer: Content) -> Decimal | None:
    """The score of the option that an answer is; None where it has none."""
    for option in question.options:
        if option.element in answer and same(option.element, answer[option.element], option.value):
            return option.score
    return None


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
