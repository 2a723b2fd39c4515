"""$record-session: one session in one call, the same as its pieces, with every number worked out by hand."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.outcome import failure
from service.loop import kept
from service.massage.cycle.terms import TASK_IO, code_in
from service.massage.cycle.units import said_units
from service.massage.visits.log import OUTCOME, TECHNIQUE
from tests.api.outcome import assert_outcome
from tests.builders import loop
from tests.builders.resources import reference
from tests.loop.story import THROMBOSIS, Story, new, now
from tests.loop.test_delivery import authorisation, progress
from tests.loop.test_safety import messages

if TYPE_CHECKING:
    import httpx

    from tests.api.auth.conftest import Workers
    from tests.loop.side import Json

LUMBAR = "52612000"
MADE = {"id", "meta", "identifier"}


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sessions of a story begin at the same second however often one asks."""
    base = now().replace(microsecond=0)
    monkeypatch.setattr(Story, "begins", staticmethod(lambda number: base - timedelta(days=20 - number)))


async def planned(story: Story, **order: Any) -> Story:
    """The referral is accepted, a plan drawn up, a therapist employed."""
    await (await story.refer(order=story.order(**order))).accept()
    await story.draw_up()
    await story.employ()
    return story


def check(story: Story, number: int) -> Json:
    """The patient's answers before the n-th session."""
    authored = story.begins(number).isoformat(timespec="seconds")
    return new(loop.check(number), subject=reference(story.patient), encounter=None, authored=authored)


def told(story: Story, number: int = 1, **more: Any) -> Json:
    """Parameters of the n-th session: an hour, or as `more` says; None leaves a parameter out."""
    given: Json = {
        "start": {"valueDateTime": story.begins(number).isoformat(timespec="seconds")},
        "minutes": {"valueInteger": 60},
        "performer": {"valueReference": reference(story.therapist)},
        "technique": [{"valueCode": "trigger-point"}, {"valueCode": "myofascial-release"}],
        "region": {"valueCode": LUMBAR},
        "painBefore": {"valueInteger": 6},
        "painAfter": {"valueInteger": 3},
        "tolerance": {"valueString": "Well"},
        "finding": {"valueString": "Tight on the left."},
        "questionnaireResponse": {"resource": check(story, number)},
    } | more
    listed = [(name, each) for name, value in given.items() for each in (value if isinstance(value, list) else [value])]
    parameter = [{"name": name, **each} for name, each in listed if each is not None]
    return {"resourceType": "Parameters", "parameter": parameter}


async def record(story: Story, number: int = 1, **more: Any) -> httpx.Response:
    return await story.clinic("POST", f"{story.plan}/$record-session", told(story, number, **more))


async def recorded(story: Story, number: int = 1, **more: Any) -> Json:
    """The parameters that name what was made, by name: references, or the value."""
    answered = await record(story, number, **more)
    assert answered.status_code == 200, answered.text
    return named(answered)


def named(answered: httpx.Response) -> Json:
    found: dict[str, list[Any]] = {}
    for each in answered.json()["parameter"]:
        value = next(value for key, value in each.items() if key != "name")
        found.setdefault(each["name"], []).append(value["reference"] if isinstance(value, dict) else value)
    return {name: values if name == "technique" else values[0] for name, values in found.items()}


async def stored(story: Story) -> dict[str, list[Json]]:
    """What hangs on the referral, by type, without what the server gives."""
    kinds = ("Appointment", "Encounter", "Observation", "Procedure", "QuestionnaireResponse")
    return {kind: await story.clinic.found(f"{kind}?patient={story.patient}&_sort=_id") for kind in kinds}


