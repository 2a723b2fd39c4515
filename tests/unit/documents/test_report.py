"""What a report and a payer's packet are put together from, by an episode in numbers that are worked out by hand."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from msgspec.structs import replace

from service.documents import words
from service.documents.billing import cpt_codes
from service.documents.bundle import Enclosed, document
from service.documents.necessity import missing, requirements
from service.documents.packet import operation_outcome, packet_paper
from service.documents.paper import Facts, Picture, Points, Section, Table, Text
from service.documents.report import conclusion, diagnostic_report, report_paper
from service.documents.sections import visits
from service.fhir.code_systems import CPT
from service.fhir.definitions import load
from service.fhir.validation import Validator
from service.massage.systems import TECHNIQUE
from service.massage.visits import Term
from tests.builders import documents, loop

Json = dict[str, Any]


def section(title: str, *more: Json, **options: Any) -> Section:
    paper = report_paper(documents.case(*more, **options), "progress-report", [])
    return next(each for each in paper.sections if each.title == title)


def table(found: Section) -> Table:
    return next(each for each in found.blocks if isinstance(each, Table))


def test_each_goal_is_a_row_with_its_numbers() -> None:
    assert table(section("Goals")).rows == (
        ("Less pain", "Pain, numeric rating from 0 to 10, in points", "5 or less by 2026-03-15", "7", "3", "achieved"),
        ("Back to work", "Oswestry Disability Index, in %", "32 or less by 2026-03-15", "42", "26", "achieved"),
    )


def due_before(**elements: Any) -> Json:
    """Less pain by a day on which it was 6; it is 3 now."""
    goal = documents.goal("pain", "Less pain", documents.PAIN, 5, "{score}")
    target = goal["target"][0] | {"dueDate": "2026-02-01"}
    return goal | {"subject": {"reference": "Patient/anna"}, "target": [target]} | elements


@pytest.mark.parametrize("mark, reached", [({"userSelected": False}, "not achieved"), ({}, "worsening")])
def test_how_far_a_goal_is_follows_from_the_day_unless_a_person_has_judged(mark: Json, reached: str) -> None:
    coding = {"system": "http://terminology.hl7.org/CodeSystem/goal-achievement", "code": "worsening"} | mark
    rows = table(section("Goals", due_before(achievementStatus={"coding": [coding]}))).rows
    assert next(row for row in rows if row[0] == "Less pain")[-1] == reached


def test_a_value_that_is_reached_too_late_is_told_so_and_not_called_met() -> None:
    paper = report_paper(documents.case(due_before()), "progress-report", [])
    text = str(paper)
    assert "the value of the goal is reached, after the due date." in text
    assert "By the latest measurement the value of the goal is reached, after the due date." in text
    assert "Pain, numeric rating from 0 to 10: improved; the goal is met" not in text


def test_a_value_that_was_reached_in_time_and_no_longer_is_is_told_so() -> None:
    later = documents.measured("later", documents.PAIN, 6, 8, "{score}")
    goal = due_before()
    goal["target"][0]["detailQuantity"]["value"] = 6
    paper = report_paper(documents.case(goal, later), "progress-report", [])
    rows = next(each for each in paper.sections if each.title == "Goals")
    assert table(rows).rows[0][-1] == "achieved"
    assert "the goal was met by its due date, its value is not reached any more" in str(paper)


def test_a_goal_without_a_number_has_the_measurements_of_its_measure() -> None:
    goal = due_before()
    del goal["target"][0]["detailQuantity"]
    row = table(section("Goals", goal)).rows[0]
    assert row[:5] == ("Less pain", "Pain, numeric rating from 0 to 10, in points", "by 2026-02-01", "7", "3")


def test_a_goal_that_nobody_measured_is_told_so() -> None:
    walk = documents.goal(
        "walk", "Walk again", {"coding": [{"system": "http://loinc.org", "code": "41343-5"}]}, 90, "deg"
    )
    plan = loop.plan(goal=[{"reference": "Goal/walk"}])
    (row,) = table(section("Goals", walk, plan=plan)).rows
    assert row[0] == "Walk again"
    assert row[3:5] == ("not measured", "not measured")


def test_sessions_are_listed_by_their_time_with_units() -> None:
    rows = table(section("Sessions", documents.session(1), documents.session(6))).rows
    assert rows[0] == (
        "2026-01-12", "09:00 to 10:00", "60", "4", "Deep tissue massage", "Lower back", "Thea Ravn", "7 before",
    )  # fmt: skip
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    texts = [each.text for each in section("Sessions").blocks if isinstance(each, Text)]
    assert "Together 360 minutes and 24 timed units of 15 minutes." in texts


def test_visits_are_counted() -> None:
    (facts,) = section("Visits", loop.appointment(9, id="missed", status="noshow")).blocks
    assert isinstance(facts, Facts)
    assert dict(facts.rows) == {
        "Ordered": "6",
        "Authorised by the payer": "not known",
        "Completed": "6",
        "Missed without notice": "1",
        "Remaining": "0",
    }


BOOKED = [
    (5, 1, "5, 1 of them booked"),
    (5, 0, "5, none of them booked"),
    (0, 0, "0"),
    (1, 2, "1; 2 booked"),
    (None, 1, "not known; 1 booked"),
    (5, None, "5"),
]


@pytest.mark.parametrize("remaining, booked, said", BOOKED)
def test_what_is_booked_is_told_as_part_of_what_remains(remaining: int | None, booked: int | None, said: str) -> None:
    case = documents.case()
    counted = replace(case.visits, remaining=remaining, booked=booked)
    (facts,) = visits(replace(case, visits=counted)).blocks
    assert isinstance(facts, Facts)
    assert dict(facts.rows)["Remaining"] == said


def test_what_may_not_be_read_is_not_counted_and_named() -> None:
    (facts,) = section("Visits", unread=("Appointment", "ClaimResponse")).blocks
    assert isinstance(facts, Facts)
    assert dict(facts.rows)["Missed without notice"] == "not known"
    assert section("What is not in this document", unread=("Appointment",)).blocks[-1].items == ("Appointment",)  # type: ignore[union-attr]


def test_each_measure_is_drawn_and_told() -> None:
    blocks = section("Outcomes").blocks
    assert [isinstance(each, Picture) for each in blocks] == [True, False, True, False]
    told = conclusion(documents.case(), ["Four more sessions."])
    assert "7 on 2026-01-12, then 3 on 2026-02-16, in points; 6 measurements" in told
    assert told.endswith("Recommendation: Four more sessions.")


def test_a_recommendation_is_the_clinics_alone() -> None:
    texts = [each.text for each in section("Summary and recommendation").blocks if isinstance(each, Text)]
    assert texts == ["The clinic has sent no recommendation with this report."]


def test_a_clinic_that_is_named_by_its_service_signs_as_an_organisation() -> None:
    service = {"resourceType": "HealthcareService", "id": "massage", "providedBy": {"reference": "Organization/clinic"}}
    task = loop.task(status="in-progress", owner={"reference": "HealthcareService/massage"})
    assert documents.case(service, task).clinic == {"reference": "Organization/clinic"}


def test_codes_of_a_session_are_its_own_before_those_of_the_catalogue() -> None:
    own = {"coding": [{"system": CPT, "code": "97112"}]}
    case = documents.case(documents.session(1, code=own))
    codes = cpt_codes(case)
    assert codes["Procedure/session1"] == ("97112",)
    assert codes["Procedure/session2"] == tuple(documents.catalogue().techniques["deep-tissue"].cpt)


def test_a_document_is_valid_and_holds_what_it_refers_to() -> None:
    case = documents.case()
    paper = report_paper(case, "final-report", ["Rest."])
    report = diagnostic_report(case, "final-report", ["Rest."], [], is_final=True)
    report.pop("presentedForm")
    enclosed = Enclosed(url="urn:uuid:0190f0c5-3c00-7000-8000-000000000002", content=report)
    bundle = document(
        case,
        paper,
        identifier="0190f0c5-3c00-7000-8000-000000000001",
        type={"text": "Report"},
        is_final=True,
        enclosed=[enclosed],
    )
    assert Validator(load()).issues(bundle, "Bundle") == []
    names = {each["fullUrl"].removeprefix(f"{documents.BASE}/") for each in bundle["entry"]}
    assert {"Patient/anna", "Organization/clinic", "CarePlan/plan", "Goal/pain", "Procedure/session6"} <= names
    assert len(names) == len(bundle["entry"])


def test_sessions_that_lack_the_same_are_told_in_one_line_with_each_day_once() -> None:
    cover = {"resourceType": "Coverage", "id": "cover", "status": "active", "period": {"start": "2020", "end": "2020"}}
    order = loop.referral(insurance=[{"reference": "Coverage/cover"}])
    same = documents.session(2, id="another", bodySite=[])
    case = documents.case(order, cover, *(documents.session(each, bodySite=[]) for each in (1, 2)), same)
    found = {each.requirement.title: each.told for each in missing(case)}
    assert "3 sessions (2026-01-12, 2026-01-19) have no region." in found.values()
    (days,) = [told for told in found.values() if "No coverage was in force" in told]
    assert days.count("2026-01-19") == 1


def test_a_payer_is_told_what_the_plan_says() -> None:
    text = "With a massage ball. (“The Benefits of Medical Massage”, public article without author or date)"
    detail = {"status": "in-progress", "description": text}
    plan = loop.plan(id="plan", subject={"reference": "Patient/anna"}, activity=[{"detail": detail}])
    (found,) = [each for each in packet_paper(documents.case(plan, plan=plan), ()).sections if each.title == "Plan"]
    assert Points((text,)) in found.blocks


def test_every_requirement_has_a_check_and_a_source_of_the_catalogue() -> None:
    known = documents.catalogue().sources
    assert {source for each in requirements().values() for source in each.sources} <= known.keys()
    empty = documents.case(loop.referral(requester=None, authoredOn=None, quantityQuantity={}), plan=loop.plan())
    assert len(missing(empty)) >= 5


def test_what_is_missing_is_told_to_people_and_systems_alike() -> None:
    case = documents.case()
    lacking = missing(case)
    outcome = operation_outcome(lacking)
    assert Validator(load()).issues(outcome, "OperationOutcome") == []
    rows = next(each for each in packet_paper(case, lacking).sections[0].blocks if isinstance(each, Table)).rows
    assert [row[0] for row in rows] == [each["details"]["text"] for each in outcome["issue"]]
    assert "A progress report when one was due" in [row[0] for row in rows]


def test_the_first_visits_of_an_order_with_a_coverage_take_no_authorisation() -> None:
    cover = {"resourceType": "Coverage", "id": "cover", "status": "active", "period": {"start": "2026", "end": "2026"}}
    case = documents.case(loop.referral(insurance=[{"reference": "Coverage/cover"}]), cover)
    assert "The payer's authorisation" not in [each.requirement.title for each in missing(case)]
    beyond = documents.case(loop.referral(insurance=[{"reference": "Coverage/cover"}]), cover, documents.session(7))
    assert "The payer's authorisation" in [each.requirement.title for each in missing(beyond)]


def test_a_report_that_is_filed_is_the_one_that_was_due() -> None:
    titles = [each.requirement.title for each in missing(documents.case(loop.report()))]
    assert "A progress report when one was due" not in titles


TERMS = [
    (Term(system=TECHNIQUE, code="deep-tissue", text="deep-tissue"), "Deep tissue massage"),
    (Term(system=TECHNIQUE, code="deep-tissue", text="Deep, with oil"), "Deep, with oil"),
    (Term(system="http://snomed.info/sct", code="1", text="Lumbar region (body structure)"), "Lumbar region"),
    (Term(text="Neck (left)"), "Neck (left)"),
]


@pytest.mark.parametrize("each, told", TERMS)
def test_a_term_of_the_log_is_called_as_a_reader_knows_it(each: Term, told: str) -> None:
    assert words.term(each, documents.catalogue().techniques) == told


TIMINGS = [
    ({"repeat": {"count": 6, "frequency": 1, "period": 1, "periodUnit": "wk"}}, "6 times, 1 in a week"),
    ({"repeat": {"frequency": 2, "period": 3, "periodUnit": "wk", "duration": 60, "durationUnit": "min"}},
     "2 in 3 weeks, 60 minutes each"),
    ({"code": {"text": "weekly"}, "repeat": {"count": 6}}, "weekly"),
    ({"repeat": {"frequency": 1, "period": 1}}, ""),
    ({}, ""),
    (None, ""),
]  # fmt: skip


@pytest.mark.parametrize("timing, told", TIMINGS)
def test_a_timing_is_told_as_far_as_it_is_known(timing: Json | None, told: str) -> None:
    assert words.timing(timing) == told


NAMES: list[tuple[list[Json], str]] = [
    ([{"given": ["Anna", "Maria"], "family": "Example"}], "Anna Maria Example"),
    ([{"use": "nickname", "text": "Annie"}, {"use": "official", "family": "Example"}], "Example"),
    ([{"text": "Dr Anna Example", "family": "Example"}], "Dr Anna Example"),
    ([{"use": "anonymous"}], ""),
    ([], ""),
]


@pytest.mark.parametrize("names, told", NAMES)
def test_a_person_is_called_by_the_official_name(names: list[Json], told: str) -> None:
    assert words.name_in(names) == told


def test_a_period_is_told_by_its_days() -> None:
    whole = {"start": "2026-01-12T09:00:00Z", "end": "2026-03-15"}
    assert words.period(whole) == "2026-01-12 to 2026-03-15"
    assert words.period({"start": "2026-01-12"}) == "from 2026-01-12"
    assert words.period({"end": "2026"}) == "until 2026"
    assert words.moment(None, UTC) == words.UNKNOWN


def test_a_report_says_by_a_code_of_ours_what_became_of_each_measure() -> None:
    report = diagnostic_report(documents.case(), "final-report", (), (), is_final=True)
    assert [each["text"] for each in report["conclusionCode"]] == [
        "Pain, numeric rating from 0 to 10: Improved",
        "Oswestry Disability Index: Improved",
    ]
    assert [each["coding"][0]["code"] for each in report["conclusionCode"]] == ["improved", "improved"]
