"""Questionnaire/$populate: what of a form is known before anybody answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.outcome import CANONICAL
from tests.api.outcome import assert_outcome
from tests.builders.resources import reference
from tests.loop.forms import answers, parameters, populated, returned
from tests.loop.side import Side

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers
    from tests.loop.story import Story


async def test_without_local_nothing_is_filled_in_but_what_was_sent(measured: Story) -> None:
    response = await populated(measured, f"subject={measured.patient}")
    assert answers(response["item"]) == {"pain-before": None, "pain": None}
    assert response["subject"] == reference(measured.patient)


async def test_the_patient_is_filled_in_from_the_context(measured: Story) -> None:
    """Or, with local, from the subject."""
    local = answers(
        (await populated(measured, f"subject={measured.patient}&local=true", "intake-safety-screen"))["item"]
    )
    assert (local["family"], local["birth-date"]) == ("Sample", "1980-02-29")
    patient = {"resourceType": "Patient", "name": [{"family": "Other"}]}
    given = parameters(
        context={"part": [{"name": "name", "valueString": "patient"}, {"name": "content", "resource": patient}]}
    )
    answered = await measured.clinic("POST", "Questionnaire/intake-safety-screen/$populate", given)
    assert answers(returned(answered, "response")["item"])["family"] == "Other"


async def test_a_questionnaire_is_named_by_url_or_identifier_or_sent(measured: Story) -> None:
    identifier = {"system": "https://forms.example.org", "value": f"form-{measured.number}"}
    form = {
        "resourceType": "Questionnaire",
        "status": "active",
        "url": f"https://forms.example.org/{measured.number}",
        "identifier": [identifier],
        "item": [{"linkId": "a", "type": "string", "initial": [{"valueString": "b"}]}],
    }
    await measured.clinic.post(form)
    for given in (
        parameters(questionnaire={"valueUri": form["url"]}),
        parameters(identifier={"valueIdentifier": identifier}),
        parameters(questionnaire={"resource": form}),
    ):
        answered = await measured.clinic("POST", "Questionnaire/$populate", given)
        assert answers(returned(answered, "response")["item"]) == {"a": "b"}


@pytest.mark.parametrize(
    "path, status, code, place",
    [
        ("Questionnaire/$populate", 400, "parameter-required", "http.questionnaire"),
        (
            f"Questionnaire/$populate?questionnaire={CANONICAL}/Questionnaire/none",
            404,
            "not-found",
            "http.questionnaire",
        ),
        ("Questionnaire/none/$populate", 404, "not-found", "http.id"),
        ("Questionnaire/nprs/$populate?subject=Patient/none", 404, "not-found", "http.subject"),
        ("Questionnaire/nprs/$populate?subject=none", 400, "parameter-value", "http.subject"),
        ("Questionnaire/nprs/$populate?data=a", 400, "parameter-unsupported", "http.data"),
        ("Questionnaire/nprs/$populate?colour=red", 400, "parameter-unknown", "http.colour"),
        ("Observation/$populate", 404, "operation-unknown", None),
    ],
)
async def test_what_cannot_be_filled_in_is_refused(
    measured: Story, path: str, status: int, code: str, place: str | None
) -> None:
    assert_outcome(await measured.clinic("GET", path), status, code, *([place] if place else []))


async def test_a_patient_of_others_is_not_there(measured: Story) -> None:
    path = f"Questionnaire/nprs/$populate?subject={measured.patient}&local=true"
    assert_outcome(await measured.network.other("GET", path), 404, "not-found", "http.subject")


async def test_observations_that_may_not_be_read_are_left_out_and_told(measured: Story, workers: Workers) -> None:
    scope = "system/Patient.r system/Questionnaire.rs"
    await workers.register("forms-only", scope)
    side = Side(workers.one, await workers.bearer("forms-only", scope), "Organization/clinic")
    answered = await side("GET", f"Questionnaire/nprs/$populate?subject={measured.patient}&local=true")
    assert answers(returned(answered, "response")["item"])["pain-before"] is None
    assert returned(answered, "issues")["issue"][0]["severity"] == "warning"


async def test_nothing_is_stored_by_filling_in(measured: Story) -> None:
    before = await measured.clinic.found(f"QuestionnaireResponse?subject={measured.patient}")
    await populated(measured, f"subject={measured.patient}&local=true")
    assert await measured.clinic.found(f"QuestionnaireResponse?subject={measured.patient}") == before