async def test_one_call_records_a_session(story: Story) -> None:
    await planned(story)
    answer = await recorded(story)
    assert (answer["recorded"], answer["minutes"], answer["units"]) == (True, 60, 4)
    session = await story.referrer.read(answer["session"])
    assert (session["status"], said_units(session)) == ("completed", 4)
    assert session["basedOn"] == [reference(story.plan), reference(story.referral)]
    assert session["encounter"] == reference(answer["encounter"])
    assert session["note"] == [{"text": "Tight on the left."}]
    assert [each["coding"][0]["code"] for each in session["bodySite"]] == [LUMBAR]
    assert await story.status_of(answer["encounter"]) == "finished"
    techniques = [await story.referrer.read(each) for each in answer["technique"]]
    assert [code_in(each["code"], TECHNIQUE) for each in techniques] == ["trigger-point", "myofascial-release"]
    assert all(each["partOf"] == [reference(answer["session"])] for each in techniques)
    before, after = await story.referrer.read(answer["painBefore"]), await story.referrer.read(answer["painAfter"])
    assert (before["valueQuantity"]["value"], after["valueQuantity"]["value"]) == (6, 3)
    assert (before["effectiveDateTime"], after["effectiveDateTime"]) == tuple(session["performedPeriod"].values())
    assert code_in(after["code"], OUTCOME) == "nprs-after-session"
    assert (await story.referrer.read(answer["tolerance"]))["valueCodeableConcept"] == {"text": "Well"}


async def test_the_referrals_task_goes_on(story: Story) -> None:
    """The first session begins the work; the count and the status follow as from the pieces."""
    await planned(story)
    await recorded(story)
    assert await story.stands() == ("in-progress", "visit-completed")
    assert progress(await story.referrer.read(story.task)) == (1, 6)


async def test_the_next_visit_is_booked_with_it(story: Story) -> None:
    await planned(story)
    start = (now() + timedelta(days=7)).isoformat(timespec="seconds")
    parts = [{"name": "start", "valueDateTime": start}, {"name": "minutes", "valueInteger": 45}]
    answer = await recorded(story, nextAppointment={"part": parts})
    visit = await story.referrer.read(answer["nextAppointment"])
    assert (visit["status"], visit["start"]) == ("booked", start)
    assert await story.stands() == ("in-progress", "visit-scheduled")


async def test_a_visit_that_is_stored_is_ended(story: Story) -> None:
    await planned(story)
    appointment = await story.book(1)
    encounter = await story.begin(1, appointment)
    visit: Json = {"encounter": {"valueReference": reference(encounter)}, "questionnaireResponse": None}
    answer = await recorded(story, **visit, appointment={"valueString": appointment})
    assert "encounter" not in answer
    assert [await story.status_of(each) for each in (encounter, appointment)] == ["finished", "fulfilled"]
    assert (await story.clinic.read(answer["session"]))["encounter"] == reference(encounter)


