"""The rows of the assessments, and the Questionnaires that are made of them."""

from __future__ import annotations

from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir import codec
from service.fhir.code_systems import LOINC
from service.fhir.questionnaire.form import form_of
from service.massage import assessment
from service.massage.assessment.definitions import questionnaires
from service.massage.assessment.expansion import written_out
from service.massage.assessment.rows import FOLDER, every_item
from service.massage.catalogue.published import canonical
from service.massage.cycle.terms import PRE_SESSION_CHECK
from service.massage.outcome import Measures

if TYPE_CHECKING:
    from pathlib import Path

    from service.fhir.questionnaire.form import Form, Question

ROWS = assessment.load()
MADE: dict[str, dict[str, Any]] = {
    url: codec.decode(codec.encode(content)) for url, content in questionnaires(ROWS).items()
}
FORMS: dict[str, Form] = {content["id"]: form_of(content) for content in MADE.values()}
MEASURES = Measures(ROWS.catalogue)
QUESTIONS = [(name, each) for name, form in FORMS.items() for each in form.by_link_id.values()]
MEASURED = [(name, each) for name, each in QUESTIONS if MEASURES.of({"coding": list(each.codes)}) is not None]


def named(case: tuple[str, Question]) -> str:
    """What a test of one question is called."""
    return f"{case[0]}.{case[1].link_id}"


def test_the_forms_are_those_that_the_domain_names() -> None:
    """And one for each instrument that is asked by its score."""
    assert {each for each in FORMS if not each.startswith("score-")} == {
        "nprs", "pgic", "rom", "limb-circumference", "intake-safety-screen", "pre-session-check", "session-tolerance",
        "phq9", "gad7",
    }  # fmt: skip
    assert {each.removeprefix("score-") for each in FORMS if each.startswith("score-")} == ROWS.scores.keys()


@pytest.mark.parametrize("name", FORMS)
def test_a_form_says_whose_wording_it_is_and_where_it_comes_from(name: str) -> None:
    content = MADE[canonical("Questionnaire", name)]
    assert content["purpose"].startswith("Sources: ")
    assert content["copyright"]


@pytest.mark.parametrize("name", [each for each in FORMS if each.startswith("score-")])
def test_of_an_instrument_of_others_only_numbers_are_asked(name: str) -> None:
    """None of its questions, and no options."""
    row = ROWS.catalogue.outcome_measures[name.removeprefix("score-")]
    asked = FORMS[name].items
    assert [each.unit["code"] for each in asked if each.unit] == [each.unit for each in row.values]
    assert all(each.type in ("integer", "decimal") and not each.options and not each.items for each in asked)
    assert all(each.text.startswith(row.display) for each in asked)


@pytest.mark.parametrize("case", MEASURED, ids=named)
def test_a_measured_answer_has_the_unit_and_range_of_its_measure(case: tuple[str, Question]) -> None:
    _, question = case
    measure = MEASURES.of({"coding": list(question.codes)})
    assert measure is not None
    assert question.unit is not None
    (unit,) = [each for each in measure.row.values if each.unit == question.unit["code"]]
    if question.options:
        scores = sorted(float(each.score) for each in question.options if each.score is not None)
        assert (scores[0], scores[-1]) == (unit.low, unit.high)
        return
    assert question.type == ("integer" if unit.whole else "decimal")
    bounds = [None if each is None else float(each) for each in (question.low, question.high)]
    assert bounds == [unit.low, unit.high]


@pytest.mark.parametrize("case", MEASURED, ids=named)
def test_what_is_shown_of_before_is_not_extracted_again(case: tuple[str, Question]) -> None:
    _, question = case
    assert (question.link_period is None) == (question.extraction is not None)


def test_a_raw_score_and_a_percentage_are_two_questions() -> None:
    """So that none is made of the other."""
    assert [each.link_id for each in FORMS["score-odi"].items] == ["percent", "score"]


def test_the_check_before_a_session_is_the_one_that_visits_need() -> None:
    assert PRE_SESSION_CHECK in MADE


def test_the_ninth_question_of_phq_9_has_its_code() -> None:
    assert FORMS["phq9"].by_link_id["9"].codes == ({"system": LOINC, "code": "44260-8"},)


@pytest.mark.parametrize("name, most", [("phq9", 27), ("gad7", 21)])
def test_a_total_adds_up_all_questions_of_its_form(name: str, most: int) -> None:
    form = FORMS[name]
    (group, total) = form.items
    assert list(total.sum_of) == [each.link_id for each in group.items]
    assert sum(max(one.score or 0 for one in each.options) for each in group.items) == total.high == most


def test_every_flag_is_a_question_of_yes_or_no() -> None:
    flagged = [each for row in written_out(ROWS) for each in every_item(row.item) if each.flag]
    assert flagged
    assert {each.type for each in flagged} == {"boolean"}


def test_forms_that_screen_are_drafts_until_a_clinician_signs_them_off() -> None:
    drafts = {content["id"] for content in MADE.values() if content["status"] == "draft"}
    assert drafts == {"pre-session-check", "intake-safety-screen"}


@pytest.mark.parametrize(
    "before, after, told",
    [
        ('measure = "nprs"', 'measure = "npr"', "npr"),
        ('flag = "fever"', 'flag = "chill"', "chill"),
        ('options = "reaction"', 'options = "reactions"', "reactions"),
        ('id = "skin"', 'id = "fever"', "twice"),
        ('sources = ["design"]', 'sources = ["hearsay"]', "hearsay"),
        ("is = true", "is = 1", "is"),
    ],
)
def test_a_row_that_is_wrong_is_told(tmp_path: Path, before: str, after: str, told: str) -> None:
    folder = copytree(FOLDER, tmp_path / "rows")
    path = folder / "forms.toml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(ValueError, match=told):
        assessment.load(folder)


@pytest.mark.parametrize("name", ["phq9", "gad7"])
def test_a_form_says_of_codes_that_were_not_looked_up_at_their_owner_that_they_are_to_be_checked(name: str) -> None:
    """Of its questions and of its answers."""
    form, answers = ROWS.forms[name], ROWS.answers["frequency"]
    (made,) = (each for each in MADE.values() if each["id"] == name)
    for doubt in (form.doubt, answers.doubt):
        assert doubt is not None
        assert "loinc.org" in doubt
        assert doubt in made["purpose"]
