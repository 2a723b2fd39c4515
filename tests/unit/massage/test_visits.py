"""The visits of a referral and the log of its sessions, each number worked out by hand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.massage.cycle import Policy
from service.massage.cycle.coverage import COVERAGE_INFORMATION
from service.massage.cycle.units import TIMED_UNITS
from service.massage.cycle.view import View
from service.massage.systems import OUTCOME, TECHNIQUE
from service.massage.visits import SessionEntry, Term, account, session_log, timed_units
from tests.builders import loop

Json = dict[str, Any]

UNITS = [
    (0, 0), (7, 0), (8, 1), (22, 1), (23, 2), (37, 2), (38, 3), (52, 3), (53, 4), (67, 4), (68, 5), (82, 5), (83, 6),
    (97, 6), (30, 2), (45, 3), (60, 4), (90, 6), (-1, 0),
]  # fmt: skip


def view(*contents: Json, **referral: Any) -> View:
    """A referral of six sessions with these, without their elements that are None."""
    episode: dict[str, dict[str, Json]] = {}
    for one in (loop.referral(**referral), *contents):
        present = {name: value for name, value in one.items() if value is not None}
        episode.setdefault(one["resourceType"], {})[one["id"]] = present
    return View("order", episode, "")


def authorisation(name: str, *counts: int, **elements: Any) -> Json:
    """A payer's answer that allows so many visits."""
    items = [{"quantity": {"value": count}} for count in counts]
    answer = {"resourceType": "ClaimResponse", "id": name, "status": "active", "addItem": items, "preAuthRef": name}
    return answer | elements


@pytest.mark.parametrize(
    "contents, status",
    [
        *(((loop.task(),), status) for status in ("revoked", "completed", "entered-in-error")),
        *(((loop.task(status=ended),), "active") for ended in ("cancelled", "rejected", "failed", "completed")),
    ],
)
def test_nothing_remains_once_the_referral_or_its_task_is_at_its_end(contents: tuple[Json, ...], status: str) -> None:
    found = account(view(*contents, status=status))
    assert (found.ordered, found.remaining, found.unbooked) == (6, 0, 0)


def test_a_further_task_of_a_rejected_referral_makes_its_visits_remain() -> None:
    found = account(view(loop.task(status="rejected"), loop.task(id="second"), status="active"))
    assert (found.remaining, found.unbooked) == (6, 6)


def logged(*contents: Json, policy: Policy | None = None) -> tuple[SessionEntry, ...]:
    """The log, by the usual rules."""
    return session_log(view(*contents), policy or Policy())


def insured(*names: str) -> list[Json]:
    return [{"reference": f"ClaimResponse/{name}"} for name in names]


def information(count: int, number: str | None = None, **said: str) -> Json:
    """Coverage information that allows so many visits."""
    codes = {"covered": "covered", "pa-needed": "satisfied"} | {key.replace("_", "-"): one for key, one in said.items()}
    parts: list[Json] = [{"url": key, "valueCode": code} for key, code in codes.items()]
    code = {"url": "code", "valueCodeableConcept": {"coding": [{"code": "allowed-quantity"}]}}
    parts.append({"url": "detail", "extension": [code, {"url": "value", "valueQuantity": {"value": count}}]})
    if number is not None:
        parts.append({"url": "satisfied-pa-id", "valueString": number})
    return {"url": COVERAGE_INFORMATION, "extension": parts}


def measured(code: str, value: int, moment: str, system: str = "http://loinc.org", **elements: Any) -> Json:
    """A rating within the first session."""
    return {
        "resourceType": "Observation",
        "id": f"{code}-{moment}",
        "status": "final",
        "code": {"coding": [{"system": system, "code": code}]},
        "partOf": [{"reference": "Procedure/session1"}],
        "effectiveDateTime": moment,
        "valueQuantity": {"value": value},
    } | elements


def technique(code: str) -> Json:
    part = {"partOf": [{"reference": "Procedure/session1"}], "code": {"coding": [{"system": TECHNIQUE, "code": code}]}}
    return loop.session(1, id=code) | part


def numbers(counted: View) -> list[int | None]:
    """Ordered, authorised, booked, completed, missed, remaining, unbooked."""
    found = account(counted)
    return [
        found.ordered, found.authorised, found.booked, found.completed, found.no_show, found.remaining, found.unbooked,
    ]  # fmt: skip


@pytest.mark.parametrize("minutes, units", UNITS)
def test_minutes_come_to_units_by_the_table(minutes: int, units: int) -> None:
    assert timed_units(minutes) == units


@given(st.integers(0, 10_000))
def test_another_quarter_of_an_hour_is_another_unit(minutes: int) -> None:
    assert timed_units(minutes + 15) == timed_units(minutes) + 1


def test_of_six_ordered_none_is_used_at_first() -> None:
    assert numbers(view()) == [6, None, 0, 0, 0, 6, 6]


def test_where_nobody_says_how_many_there_is_no_number_left() -> None:
    assert numbers(view(quantityQuantity={})) == [None, None, 0, 0, 0, None, None]


def test_bookings_count_until_their_session_is_delivered() -> None:
    held = (loop.appointment(1), loop.encounter(1), loop.session(1), loop.appointment(2))
    assert numbers(view(*held)) == [6, None, 1, 1, 0, 5, 4]


def test_a_missed_visit_leaves_its_place_to_another() -> None:
    assert numbers(view(loop.appointment(1, status="noshow"))) == [6, None, 0, 0, 1, 6, 6]


def test_the_payers_answers_together_limit_the_visits() -> None:
    answers = (authorisation("a", 2, 1), authorisation("b", 1), authorisation("c", 9, status="cancelled"))
    assert numbers(view(*answers, insurance=insured("a", "b", "c"))) == [6, 4, 0, 0, 0, 4, 4]