def pieces(story: Story, number: int) -> list[Json]:
    """The same session as a client that knows no operation posts it."""
    urls = {name: story.url(f"{name}{number}") for name in ("encounter", "session")}
    start, end = story.begins(number), story.begins(number) + timedelta(hours=1)
    period = {"start": start.isoformat(timespec="seconds"), "end": end.isoformat(timespec="seconds")}
    site = {"coding": [{"system": "http://snomed.info/sct", "code": LUMBAR, "display": LUMBAR_DISPLAY}]}
    visit, therapist = reference(urls["encounter"]), [{"actor": reference(story.therapist)}]
    shared: Json = {"status": "completed", "subject": reference(story.patient), "encounter": visit, "bodySite": [site]}
    shared |= {"basedOn": [reference(story.plan), reference(story.referral)], "performer": therapist}
    session = {
        "resourceType": "Procedure",
        **shared,
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "387854002"}]},
        "performedPeriod": period,
        "reasonReference": [reference(story.condition)],
        "note": [{"text": "Tight on the left."}],
    }
    techniques = [
        {
            "resourceType": "Procedure",
            **shared,
            "partOf": [reference(urls["session"])],
            "code": {"coding": [{"system": TECHNIQUE, "code": code, "display": display}]},
        }
        for code, display in (("trigger-point", "Trigger point therapy"), ("myofascial-release", "Myofascial release"))
    ]
    measured: Json = {"resourceType": "Observation", "status": "final", "subject": reference(story.patient)}
    measured |= {"basedOn": story.based_on, "encounter": visit, "partOf": [reference(urls["session"])]}
    score = {"unit": "score", "system": "http://unitsofmeasure.org", "code": "{score}"}
    category = "http://terminology.hl7.org/CodeSystem/observation-category"
    survey = {"category": [{"coding": [{"system": category, "code": "survey"}]}]}
    observations = [
        measured
        | survey
        | {
            "code": {"coding": [{"system": system, "code": code}]},
            "effectiveDateTime": moment,
            "performer": [reference(story.patient)],
            "valueQuantity": {"value": value, **score},
        }
        for system, code, moment, value in (
            ("http://loinc.org", "72514-3", period["start"], 6),
            (OUTCOME, "nprs-after-session", period["end"], 3),
        )
    ]
    tolerance = measured | {
        "category": [{"coding": [{"system": category, "code": "therapy"}]}],
        "code": {"coding": [{"system": OUTCOME, "code": "session-tolerance"}]},
        "effectiveDateTime": period["end"],
        "performer": [reference(story.therapist)],
        "valueCodeableConcept": {"text": "Well"},
    }
    encounter = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": reference(story.patient),
        "basedOn": story.based_on,
        "participant": [{"individual": reference(story.therapist)}],
        "period": period,
    }
    answers = check(story, number) | {"encounter": visit, "basedOn": story.based_on}
    full_urls = [urls["encounter"], urls["session"], *(story.url(f"piece{place}") for place in range(6))]
    listed = [encounter, session, *techniques, *observations, tolerance, answers]
    return [
        {"fullUrl": url, "resource": each, "request": {"method": "POST", "url": each["resourceType"]}}
        for url, each in zip(full_urls, listed, strict=True)
    ]


LUMBAR_DISPLAY = "Lumbar region back structure (body structure)"


def bare(value: Any, ids: dict[str, str]) -> Any:
    """A content with the ids of its story's resources named by what they are."""
    if isinstance(value, dict):
        return {
            key: ids.get(each, each) if key == "reference" and isinstance(each, str) else bare(each, ids)
            for key, each in value.items()
            if key not in ("id", "meta")
        }
    return [bare(each, ids) for each in value] if isinstance(value, list) else value


async def comparable(story: Story) -> tuple[Any, ...]:
    """What a story has stored, and where its Task stands, but for ids and instants of the server."""
    kinds = await stored(story)
    ids = {story.patient: "patient", story.plan: "plan", story.referral: "referral", story.condition: "condition"}
    ids[story.therapist] = "therapist"
    for each in (*kinds["Encounter"], *(one for one in kinds["Procedure"] if "partOf" not in one)):
        ids[f"{each['resourceType']}/{each['id']}"] = each["resourceType"]
    told = {
        kind: sorted((bare(each, ids) for each in found), key=lambda each: json.dumps(each, sort_keys=True))
        for kind, found in kinds.items()
    }
    task = await story.referrer.read(story.task)
    outputs = [each for each in task["output"] if code_in(each["type"], TASK_IO) == "sessions-progress"]
    return told, await story.stands(), outputs


async def test_the_call_and_its_pieces_come_to_the_same(story: Story, second: Story) -> None:
    """Equal resources but for ids, equal state of the Task."""
    await planned(story)
    await planned(second)
    await recorded(story)
    answered = await second.clinic.send(*pieces(second, 1))
    assert answered.status_code == 200, answered.text
    assert await comparable(story) == await comparable(second)


IDENTIFIER: Json = {"system": "https://clinic.example.org/sessions", "value": "17"}


async def counted(story: Story) -> dict[str, int]:
    return {kind: len(found) for kind, found in (await stored(story)).items()}


async def test_a_session_that_is_sent_again_is_recorded_once(story: Story) -> None:
    await planned(story)
    start = (now() + timedelta(days=7)).isoformat(timespec="seconds")
    more: Json = {"identifier": {"valueIdentifier": IDENTIFIER}}
    more["nextAppointment"] = {
        "part": [{"name": "start", "valueDateTime": start}, {"name": "minutes", "valueInteger": 45}]
    }
    first = await recorded(story, **more)
    before = await counted(story)
    again = await recorded(story, **more)
    assert (first.pop("recorded"), again.pop("recorded")) == (True, False)
    assert again == first
    assert await counted(story) == before


