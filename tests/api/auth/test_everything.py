"""ServiceRequest/$everything and Patient/$everything: the whole episode, to each party what it sees and may read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from service.assembly import compile_standard
from service.operations.care_dates import CARE_DATES
from tests.api.auth.organisations import Organisation, condition, enrolled, observation, patient, referral, task
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    import httpx

    from tests.api.auth.conftest import Workers
    from tests.conftest import MakeClient

Json = dict[str, Any]


@dataclass
class Episode:
    """A referral of a referrer to a clinic, with what both have written, and others who look at it."""

    workers: Workers
    referrer: Organisation
    clinic: Organisation
    other: Organisation
    administrator: Organisation
    patient: str
    referral: str
    shared: set[str]
    directory: set[str]
    unrelated: str

    @property
    def compartment(self) -> set[str]:
        """What both see of the patient's compartment, in which R4 has no Tasks."""
        return {each for each in self.shared if not each.startswith("Task/")}

    async def as_client(self, client_id: str, scope: str, **values: Any) -> Organisation:
        """The clinic, or who the values say, with other scopes."""
        await self.workers.register(client_id, scope, **values)
        return Organisation(self.workers.one, await self.workers.bearer(client_id, scope))


def names(answered: httpx.Response, mode: str | None = None) -> list[str]:
    """The references of what a Bundle holds, in its order."""
    assert answered.status_code == 200, answered.text
    entries = answered.json().get("entry", ())
    return [
        each["fullUrl"].removeprefix("http://testserver/fhir/")
        for each in entries
        if "fullUrl" in each and mode in {None, each["search"]["mode"]}
    ]


def link(answered: httpx.Response, relation: str) -> str | None:
    return next((each["url"] for each in answered.json()["link"] if each["relation"] == relation), None)


@pytest.fixture(scope="module")
async def episode(workers: Workers) -> Episode:
    sides = {name: Organisation(workers.one, each) for name, each in (await enrolled(workers)).items()}
    referrer, clinic = sides["referrer"], sides["clinic"]
    practice = await referrer.post({"resourceType": "Organization", "name": "Practice"})
    doctor = await referrer.post({"resourceType": "Practitioner", "name": [{"family": "Example"}]})
    role = await referrer.post(
        {
            "resourceType": "PractitionerRole",
            "practitioner": {"reference": doctor},
            "organization": {"reference": practice},
        }
    )
    await referrer.post({"resourceType": "Organization", "name": "Nobody refers to it"})
    person = await referrer.post(patient())
    reason = await referrer.post(condition(person))
    unrelated = await referrer.post(observation(person))
    order = await referrer.post(
        referral(person, requester={"reference": role}, reasonReference=[{"reference": reason}])
        | {"supportingInfo": [{"reference": practice}]}
    )
    asked = await referrer.post(
        task(order, "Organization/clinic") | {"requester": {"reference": "Organization/referrer"}}
    )
    measured = await clinic.post(observation(person, basedOn=[{"reference": order}]))
    shared = {order, asked, measured, person, reason}
    return Episode(workers, **sides, patient=person, referral=order, shared=shared,
                   directory={practice, doctor, role}, unrelated=unrelated)  # fmt: skip


async def test_both_parties_get_the_whole_episode(episode: Episode) -> None:
    """The referral first, the directory with it; and nothing beside it."""
    for party in (episode.referrer, episode.clinic):
        answered = await party("GET", f"{episode.referral}/$everything")
        assert names(answered)[0] == episode.referral
        assert set(names(answered, "match")) == episode.shared
        assert set(names(answered, "include")) == episode.directory
        assert answered.json()["total"] == len(episode.shared)
        assert link(answered, "next") is None


async def test_nobody_else_gets_any_of_it(episode: Episode) -> None:
    for stranger in (episode.other, episode.administrator):
        for what in (episode.referral, episode.patient):
            assert_outcome(await stranger("GET", f"{what}/$everything"), 404, "not-found")


async def test_whoever_breaks_the_glass_gets_it(episode: Episode) -> None:
    reason = {"X-Break-Glass": "a complaint is looked into"}
    answered = await episode.administrator("GET", f"{episode.referral}/$everything", **reason)
    assert set(names(answered, "match")) == episode.shared


async def test_by_post_it_is_the_same(episode: Episode) -> None:
    address = f"{episode.referral}/$everything"
    asked = [
        {"name": "_type", "valueCode": "Observation"},
        {"name": "_type", "valueCode": "Task"},
        {"name": "_since", "valueInstant": "2020-01-01T00:00:00Z"},
        {"name": "_count", "valueInteger": 100},
    ]
    posted = await episode.clinic("POST", address, {"resourceType": "Parameters", "parameter": asked})
    got = await episode.clinic("GET", f"{address}?_type=Task,Observation&_since=2020-01-01T00:00:00Z&_count=100")
    assert set(names(posted)) == {each for each in episode.shared if each.startswith(("Task/", "Observation/"))}
    assert names(posted) == names(got)
    assert link(posted, "self") == link(got, "self")


