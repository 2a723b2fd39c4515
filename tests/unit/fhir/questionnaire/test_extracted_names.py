"""By what the Observations of one response are told apart when it is extracted again."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.fhir.questionnaire.extraction import extracted
from service.fhir.questionnaire.form import EXTRACT, form_of

CODE = [{"system": "http://codes.example.org", "code": "pain"}]
MARKED = [{"url": EXTRACT, "valueBoolean": True}]
LINK_IDS = st.lists(st.text("31./[]%B5", min_size=1, max_size=5), min_size=2, max_size=6, unique=True)


def names_of(link_ids: list[str], repeats: list[bool]) -> list[str]:
    """The names of what is extracted where each question is answered, twice if it repeats, in a group and beside it."""
    questions: list[dict[str, Any]] = [
        {"linkId": each, "type": "integer", "repeats": again, "code": CODE, "extension": MARKED}
        for each, again in zip(link_ids, repeats, strict=False)
    ]
    group: dict[str, Any] = {
        "linkId": link_ids[0],
        "type": "group",
        "repeats": True,
        "item": questions[1 : len(questions) // 2 + 1],
    }
    beside = questions[len(questions) // 2 + 1 :]
    form = form_of({"resourceType": "Questionnaire", "item": [group, *beside]})
    items = [{"linkId": group["linkId"], "item": [_answered(each) for each in group["item"]]} for _ in range(2)]
    response = {"status": "completed", "item": [*items, *(_answered(each) for each in beside)]}
    return [each.name for each in extracted(response, form, "QuestionnaireResponse/1")]


def _answered(question: dict[str, Any]) -> dict[str, Any]:
    return {"linkId": question["linkId"], "answer": [{"valueInteger": 1}] * (2 if question["repeats"] else 1)}


@given(link_ids=LINK_IDS, repeats=st.lists(st.booleans(), min_size=6, max_size=6))
def test_no_two_answers_of_a_response_are_extracted_under_one_name(link_ids: list[str], repeats: list[bool]) -> None:
    names = names_of(link_ids, repeats)
    assert len(names) == len(set(names)) > 0


def test_a_link_id_like_3_1_is_not_the_first_answer_to_3() -> None:
    questions = [
        {"linkId": "3", "type": "integer", "repeats": True, "code": CODE, "extension": MARKED},
        {"linkId": "3.1", "type": "integer", "code": CODE, "extension": MARKED},
    ]
    items = [{"linkId": each, "answer": [{"valueInteger": 1}]} for each in ("3", "3.1")]
    found = extracted({"status": "completed", "item": items}, form_of({"item": questions}), "QuestionnaireResponse/1")
    assert [each.name for each in found] == ["3[1]", "3.1"]


def test_what_names_are_put_together_with_is_written_otherwise_where_a_link_id_has_it() -> None:
    question = {"linkId": "/44250-9", "type": "integer", "code": CODE, "extension": MARKED}
    items = [{"linkId": "/44250-9", "answer": [{"valueInteger": 1}]}]
    found = extracted({"status": "completed", "item": items}, form_of({"item": [question]}), "QuestionnaireResponse/1")
    assert [each.name for each in found] == ["%2F44250-9"]