async def test_of_two_at_the_same_time_one_records_it(story: Story) -> None:
    await planned(story)
    answers = await asyncio.gather(*(record(story, identifier={"valueIdentifier": IDENTIFIER}) for _ in range(3)))
    assert [each.status_code for each in answers] == [200] * 3
    assert sorted(named(each).pop("recorded") for each in answers) == [False, False, True]
    assert len({named(each)["session"] for each in answers}) == 1
    assert (await counted(story))["Encounter"] == 1


async def test_the_identifier_of_another_session_is_refused(story: Story) -> None:
    await planned(story)
    more: Json = {"identifier": {"valueIdentifier": IDENTIFIER}}
    await recorded(story, **more)
    before = await counted(story)
    others: list[Json] = [{"painBefore": {"valueInteger": 7}}, {"minutes": {"valueInteger": 45}}, {"region": None}]
    others.append({"questionnaireResponse": {"resource": check(story, 1) | {"item": [loop.red_flags("fever")]}}})
    times = [{"name": "start", "valueDateTime": now().isoformat()}, {"name": "minutes", "valueInteger": 45}]
    others.append({"nextAppointment": {"part": times}})
    for other in others:
        assert_outcome(await record(story, **more, **other), 409, "duplicate", "http.identifier")
    assert_outcome(await record(story, 2, **more), 409, "duplicate", "http.identifier")
    assert await counted(story) == before


async def test_without_an_identifier_it_is_refused_the_second_time(story: Story) -> None:
    await planned(story)
    await recorded(story)
    before = await counted(story)
    refused = assert_outcome(await record(story), 422, "guard-visits", "Procedure.performed")
    assert "at the same time" in refused["diagnostics"]
    assert await counted(story) == before


MINUTES = [(30, 2), (37, 2), (38, 3), (45, 3), (52, 3), (53, 4), (67, 4), (68, 5), (82, 5), (83, 6), (90, 6)]


async def test_units_follow_from_minutes(story: Story) -> None:
    """By the table of DOMAIN.md 2.5."""
    await planned(story, quantityQuantity=None)
    counts = {}
    for number, (minutes, _) in enumerate(MINUTES, start=1):
        counts[minutes] = (await recorded(story, number, minutes={"valueInteger": minutes}))["units"]
    assert counts == dict(MINUTES)


async def test_units_of_the_clients_own_are_held_against_the_time(story: Story) -> None:
    await planned(story)
    assert_outcome(await record(story, units={"valueInteger": 5}), 422, "guard-visits", "Procedure.extension")
    assert (await recorded(story, units={"valueInteger": 4}))["units"] == 4