async def test_of_a_type_that_goes_along_what_all_lead_to_is_found(episode: Episode) -> None:
    """Members that are not returned lead to it all the same."""
    answered = await episode.clinic("GET", f"{episode.referral}/$everything?_type=Practitioner")
    assert set(names(answered)) == {each for each in episode.directory if each.startswith("Practitioner/")}


async def test_since_an_instant_is_what_was_changed_then_or_later(episode: Episode) -> None:
    read = (await episode.clinic("GET", episode.referral)).json()["meta"]["lastUpdated"]
    for types in ("", "&_type=ServiceRequest,Task,Observation,Patient,Condition"):
        answered = await episode.clinic("GET", f"{episode.referral}/$everything?_since={read}{types}")
        kept = {each for each in episode.shared if not each.startswith(("Patient/", "Condition/"))}
        assert set(names(answered)) == kept


@pytest.mark.parametrize("count", [1, 2, 3, 4])
async def test_pages_have_all_of_it_once(episode: Episode, count: int) -> None:
    for focus, whole in ((episode.referral, episode.shared), (episode.patient, episode.compartment)):
        target: str | None = f"{focus}/$everything?_count={count}"
        walked: list[str] = []
        while target is not None:
            answered = await episode.clinic("GET", target)
            page = names(answered, "match")
            assert len(page) <= count
            walked += page
            target = link(answered, "next")
        assert walked[0] == focus
        assert sorted(walked) == sorted(whole)


async def test_a_patient_comes_with_the_compartment_as_far_as_it_is_seen(episode: Episode) -> None:
    ours = await episode.referrer("GET", f"{episode.patient}/$everything")
    theirs = await episode.clinic("GET", f"{episode.patient}/$everything")
    assert names(ours)[0] == names(theirs)[0] == episode.patient
    assert set(names(ours, "match")) == {*episode.compartment, episode.unrelated}
    assert set(names(theirs, "match")) == episode.compartment
    assert set(names(theirs, "include")) == episode.directory


async def test_types_that_may_not_be_read_are_left_out_with_a_note(episode: Episode) -> None:
    few = await episode.as_client("few", "system/ServiceRequest.r system/Task.rs system/Organization.r")
    answered = await few("GET", f"{episode.referral}/$everything")
    kept = {each for each in episode.shared if each.startswith(("Task/", "ServiceRequest/"))}
    assert set(names(answered, "match")) == kept
    assert {each.partition("/")[0] for each in names(answered, "include")} == {"Organization"}
    note = answered.json()["entry"][-1]
    assert (note["search"]["mode"], note["resource"]["resourceType"]) == ("outcome", "OperationOutcome")


async def test_of_types_that_may_be_read_nothing_needs_a_note(episode: Episode) -> None:
    few = await episode.as_client("fewer", "system/ServiceRequest.r system/Task.r")
    answered = await few("GET", f"{episode.referral}/$everything?_type=Task")
    assert {each["search"]["mode"] for each in answered.json()["entry"]} == {"match"}


async def test_who_may_not_read_the_type_gets_nothing(episode: Episode) -> None:
    searcher = await episode.as_client("searcher", "system/ServiceRequest.s system/Task.rs system/Patient.s")
    for what in (episode.referral, episode.patient):
        assert_outcome(await searcher("GET", f"{what}/$everything"), 403, "forbidden")


async def test_within_the_limits_of_a_filter_it_is_not_told(episode: Episode) -> None:
    limited = await episode.as_client("limited", "system/ServiceRequest.r?status=active")
    assert_outcome(await limited("GET", f"{episode.referral}/$everything"), 403, "forbidden")


async def test_what_was_deleted_is_not_in_it(episode: Episode) -> None:
    made = await episode.clinic.post(observation(episode.patient, basedOn=[{"reference": episode.referral}]))
    assert made in names(await episode.clinic("GET", f"{episode.referral}/$everything"))
    assert (await episode.clinic("DELETE", made)).status_code == 204
    assert made not in names(await episode.clinic("GET", f"{episode.referral}/$everything"))


DATED: tuple[tuple[str, set[str]], ...] = (
    ("", {"past", "lasting", "planned", "undated", "order"}),
    ("start=2026-01-10", {"lasting", "planned", "undated"}),
    ("end=2026-01-10", {"past", "lasting", "undated", "order"}),
    ("start=2026-01-05&end=2026-01-05", {"past", "lasting", "undated"}),
    ("start=2026-01&end=2026-01", {"past", "lasting", "undated", "order"}),
    ("start=2026-02-01T09:00:00Z&end=2026", {"lasting", "planned", "undated"}),
    ("start=2027", {"lasting", "undated"}),
)
"""Dates of care, and what is about care in them; referral and patient, diagnoses and allergies are always there."""


