"""Every form of the service, answered in full: it is allowed, and what it says is valid and meets the profile."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.codec import decode, encode
from service.fhir.questionnaire.answers import problems
from service.fhir.questionnaire.extraction import extracted
from service.fhir.questionnaire.form import Form, Question, form_of
from service.fhir.questionnaire.population import Known, populated
from service.massage import assessment
from service.massage.assessment.definitions import questionnaires
from service.massage.outcome import Measures, Reading, read
from tests.builders.profiles import profile_of
from tests.builders.screening import NOW

if TYPE_CHECKING:
    from service.fhir.validation import Validator

Json = dict[str, Any]

ROWS = assessment.load()
MEASURES = Measures(ROWS.catalogue)
FORMS = {content["id"]: form_of(decode(encode(content))) for content in questionnaires(ROWS).values()}
ABOUT: Json = {
    "resourceType": "QuestionnaireResponse",
    "status": "completed",
    "subject": {"reference": "Patient/1"},
    "author": {"reference": "Practitioner/1"},
    "basedOn": [{"reference": "ServiceRequest/1"}],
    "authored": "2026-02-27T08:00:00Z",
}
VALUES: Json = {
    "boolean": {"valueBoolean": True},
    "date": {"valueDate": "2026-01-12"},
    "string": {"valueString": "a"},
    "text": {"valueString": "a"},
}


def answer(question: Question) -> Json:
    """The last option, the highest number, or any value."""
    if question.options:
        return {question.options[-1].element: question.options[-1].value}
    if question.type in ("integer", "decimal"):
        return {f"value{question.type.capitalize()}": question.high if question.high is not None else 40}
    value: Json = VALUES[question.type]
    return value


def item(question: Question) -> Json:
    below = {"item": [item(each) for each in question.items]} if question.items else {}
    if question.type == "group":
        return {"linkId": question.link_id} | below
    return {"linkId": question.link_id, "answer": [answer(question) | below]}


def answered(form: Form) -> Json:
    """A response in which everything is answered; totals are left to be counted."""
    items = [item(each) for each in form.items if not each.sum_of]
    response: Json = decode(encode(ABOUT | {"questionnaire": form.canonical, "item": items}))
    return response


@pytest.mark.parametrize("name", FORMS)
def test_a_form_that_is_answered_in_full_is_allowed(validator: Validator, name: str) -> None:
    response = answered(FORMS[name])
    assert validator.issues(response, "QuestionnaireResponse") == []
    assert problems(response, FORMS[name]) == []


@pytest.mark.parametrize("name", FORMS)
def test_what_a_form_says_is_valid_and_stands_in_the_outcome(validator: Validator, name: str) -> None:
    """Measures meet the profile, and are read without a doubt by unit and range."""
    for each in extracted(answered(FORMS[name]), FORMS[name], "QuestionnaireResponse/1"):
        content = decode(encode(each.content))
        assert validator.issues(content, "Observation") == [], each.name
        measure = MEASURES.of(content["code"])
        if measure is not None:
            assert profile_of("massage-outcome").issues(content, warnings=True) == [], each.name
            assert isinstance(read(content | {"id": "1"}, measure, UTC), Reading), each.name


@pytest.mark.parametrize("name", FORMS)
def test_a_form_to_begin_with_is_allowed(validator: Validator, name: str) -> None:
    known = Known(context={}, observations=(), now=NOW, zone=UTC)
    items = populated(FORMS[name], known).items
    response = decode(encode(ABOUT | {"status": "in-progress", "item": items}))
    assert validator.issues(response, "QuestionnaireResponse") == []
    assert problems(response, FORMS[name]) == []


def test_names_tell_all_observations_of_a_form_apart() -> None:
    for form in FORMS.values():
        names = [each.name for each in extracted(answered(form), form, "QuestionnaireResponse/1")]
        assert len(names) == len(set(names))