WRONG: list[tuple[str, Json, int, str, str]] = [
    ("no start", {"start": None}, 400, "parameter-required", "http.start"),
    ("no therapist", {"performer": None}, 400, "parameter-required", "http.performer"),
    ("no technique", {"technique": None}, 400, "parameter-required", "http.technique"),
    ("neither end nor minutes", {"minutes": None}, 400, "parameter-required", "http.end"),
    ("a day is no start", {"start": {"valueDate": "2026-01-12"}}, 400, "parameter-value", "http.start"),
    ("a start without offset", {"start": {"valueString": "2026-01-12T09:00:00"}}, 400, "parameter-value", "http.start"),
    ("an end before the start", {"end": {"valueDateTime": "2020-01-01T09:00:00Z"}}, 400, "parameter-value", "http.end"),
    ("a therapist elsewhere", {"performer": {"valueString": "Patient/1"}}, 400, "parameter-value", "http.performer"),
    ("an unknown technique", {"technique": {"valueCode": "spa"}}, 400, "parameter-value", "http.technique"),
    ("an unknown region", {"region": {"valueCode": "back"}}, 400, "parameter-value", "http.region"),
    ("more pain than there is", {"painAfter": {"valueInteger": 11}}, 422, "outcome-invalid", "http.painAfter"),
    ("a nameless identifier", {"identifier": {"valueIdentifier": {"value": "1"}}},
     400, "parameter-value", "http.identifier"),
    ("no such parameter", {"pressure": {"valueString": "deep"}}, 400, "parameter-unknown", "http.pressure"),
    ("a start twice", {"start": [{"valueDateTime": "2026-01-12T09:00:00Z"}] * 2}, 400, "parameter-value", "http.start"),
    ("no such visit", {"encounter": {"valueString": "Encounter/nobody"}}, 404, "not-found", "http.encounter"),
    ("no visit at all", {"appointment": {"valueString": "Task/1"}}, 400, "parameter-value", "http.appointment"),
    ("a next visit without a time", {"nextAppointment": {"part": [{"name": "minutes", "valueInteger": 45}]}},
     400, "parameter-required", "http.nextAppointment.start"),
    ("too short", {"minutes": {"valueInteger": 29}}, 422, "guard-visits", "Procedure.performed"),
    ("too long", {"minutes": {"valueInteger": 91}}, 422, "guard-visits", "Procedure.performed"),
    ("unchecked", {"questionnaireResponse": None}, 422, "guard-safety", "Encounter.status"),
    ("a therapist nobody knows", {"performer": {"valueString": "Practitioner/nobody"}},
     422, "guard-therapist", "Procedure.performer"),
    ("lymphatic drainage without its certificate", {"technique": {"valueCode": "lymphatic-drainage"}},
     422, "guard-therapist", "Procedure.performer"),
]  # fmt: skip


async def test_what_is_not_right_is_refused_and_nothing_is_stored(story: Story) -> None:
    await planned(story)
    before = await counted(story)
    for name, more, status, code, expression in WRONG:
        answered = await record(story, **more)
        assert answered.status_code == status, (name, answered.text)
        assert_outcome(answered, status, code, expression)
    assert await counted(story) == before
    assert await story.stands() == ("accepted", "accepted-unscheduled")


async def test_a_session_in_the_future_is_refused(story: Story) -> None:
    await planned(story)
    for start in (now() - timedelta(minutes=30), now() + timedelta(days=2)):
        more: Json = {"start": {"valueDateTime": start.isoformat(timespec="seconds")}}
        answers = check(story, 1) | {"authored": start.isoformat(timespec="seconds")}
        refused = await record(story, **more, questionnaireResponse={"resource": answers})
        assert_outcome(refused, 422, "time-ahead", "Procedure.performedPeriod.end")
    assert (await counted(story))["Procedure"] == 0


async def test_a_therapist_whose_licence_has_run_out_records_nothing(story: Story) -> None:
    await planned(story)
    until = (story.begins(1) - timedelta(days=1)).date().isoformat()
    await story.employ(period={"start": "2020-01-01", "end": until})
    assert_outcome(await record(story), 422, "guard-therapist", "Procedure.performer")
    await story.employ(period={"start": "2020-01-01", "end": story.begins(1).date().isoformat()})
    assert (await recorded(story))["recorded"] is True


async def test_a_plan_without_goals_or_that_is_over_takes_no_session(story: Story) -> None:
    await planned(story)
    await story.clinic.does(story.plan, status="on-hold")
    assert_outcome(await record(story), 422, "guard-plan", "Procedure.status")
    assert_outcome(await story.clinic.change(story.plan, status="active", goal=None), 422, "guard-plan")


async def test_a_therapist_is_in_one_session_at_a_time(story: Story, second: Story) -> None:
    """Over referrals; an hour that follows another does not overlap with it."""
    await planned(story)
    await planned(second)
    second.therapist = story.therapist
    start = story.begins(1)
    await recorded(story, start={"valueDateTime": start.isoformat()})
    role = await story.clinic.post({"resourceType": "PractitionerRole", "practitioner": reference(story.therapist)})
    at: Json = {"start": {"valueDateTime": (start + timedelta(minutes=59)).isoformat()}}
    for therapist in (story.therapist, role):
        refused = await record(second, **at, performer={"valueString": therapist})
        told = assert_outcome(refused, 422, "guard-visits", "Procedure.performed")
        assert told["diagnostics"] == "The therapist has another session at that time."
    at["start"] = {"valueDateTime": (start + timedelta(minutes=60)).isoformat()}
    assert (await recorded(second, **at))["recorded"] is True


