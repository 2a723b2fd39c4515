"""Visits are allocated to the authorisations of their days: against an evaluator that tries everything, and by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.fhir.temporal import Range
from service.massage.cycle import Policy
from service.massage.cycle.allowance import Allowance
from service.massage.cycle.authorisation import Span, allocate
from service.massage.cycle.coverage import COVERAGE_INFORMATION
from tests.builders import loop
from tests.builders.loop import CLINIC, START, World
from tests.unit.massage.test_visits import authorisation, insured, view

if TYPE_CHECKING:
    from collections.abc import Sequence


Json = dict[str, Any]
Window = tuple[int, int, int]
"""The first and the last day on which so many visits are authorised."""

DAYS = st.integers(1, 6)
WINDOWS = st.lists(
    st.tuples(DAYS, DAYS, st.integers(0, 3)).map(lambda one: (min(one[:2]), max(one[:2]), one[2])), max_size=3
)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def most_placed(days: Sequence[int | None], windows: Sequence[Window]) -> int:
    """The most visits that find a place, by trying each visit in each window and in none."""
    if not days:
        return 0
    first, rest = days[0], days[1:]
    found = most_placed(rest, windows)
    for place, (begin, end, count) in enumerate(windows):
        if count and (first is None or begin <= first <= end):
            left = [*windows[:place], (begin, end, count - 1), *windows[place + 1 :]]
            found = max(found, 1 + most_placed(rest, left))
    return found


def has_place(number: int, taken: Sequence[int], windows: Sequence[Window]) -> bool:
    """Whether a visit finds a place beside others, none of which loses its own."""
    return most_placed([*taken, number], windows) > most_placed(taken, windows)


def spans_of(windows: Sequence[Window]) -> list[Span]:
    return [Span(lasts=Range(day(begin), day(end + 1)), visits=count) for begin, end, count in windows]


@given(days=st.lists(st.none() | DAYS, max_size=6), windows=WINDOWS)
def test_no_other_allocation_finds_a_place_for_more_visits(days: list[int | None], windows: list[Window]) -> None:
    moments = [None if each is None else day(each) for each in days]
    found = allocate(moments, spans_of(windows))
    assert found.placed == most_placed(days, windows)
    assert sum(found.left) == sum(count for *_, count in windows) - found.placed
    assert min(found.left, default=0) >= 0


def answers(windows: Sequence[Window]) -> list[Json]:
    """A payer's answer for each window, its days as a payer writes them."""
    return [
        authorisation(f"a{place}", count, preAuthPeriod={"start": iso(begin), "end": iso(end)})
        for place, (begin, end, count) in enumerate(windows)
    ]


def iso(number: int) -> str:
    return day(number).date().isoformat()


def named(windows: Sequence[Window]) -> list[Json]:
    return insured(*(f"a{place}" for place in range(len(windows))))


def held(booked: Sequence[int]) -> list[Json]:
    return [loop.appointment(number, id=f"b{place}") for place, number in enumerate(booked)]


def done(delivered: Sequence[int]) -> list[Json]:
    return [loop.session(number, id=f"s{place}", encounter=None) for place, number in enumerate(delivered)]


@given(
    windows=WINDOWS,
    delivered=st.lists(DAYS, max_size=3),
    booked=st.lists(DAYS, max_size=3),
    today=st.integers(1, 7),
    ordered=st.integers(0, 9),
)
def test_what_remains_is_what_could_still_be_delivered(
    windows: list[Window], delivered: list[int], booked: list[int], today: int, ordered: int
) -> None:
    """As many as an evaluator finds a place for beside those there are: on this day or a later one."""
    assume(windows)
    case = view(
        *answers(windows),
        *done(delivered),
        *held(booked),
        insurance=named(windows),
        quantityQuantity={"value": ordered},
    )
    found = Allowance(case, Policy())

    def further(taken: list[int]) -> int:
        """One more visit after the other, on whatever day there is still a place for it."""
        found = next((each for each in range(today, 7) if has_place(each, taken, windows)), None)
        return 0 if found is None else 1 + further([*taken, found])

    now = day(today).replace(hour=0)
    assert found.remaining(now) == min(max(0, ordered - len(delivered)), further(delivered))
    assert found.unbooked(now) == min(max(0, ordered - len(delivered) - len(booked)), further([*delivered, *booked]))
    assert found.authorised == sum(count for *_, count in windows)


ACTS = st.lists(st.tuples(st.sampled_from(["book", "walk-in", "keep", "cancel"]), DAYS), max_size=10)


