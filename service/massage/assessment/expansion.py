"""Rows that stand for several questions, written out; and the forms of instruments that are asked by their score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from service.massage.assessment.rows import Form, Item

if TYPE_CHECKING:
    from service.massage.assessment.rows import Assessments, Score, Sided
    from service.massage.catalogue.rows import OutcomeMeasure

_SIDES: Final = ("left", "right")
_ASKED: Final = {"%": "percent", "{score}": "score", "d": "days"}
"""The unit of a score → the linkId of the question for it."""


def written_out(assessments: Assessments) -> list[Form]:
    """All forms, with every question that is asked."""
    forms = [
        replace(form, item=tuple(_written_out(each, assessments) for each in form.item))
        for form in assessments.forms.values()
    ]
    return [*forms, *(_of_score(code, row, assessments) for code, row in assessments.scores.items())]


def _written_out(item: Item, assessments: Assessments) -> Item:
    listed = [
        Item(id=each.id, text=each.text, type="choice", options=item.options, loinc=each.loinc, required=True)
        for each in item.listed
    ]
    measured = [question for code in item.measures for question in _of_measure(code, assessments)]
    sided = [_with_part(_on(side, each), item, assessments) for each in item.sided for side in _SIDES]
    below = [*(_written_out(each, assessments) for each in item.item), *listed, *measured, *sided]
    kept = replace(item, item=tuple(below), listed=(), measures=(), sided=())
    return replace(kept, options=None, part=None) if below else kept


def _of_measure(code: str, assessments: Assessments) -> list[Item]:
    row = assessments.catalogue.outcome_measures[code]
    if not row.loinc:
        return [Item(id=code, text=row.display, measure=code)]
    return [
        Item(id=f"{code}-{loinc}", text=f"{row.display} ({told})" if told else row.display, measure=code, loinc=loinc)
        for loinc, told in row.loinc.items()
    ]


def _on(side: str, row: Sided) -> Item:
    loinc = row.loinc_of_right if side == "right" else None
    text = f"{side.capitalize()} {row.text}"
    return Item(id=f"{side}-{row.id}", text=text, measure=row.measure, loinc=loinc, site=f"{side}-{row.site}")


def _with_part(question: Item, group: Item, assessments: Assessments) -> Item:
    if group.part is None:
        return question
    display = next(
        one.display for each in assessments.answers.values() for one in each.option if one.code == group.part
    )
    part = Item(id=f"{question.id}-{group.part}", text=display, type="decimal", part=group.part, unit="cm")
    return replace(question, item=(part,))


def _of_score(code: str, row: Score, assessments: Assessments) -> Form:
    measure = assessments.catalogue.outcome_measures[code]
    told = f"The score as it was counted from the instrument, whose wording is not shipped. {row.owner}"
    return Form(
        id=f"score-{code}",
        title=f"Score: {measure.display}",
        description=told,
        category="survey",
        sources=tuple(dict.fromkeys((*measure.sources, *row.sources))),
        item=tuple(_number(code, unit.unit, measure) for unit in measure.values),
        doubt=measure.doubt,
    )


def _number(code: str, unit: str, measure: OutcomeMeasure) -> Item:
    is_one_of_several = len(measure.values) > 1
    words = {"%": "in percent", "d": "days"}.get(unit, "points")
    text = f"{measure.display}, {words}{', as the instrument counts them' if is_one_of_several else ''}"
    return Item(id=_ASKED[unit], text=text, measure=code, unit=unit, required=not is_one_of_several)