async def test_of_two_sessions_of_a_therapist_at_once_one_is_recorded(story: Story, second: Story) -> None:
    await planned(story)
    await planned(second)
    second.therapist = story.therapist
    at: Json = {"start": {"valueDateTime": story.begins(1).isoformat()}}
    answers = await asyncio.gather(record(story, **at), record(second, **at))
    assert sorted(each.status_code for each in answers) == [200, 422]


async def test_a_plan_that_is_not_seen_is_not_there(story: Story) -> None:
    await planned(story)
    unknown = await story.network.other("POST", "CarePlan/nobody/$record-session", told(story))
    hidden = await story.network.other("POST", f"{story.plan}/$record-session", told(story))
    assert_outcome(hidden, 404, "not-found")
    assert hidden.json() == unknown.json()


async def test_a_visit_of_another_referral_is_refused(story: Story, second: Story) -> None:
    await planned(story)
    await planned(second)
    other: Json = {"encounter": {"valueString": await second.begin(1)}, "questionnaireResponse": None}
    assert_outcome(await record(story, **other), 422, "guard-visits", "http.encounter")


async def test_the_referrer_records_no_session(story: Story) -> None:
    await planned(story)
    refused = await story.referrer("POST", f"{story.plan}/$record-session", told(story))
    assert_outcome(refused, 403, "wrong-actor", "Encounter")


async def test_a_session_is_recorded_by_post_alone(story: Story) -> None:
    await planned(story)
    refused = await story.clinic("GET", f"{story.plan}/$record-session")
    assert_outcome(refused, 405, "not-allowed")
    assert refused.headers["allow"] == "POST"
    assert_outcome(await story.clinic("POST", "CarePlan/$record-session", told(story)), 404, "operation-unknown")


async def test_the_last_visit_goes_to_one_of_two_sessions(story: Story) -> None:
    """S3 under a race: one visit is authorised, two therapists record one."""
    await planned(story)
    payer = await story.referrer.post(authorisation(story, 1))
    await story.referrer.does(story.referral, insurance=[reference(payer)])
    first = story.therapist
    other = await story.employ()
    answers = await asyncio.gather(
        *(record(story, number, performer={"valueString": each}) for number, each in ((1, first), (2, other)))
    )
    assert sorted(each.status_code for each in answers) == [200, 422]
    (refused,) = [each for each in answers if each.status_code == 422]
    assert "authorized 1" in assert_outcome(refused, 422, "guard-visits")["diagnostics"]
    assert await story.stands() == ("in-progress", "visits-exhausted")
    assert progress(await story.referrer.read(story.task)) == (1, 1)


async def test_adverse_reactions_are_told_to_the_referrer(story: Story) -> None:
    await planned(story)
    answer = await recorded(story, reaction={"valueCode": "404640003"})
    told = (await story.referrer.read(answer["session"]))["complication"]
    assert told[0]["coding"][0]["system"] == "http://snomed.info/sct"
    (message,) = await story.referrer.everything("Communication", story.referral)
    assert message["priority"] == "urgent"


async def test_other_measurements_come_along(story: Story) -> None:
    await planned(story)
    opening = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": OUTCOME, "code": "maximal-mouth-opening"}]},
        "valueQuantity": {"value": 38, "system": "http://unitsofmeasure.org", "code": "mm"},
    }
    answer = await recorded(story, observation={"resource": opening})
    measured = await story.referrer.read(answer["observation"])
    assert measured["partOf"] == [reference(answer["session"])]
    assert measured["effectiveDateTime"] == story.begins(1).isoformat(timespec="seconds")
    wrong = opening | {"valueQuantity": {"value": 38, "system": "http://unitsofmeasure.org", "code": "kg"}}
    assert_outcome(await record(story, 2, observation={"resource": wrong}), 422, "outcome-invalid")