@given(acts=ACTS, windows=WINDOWS, ordered=st.integers(1, 6))
def test_a_visit_is_refused_if_and_only_if_there_is_no_place_beside_those_that_are_held(
    acts: list[tuple[str, int]], windows: list[Window], ordered: int
) -> None:
    """And whatever is done, all that is delivered or booked has a place of its own."""
    assume(windows)
    card = loop.referral(quantityQuantity={"value": ordered}, insurance=named(windows))
    world = World.of(card, loop.task(status="in-progress"), loop.plan(), loop.goal(), *answers(windows))
    world.watched = False
    booked: set[int] = set()
    delivered: set[int] = set()
    for act, number in acts:
        if number in delivered or (act in {"book", "walk-in"} and number in booked):
            continue  # there is one visit a day
        taken = [*delivered, *booked]
        has_room = len(taken) < ordered and has_place(number, taken, windows)
        visit = loop.appointment(number)
        session = [loop.check(number), loop.encounter(number, status="finished"), loop.session(number)]
        match act:
            case "book":
                assert bool(world.judge(CLINIC, visit).refusals) is not has_room
                booked |= {number} if has_room else set()
            case "walk-in":
                session[1] = {key: value for key, value in session[1].items() if key != "appointment"}
                assert bool(world.judge(CLINIC, *session).refusals) is not has_room
                delivered |= {number} if has_room else set()
            case "keep" if number in booked:
                assert world.judge(CLINIC, *session, visit | {"status": "fulfilled"}).refusals == ()
                booked.discard(number)
                delivered.add(number)
            case "cancel" if number in booked:
                world.judge(CLINIC, visit | {"status": "cancelled"})
                booked.discard(number)
                # a cancelled visit keeps its id; another one of that day would be new
                world.stored["Appointment"].pop(f"visit{number}")
        everything = [*delivered, *booked]
        assert most_placed(everything, windows) == len(everything) <= ordered


def test_what_was_left_of_a_lapsed_authorisation_is_not_left_under_the_next() -> None:
    """Six in January, of which two were used; four in February."""
    january = authorisation("a0", 6, preAuthPeriod={"end": "2026-01-31"})
    february = authorisation("a1", 4, preAuthPeriod={"start": "2026-02-01", "end": "2026-02-28"})
    order: Json = {"insurance": insured("a0", "a1"), "quantityQuantity": {"value": 10}}
    found = Allowance(view(january, february, *done([1, 2]), **order))
    instants = [datetime(2026, *each, tzinfo=UTC) for each in ((1, 15), (2, 1), (3, 1))]
    assert [found.remaining(each) for each in instants] == [8, 4, 0]
    assert [found.is_exhausted(each) for each in instants] == [False, False, True]
    assert (found.authorised, found.most(instants[1])) == (10, 6)


def test_a_visit_uses_what_ends_first() -> None:
    """So that what lasts longer is left for later days."""
    longer = authorisation("a0", 1, preAuthPeriod={"start": "2026-01-01", "end": "2026-03-31"})
    shorter = authorisation("a1", 1, preAuthPeriod={"start": "2026-01-01", "end": "2026-01-31"})
    found = Allowance(view(longer, shorter, *done([1]), insurance=insured("a0", "a1")))
    assert found.remaining(datetime(2026, 2, 1, tzinfo=UTC)) == 1


@pytest.mark.parametrize("zone, left", [("UTC", 1), ("America/Los_Angeles", 0)])
def test_the_days_of_an_authorisation_are_those_of_the_zone(zone: str, left: int) -> None:
    """A session of one o'clock in UTC is of the day before on the west coast."""
    hour = {"start": "2026-01-14T01:00:00Z", "end": "2026-01-14T02:00:00Z"}
    answer = authorisation("a0", 1, preAuthPeriod={"start": "2026-01-13", "end": "2026-01-13"})
    case = view(answer, loop.session(1, performedPeriod=hour), insurance=insured("a0"))
    found = Allowance(case, zone=ZoneInfo(zone))
    assert found.remaining(datetime(2026, 1, 13, 20, tzinfo=UTC)) == left


@pytest.mark.parametrize(
    "other",
    [
        {"use": "claim"},
        {"use": "predetermination"},
        {"outcome": "queued"},
        {"outcome": "error"},
        {"patient": {"reference": "Patient/other"}},
        {"addItem": [{"quantity": {"value": 4, "code": "min"}}]},
    ],
)
def test_what_is_no_answer_about_visits_of_this_patient_authorises_nothing(other: Json) -> None:
    assert Allowance(view(authorisation("a0", 4) | other, insurance=insured("a0"))).authorised is None


@pytest.mark.parametrize("told", ["no-auth", "satisfied"])
def test_a_payer_that_needs_no_authorisation_limits_nothing(told: str) -> None:
    parts = [{"url": "covered", "valueCode": "covered"}, {"url": "pa-needed", "valueCode": told}]
    order: Json = {"extension": [{"url": COVERAGE_INFORMATION, "extension": parts}]}
    card = {"insurance": [{"reference": "Coverage/card"}]}
    policy = Policy(needs_authorisation=True, visits_without_authorisation=2)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert Allowance(view(**card), policy).remaining(now) == 2
    assert Allowance(view(**card, **order), policy).remaining(now) == 6