def test_an_answer_that_the_referral_does_not_name_allows_nothing() -> None:
    assert numbers(view(authorisation("a", 2))) == [6, None, 0, 0, 0, 6, 6]


def test_coverage_information_limits_the_visits() -> None:
    assert numbers(view(extension=[information(4)])) == [6, 4, 0, 0, 0, 4, 4]


def test_an_authorisation_that_is_told_twice_counts_once() -> None:
    told = view(authorisation("a", 4), insurance=insured("a"), extension=[information(4, "a"), information(1, "b")])
    assert account(told).authorised == 5


@pytest.mark.parametrize("said", [{"covered": "not-covered"}, {"covered": "conditional"}, {"pa_needed": "auth-needed"}])
def test_what_is_not_granted_is_no_authorisation(said: dict[str, str]) -> None:
    assert account(view(extension=[information(4, **said)])).authorised is None


def test_visits_a_week_are_no_number_of_visits() -> None:
    weekly = information(4)
    weekly["extension"][2]["extension"][1]["valueQuantity"]["code"] = "{visit}/wk"
    assert account(view(extension=[weekly])).authorised is None


def test_nothing_is_left_below_nothing() -> None:
    sessions = [loop.session(number) for number in range(1, 9)]
    assert numbers(view(*sessions, loop.appointment(9))) == [6, None, 1, 8, 0, 0, 0]


def test_what_is_not_read_is_not_counted() -> None:
    found = account(view(loop.session(1)), unread={"Appointment", "ClaimResponse"})
    assert (found.booked, found.no_show, found.authorised, found.remaining) == (None, None, None, None)
    assert (found.ordered, found.completed) == (6, 1)


def test_the_log_has_delivered_sessions_in_their_order() -> None:
    held = (loop.session(2), loop.session(1), loop.session(3, status="not-done"))
    assert [each.session for each in logged(*held)] == ["Procedure/session1", "Procedure/session2"]


def test_the_log_tells_what_was_done() -> None:
    lumbar = {"coding": [{"system": "http://snomed.info/sct", "code": "52612000", "display": "Lumbar region"}]}
    session = loop.session(1, bodySite=[lumbar], note=[{"text": "Tight on the left."}])
    (entry,) = logged(session, technique("trigger-point"), technique("myofascial-release"))
    assert (entry.start, entry.minutes, entry.units) == (loop.START + timedelta(days=1), 60, 4)
    assert [each.code for each in entry.techniques] == ["trigger-point", "myofascial-release"]
    assert entry.regions == (Term(text="Lumbar region", system="http://snomed.info/sct", code="52612000"),)
    assert (entry.therapist, entry.findings) == ("PractitionerRole/therapist", ("Tight on the left.",))
    assert (entry.before, entry.after, entry.tolerance, entry.reactions) == (None, None, "", ())


def test_the_log_tells_pain_before_and_after() -> None:
    before = measured("72514-3", 6, "2026-01-13T08:00:00Z")
    after = measured("nprs-after-session", 3, "2026-01-13T09:00:00Z", OUTCOME)
    (entry,) = logged(loop.session(1), after, before)
    assert (entry.before, entry.after) == (Decimal(6), Decimal(3))


def test_a_rating_at_the_end_is_one_after_the_session() -> None:
    ratings = (measured("72514-3", 2, "2026-01-13T09:00:00Z"), measured("72514-3", 7, "2026-01-13"))
    (entry,) = logged(loop.session(1), *ratings)
    assert (entry.before, entry.after) == (Decimal(7), Decimal(2))


def test_a_rating_of_the_visit_is_one_of_its_session() -> None:
    visit: Json = {"partOf": None, "encounter": {"reference": "Encounter/encounter1"}}
    (entry,) = logged(loop.session(1), measured("72514-3", 5, "2026-01-13T08:00:00Z", **visit))
    assert entry.before == Decimal(5)


def test_ratings_that_do_not_stand_are_not_told() -> None:
    wrong = measured("72514-3", 5, "2026-01-13T08:00:00Z", status="entered-in-error")
    (entry,) = logged(loop.session(1), wrong)
    assert entry.before is None


def test_the_log_tells_how_the_session_was_borne() -> None:
    value: Json = {"valueQuantity": None, "valueCodeableConcept": {"text": "Well"}}
    borne = measured("session-tolerance", 0, "2026-01-13T09:00:00Z", OUTCOME, **value)
    dizzy = {"coding": [{"system": "http://snomed.info/sct", "code": "404640003", "display": "Dizziness"}]}
    (entry,) = logged(loop.session(1, complication=[dizzy]), borne)
    assert (entry.tolerance, entry.reactions) == ("Well", ("Dizziness",))


def test_stored_units_are_told_as_they_are() -> None:
    kept = [{"url": TIMED_UNITS, "valueUnsignedInt": 3}]
    (entry,) = logged(loop.session(1, extension=kept))
    assert (entry.minutes, entry.units) == (60, 3)


def test_units_that_are_not_stored_are_counted_by_the_payers_rule() -> None:
    (entry,) = logged(loop.session(1), policy=Policy(unit_minutes=10, least_minutes_of_a_unit=10))
    assert (entry.minutes, entry.units) == (60, 6)


def test_units_by_a_rule_that_nobody_knows_are_not_told() -> None:
    (entry,) = session_log(view(loop.session(1)), None)
    assert (entry.minutes, entry.units) == (60, None)


def test_a_session_without_an_end_has_no_minutes() -> None:
    (entry,) = logged(loop.session(1, performedPeriod=None, performedDateTime="2026-01-13"))
    assert (entry.minutes, entry.units, entry.end) == (None, None, None)
    assert entry.start is not None