async def test_no_session_is_recorded_under_an_open_contraindication(story: Story) -> None:
    """S11: what becomes known meanwhile holds the work."""
    await planned(story)
    await story.referrer.post(story.diagnosis(THROMBOSIS))
    before = await counted(story)
    assert_outcome(await record(story), 422, "guard-safety")
    assert await counted(story) == before | {"QuestionnaireResponse": 1}


async def test_scopes_of_the_pieces_are_needed(story: Story, workers: Workers) -> None:
    """Who may read the plan and write no Procedure records none."""
    await planned(story)
    headers = await workers.bearer("clinic", "system/CarePlan.rs system/Encounter.cu system/Observation.c")
    refused = await workers.one.post(f"{story.plan}/$record-session", json=told(story), headers=headers)
    assert_outcome(refused, 403, "forbidden")


async def test_on_record_is_the_operation_with_what_it_wrote(story: Story) -> None:
    await planned(story)
    answer = await recorded(story)
    read = await story.network.administrator("GET", f"AuditEvent?entity={answer['session']}")
    assert [each["resource"]["subtype"][0]["code"] for each in read.json()["entry"]] == ["create"]
    about_plan = await story.network.administrator("GET", f"AuditEvent?entity={story.plan}")
    told_of = [each["resource"]["subtype"][0]["code"] for each in about_plan.json()["entry"]]
    assert told_of.count("operation") == 1


async def told_of(story: Story) -> tuple[list[Json], list[Json], list[Json]]:
    """Responses, contraindications and messages of the referral."""
    answers, issues = [
        await story.referrer.everything(kind, story.referral) for kind in ("QuestionnaireResponse", "DetectedIssue")
    ]
    return answers, issues, await messages(story)


def flagged(story: Story, *flags: str, **elements: Any) -> Json:
    return {"resource": check(story, 1) | {"item": [loop.red_flags(*flags)]} | elements}


async def test_s11_a_red_flag_outlives_the_session_that_it_forbids(story: Story) -> None:
    """The answers are stored, the work is held, the referrer is told; the same call with a no does not pass then."""
    await planned(story)
    before = await counted(story)
    refused = await record(story, questionnaireResponse=flagged(story, "saddle-numbness"))
    said = assert_outcome(refused, 422, "guard-safety", "Encounter.status")["diagnostics"]
    (answers,), (issue,), (message,) = await told_of(story)
    assert await story.stands() == ("accepted", "safety-hold")
    assert f"the answers are kept as QuestionnaireResponse/{answers['id']}" in said
    assert f"(DetectedIssue/{issue['id']})" in said
    assert "othing was stored" not in refused.text
    assert message["priority"] == "stat"
    assert await counted(story) == before | {"QuestionnaireResponse": 1}
    refused = await record(story)
    assert f"(DetectedIssue/{issue['id']})" in assert_outcome(refused, 422, "guard-safety")["diagnostics"]


async def test_s11_answers_that_are_sent_again_are_kept_once(story: Story) -> None:
    await planned(story)
    first, again = [await record(story, questionnaireResponse=flagged(story, "saddle-numbness")) for _ in range(2)]
    assert [each.status_code for each in (first, again)] == [422, 422]
    answers, issues, told = await told_of(story)
    assert (len(answers), len(issues), len(told)) == (1, 1, 1)
    assert answers[0]["id"] in assert_outcome(again, 422, "guard-safety")["diagnostics"]


async def test_s11_answers_stay_with_the_visit_that_is_stored(story: Story) -> None:
    await planned(story)
    encounter = await story.begin(1)
    refused = await record(
        story, encounter={"valueString": encounter}, questionnaireResponse=flagged(story, "saddle-numbness")
    )
    assert_outcome(refused, 422, "guard-safety")
    (answers,), _, _ = await told_of(story)
    assert answers["encounter"] == reference(encounter)


