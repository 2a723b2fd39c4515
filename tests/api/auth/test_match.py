"""Patient/$match: who may be the patient that is sent, as far as the caller sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.operations.match import MATCH_GRADE, MOST_FOUND
from tests.api.auth.organisations import Organisation
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    import httpx

    from tests.api.auth.conftest import Workers

Json = dict[str, Any]

MRN = "urn:mrn"


def person(family: str, given: str, born: str | None, mrn: str | None = None, **more: Any) -> Json:
    content: Json = {"resourceType": "Patient", "name": [{"family": family, "given": [given]}], **more}
    if born:
        content["birthDate"] = born
    return content | ({"identifier": [{"system": MRN, "value": mrn}]} if mrn else {})


ROE = person("Roe", "Ann", "1990-01-31", "1", gender="female", telecom=[{"system": "phone", "value": "+1 555 0100"}])
PEOPLE = {
    "ann": ROE,
    "married": person("Stone", "Ann", "1990-01-31", gender="female"),
    "misspelt": person("Row", "Ann", "1990-01-31", gender="female"),
    "another": person("Roe", "Bob", "1950-05-05", gender="male"),
    "stranger": person("Poe", "Edgar", "1909-01-19"),
}


@pytest.fixture(scope="module")
async def clinic(workers: Workers) -> Organisation:
    await workers.register("clinic")
    return Organisation(workers.one, await workers.bearer("clinic"))


@pytest.fixture(scope="module")
async def known(clinic: Organisation) -> dict[str, str]:
    """Who is known to the clinic: name → reference."""
    return {name: await clinic.post(content) for name, content in PEOPLE.items()}


def asked(patient: Json, **others: Json) -> Json:
    """The Parameters of the operation."""
    parameter = [{"name": "resource", "resource": patient}]
    parameter += [{"name": name, **value} for name, value in others.items()]
    return {"resourceType": "Parameters", "parameter": parameter}


def graded(answered: httpx.Response) -> list[tuple[str, str]]:
    """Reference and grade of the matches, in their order."""
    assert answered.status_code == 200, answered.text
    found = []
    for each in answered.json().get("entry", ()):
        if each["search"]["mode"] == "match":
            ((url, code),) = [(one["url"], one["valueCode"]) for one in each["search"]["extension"]]
            assert url == MATCH_GRADE
            found.append((each["fullUrl"].removeprefix("http://testserver/fhir/"), code))
    return found


def notes(answered: httpx.Response) -> list[str]:
    """The types of the issues that come along."""
    entries = [each for each in answered.json().get("entry", ()) if each["search"]["mode"] == "outcome"]
    return [issue["code"] for each in entries for issue in each["resource"]["issue"]]


async def test_the_likeliest_come_first_with_score_and_grade(clinic: Organisation, known: dict[str, str]) -> None:
    answered = await clinic("POST", "Patient/$match", asked(ROE))
    found = graded(answered)
    assert found[0] == (known["ann"], "certain")
    assert {name for name, _ in found[1:]} == {known["married"], known["misspelt"]}
    scores = [each["search"]["score"] for each in answered.json()["entry"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1
    assert answered.json()["total"] == len(found)


@pytest.mark.parametrize(
    "sent, name, grade",
    [
        ({"resourceType": "Patient", "identifier": ROE["identifier"]}, "ann", "possible"),
        (person("Roe", "Ann", "1990-01-31"), "ann", "probable"),
        (person("Roe", "Ann", None), "ann", "possible"),
        (person("Newname", "Ann", "1990-01-31"), "married", "possible"),
        (person("ROE", "ann", "1990"), "ann", "possible"),
        ({"resourceType": "Patient", "name": [{"family": "Roe"}], "telecom": ROE["telecom"]}, "ann", "possible"),
    ],
    ids=["identifier", "name and birth date", "name", "given name and birth date", "year of birth", "telecom"],
)
async def test_somebody_is_found_by_any_two_facts(
    clinic: Organisation, known: dict[str, str], sent: Json, name: str, grade: str
) -> None:
    assert (known[name], grade) in graded(await clinic("POST", "Patient/$match", asked(sent)))


async def test_a_patient_alone_is_taken_as_the_resource(clinic: Organisation, known: dict[str, str]) -> None:
    """What else there is to say goes into the URL then."""
    answered = await clinic("POST", "Patient/$match?onlyCertainMatches=true&count=5", ROE)
    assert graded(answered) == [(known["ann"], "certain")]


@pytest.mark.usefixtures("known")
async def test_who_is_like_nobody_gets_an_empty_set(clinic: Organisation) -> None:
    answered = await clinic("POST", "Patient/$match", asked(person("Nemo", "Nobody", "1900-01-01", "none")))
    assert graded(answered) == []
    assert (answered.json()["type"], answered.json()["total"]) == ("searchset", 0)


async def test_only_certain_matches_are_those(clinic: Organisation, known: dict[str, str]) -> None:
    certain = {"valueBoolean": True}
    assert graded(await clinic("POST", "Patient/$match", asked(ROE, onlyCertainMatches=certain))) == [
        (known["ann"], "certain")
    ]
    unsure = await clinic("POST", "Patient/$match", asked(person("Roe", "Ann", None), onlyCertainMatches=certain))
    assert graded(unsure) == []


async def test_of_several_certain_matches_none_is_returned(clinic: Organisation) -> None:
    twin = person("Double", "Dora", "1980-08-08", "twice")
    for _ in range(2):
        await clinic.post(twin)
    assert [code for _, code in graded(await clinic("POST", "Patient/$match", asked(twin)))] == ["certain", "certain"]
    answered = await clinic("POST", "Patient/$match", asked(twin, onlyCertainMatches={"valueBoolean": True}))
    assert graded(answered) == []
    assert notes(answered) == ["multiple-matches"]


async def test_no_more_than_count_are_returned(clinic: Organisation, known: dict[str, str]) -> None:
    answered = await clinic("POST", "Patient/$match", asked(ROE, count={"valueInteger": 1}))
    assert graded(answered) == [(known["ann"], "certain")]


async def test_where_more_are_alike_than_are_looked_at_it_says_so(clinic: Organisation) -> None:
    many = [person("Many", "Max", None) for _ in range(MOST_FOUND + 1)]
    entries = [{"resource": each, "request": {"method": "POST", "url": "Patient"}} for each in many]
    assert (await clinic("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": entries})).is_success
    answered = await clinic("POST", "Patient/$match", asked(many[0], count={"valueInteger": 1000}))
    assert len(graded(answered)) == MOST_FOUND
    assert notes(answered) == ["incomplete"]


@pytest.mark.usefixtures("known")
async def test_nobody_is_told_of_patients_that_he_does_not_see(workers: Workers) -> None:
    await workers.register("spy", organisation="Organization/spy")
    spy = Organisation(workers.one, await workers.bearer("spy"))
    assert graded(await spy("POST", "Patient/$match", asked(ROE))) == []


@pytest.mark.parametrize(
    "scope, status", [("system/Patient.s", 200), ("system/Patient.r", 403), ("system/Patient.s?gender=male", 403)]
)
async def test_it_takes_leave_to_search_patients(workers: Workers, scope: str, status: int) -> None:
    """All of them: a scope with a filter is not enough."""
    client_id = scope.translate(str.maketrans("/?=", "---"))
    await workers.register(client_id, scope)
    narrow = Organisation(workers.one, await workers.bearer(client_id, scope))
    assert (await narrow("POST", "Patient/$match", asked(ROE))).status_code == status


@pytest.mark.parametrize(
    "sent, status, code",
    [
        ({"resourceType": "Parameters"}, 400, "parameter-required"),
        (asked({"resourceType": "Practitioner"}), 400, "type-mismatch"),
        ({"resourceType": "Practitioner"}, 400, "type-mismatch"),
        (asked({"resourceType": "Patient", "born": "1990"}), 400, "element-unknown"),
        (asked({"resourceType": "Patient", "birthDate": "soon"}), 400, "value-invalid"),
        (asked({"resourceType": "Patient", "gender": "female"}), 400, "criteria-required"),
        (asked({"resourceType": "Patient", "birthDate": "1990-01-31"}), 400, "criteria-required"),
        (asked(ROE, count={"valueInteger": 0}), 400, "parameter-value"),
        (asked(ROE, count={"valueString": "1"}), 400, "parameter-value"),
        (asked(ROE, threshold={"valueDecimal": 0.5}), 400, "parameter-unknown"),
        (asked(ROE, resource={"resource": ROE}), 400, "parameter-value"),
        (asked(ROE, resource={"valueString": "Ann"}), 400, "parameter-value"),
    ],
)
async def test_what_it_does_not_take_is_refused(clinic: Organisation, sent: Json, status: int, code: str) -> None:
    assert_outcome(await clinic("POST", "Patient/$match", sent), status, code)


async def test_it_does_not_fit_into_a_url(clinic: Organisation) -> None:
    assert_outcome(await clinic("GET", "Patient/$match"), 400, "parameter-required")


@pytest.mark.parametrize("target", ["Practitioner/$match", "Patient/1/$match"])
async def test_elsewhere_it_is_unknown(clinic: Organisation, target: str) -> None:
    assert_outcome(await clinic("POST", target, asked(ROE)), 404, "operation-unknown")


async def test_separators_in_what_is_sent_are_no_separators(clinic: Organisation) -> None:
    odd = person("O,Neil|x", "A\\nn$", "1970-07-07", "a|b,c\\d$")
    made = await clinic.post(odd)
    assert graded(await clinic("POST", "Patient/$match", asked(odd))) == [(made, "certain")]