@pytest.fixture(scope="module")
async def dated(episode: Episode) -> dict[str, str]:
    """A referral with care at several dates, by what each is called here."""
    referrer = episode.referrer
    person = await referrer.post(patient())
    reason = await referrer.post(condition(person) | {"onsetDateTime": "2019"})
    about: Json = {"reasonReference": [{"reference": reason}], "authoredOn": "2026-01-04"}
    order = await referrer.post(referral(person, **about))
    hangs: Json = {"basedOn": [{"reference": order}]}
    plan = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": {"reference": person}}
    return {
        "order": order,
        "patient": person,
        "reason": reason,
        "past": await referrer.post(observation(person, effectiveDateTime="2026-01-05T10:00:00Z", **hangs)),
        "planned": await referrer.post(observation(person, effectiveDateTime="2026-03-01", **hangs)),
        "undated": await referrer.post(observation(person, **hangs)),
        "lasting": await referrer.post(
            plan | {"period": {"start": "2026-01-01"}, "supportingInfo": [{"reference": order}]}
        ),
    }


@pytest.mark.parametrize("dates, expected", DATED)
async def test_dates_of_care_choose_what_is_about_care_in_them(
    episode: Episode, dated: dict[str, str], dates: str, expected: set[str]
) -> None:
    of_patient = names(await episode.referrer("GET", f"{dated['patient']}/$everything?{dates}"), "match")
    assert set(of_patient) == {dated[each] for each in expected | {"patient", "reason"}}
    of_referral = names(await episode.referrer("GET", f"{dated['order']}/$everything?{dates}"), "match")
    assert set(of_referral) == {dated[each] for each in expected | {"patient", "reason", "order"}}


async def test_a_walk_keeps_its_dates(episode: Episode, dated: dict[str, str]) -> None:
    found, target = set(), f"{dated['patient']}/$everything?start=2026-01-10&_count=1"
    while target:
        answered = await episode.referrer("GET", target)
        found |= set(names(answered, "match"))
        target = (link(answered, "next") or "").partition("/fhir/")[2]
    assert found == {dated[each] for each in ("patient", "reason", "lasting", "planned", "undated")}


async def test_every_date_of_care_is_a_parameter_of_its_type() -> None:
    standard = compile_standard()
    for name, codes in CARE_DATES.items():
        parameters = standard.registry.parameters(name)
        assert all(parameters[code].kind == "date" for code in codes), name


async def test_a_deleted_referral_is_gone(episode: Episode) -> None:
    made = await episode.referrer.post(referral(episode.patient))
    assert (await episode.referrer("DELETE", made)).status_code == 204
    assert_outcome(await episode.referrer("GET", f"{made}/$everything"), 410, "deleted")


@pytest.mark.parametrize(
    "query, code",
    [
        ("_type=Nonsense", "parameter-value"),
        ("_type=", "parameter-value"),
        ("_count=0", "parameter-value"),
        ("_count=some", "parameter-value"),
        ("_since=yesterday", "parameter-value"),
        ("_since=2026-01-01&_since=2026-01-02", "parameter-value"),
        ("_cursor=x", "cursor-invalid"),
        ("start=January", "parameter-value"),
        ("end=2026-13", "parameter-value"),
        ("start=2026-02&end=2026-01", "parameter-value"),
        ("patient=1", "parameter-unknown"),
    ],
)
async def test_what_it_does_not_take_is_refused(episode: Episode, query: str, code: str) -> None:
    for what in (episode.referral, episode.patient):
        assert_outcome(await episode.clinic("GET", f"{what}/$everything?{query}"), 400, code)


async def test_a_cursor_goes_with_its_own_referral_alone(episode: Episode) -> None:
    first = await episode.clinic("GET", f"{episode.referral}/$everything?_count=1")
    sealed = str(link(first, "next")).partition("_cursor=")[2]
    assert_outcome(
        await episode.clinic("GET", f"{episode.patient}/$everything?_cursor={sealed}"), 400, "cursor-invalid"
    )


@pytest.mark.parametrize("target", ["ServiceRequest/$everything", "$everything", "Task/1/$everything"])
async def test_elsewhere_it_is_unknown(episode: Episode, target: str) -> None:
    assert_outcome(await episode.administrator("GET", target), 404, "operation-unknown")


async def test_more_than_fits_beside_a_page_is_refused(make_client: MakeClient) -> None:
    """Rather than a part of it."""
    async with make_client(max_included=2) as client:
        made = [(await client.post("Organization", json=practice(each))).json()["id"] for each in range(3)]
        content = {"resourceType": "Patient", "generalPractitioner": [{"reference": f"Organization/{i}"} for i in made]}
        person = (await client.post("Patient", json=content)).json()["id"]
        assert_outcome(await client.get(f"Patient/{person}/$everything"), 400, "too-costly")
        assert (await client.get(f"Patient/{person}/$everything?_type=Patient")).status_code == 200


def practice(number: int) -> Json:
    return {"resourceType": "Organization", "name": f"Practice {number}"}


@pytest.mark.parametrize("rules", ["on", "off"])
async def test_without_access_control_it_is_told_where_the_rules_are_on(make_client: MakeClient, rules: str) -> None:
    async with make_client(referral_rules=rules) as client:
        person = f"Patient/{(await client.post('Patient', json=patient())).json()['id']}"
        order = f"ServiceRequest/{(await client.post('ServiceRequest', json=referral(person))).json()['id']}"
        answered = await client.get(f"{order}/$everything")
        if rules == "on":
            assert set(names(answered)) == {order, person}
        else:
            assert_outcome(answered, 400, "not-supported")