async def test_s11_that_answers_cannot_be_kept_either_is_said(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refusing(*_: Any) -> None:
        raise failure("too-costly", "Too many resources.")

    await planned(story)
    monkeypatch.setattr(kept, "write", refusing)
    refused = await record(story, questionnaireResponse=flagged(story, "saddle-numbness"))
    said = assert_outcome(refused, 422, "guard-safety")["diagnostics"]
    assert "Nothing was stored: by themselves the answers are refused, too." in said
    assert "DetectedIssue/" not in refused.text
    assert "too-costly" in refused.text
    assert await told_of(story) == ([], [], [])


async def test_s11_pieces_that_bring_a_red_flag_are_refused_without_a_name_that_nobody_finds(story: Story) -> None:
    await planned(story)
    posted = pieces(story, 1)
    posted[-1]["resource"]["item"] = [loop.red_flags("saddle-numbness")]
    refused = await story.clinic.send(*posted)
    said = assert_outcome(refused, 422, "guard-safety")["diagnostics"]
    assert "Nothing was stored; send the response" in said
    assert "DetectedIssue/" not in refused.text
    assert await told_of(story) == ([], [], [])


async def test_a_check_of_another_day_is_none(story: Story) -> None:
    """By the day where the session takes place."""
    await planned(story)
    start = story.begins(1).replace(hour=12)
    at: Json = {"start": {"valueDateTime": start.isoformat()}}
    others = [(start + timedelta(hours=hours)).isoformat() for hours in (-13, 24)]
    for authored in ("2020-01-01", "2020", *others):
        refused = await record(story, **at, questionnaireResponse=flagged(story, authored=authored))
        assert_outcome(refused, 422, "guard-safety", "Encounter.status")
    assert (await counted(story))["Encounter"] == 0
    answers = flagged(story, authored=start.date().isoformat())
    assert (await recorded(story, **at, questionnaireResponse=answers))["recorded"] is True


async def test_a_check_without_a_day_is_of_the_session_that_it_comes_with(story: Story) -> None:
    await planned(story)
    undated = {name: value for name, value in check(story, 1).items() if name != "authored"}
    assert (await recorded(story, questionnaireResponse={"resource": undated}))["recorded"] is True


async def test_answers_of_the_future_are_refused(story: Story) -> None:
    """With a session, and by themselves."""
    await planned(story)
    place = "QuestionnaireResponse.authored"
    for authored in ("9999-12-31", (now() + timedelta(days=3)).isoformat(timespec="seconds")):
        answers = flagged(story, authored=authored)
        assert_outcome(await record(story, questionnaireResponse=answers), 422, "time-ahead", place)
        alone = answers["resource"] | {"basedOn": story.based_on}
        assert_outcome(await story.clinic.tries(alone), 422, "time-ahead", place)
    assert (await counted(story))["QuestionnaireResponse"] == 0


ENDS = [
    f"{day}{offset}"
    for day in ("9999-12-31T23:59:59", "9999-12-31T23:59:59.999999", "9999-12-31T00:00:00", "0001-01-01T00:00:00")
    for offset in ("Z", "-12:00", "+14:00", "-14:00", "+00:00")
]


async def test_the_ends_of_the_calendar_are_refused(story: Story) -> None:
    """As the start of a session, as its end, and of the next visit."""
    await planned(story)
    before = await counted(story)
    for moment in ENDS:
        at: Json = {"start": {"valueDateTime": moment}}
        for more in (at, at | {"minutes": None, "end": {"valueDateTime": ENDS[0]}}, {"end": at["start"]}):
            assert (await record(story, **more)).status_code in {400, 422}, (moment, more)
        if moment > "9999-12-31T23":
            parts = [{"name": "start", "valueDateTime": moment}, {"name": "minutes", "valueInteger": 60}]
            refused = await record(story, nextAppointment={"part": parts})
            assert_outcome(refused, 400, "parameter-value")
    assert {**await counted(story), "QuestionnaireResponse": 0} == before
