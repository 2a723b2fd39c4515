"""What is asked for together: a clinic's work list, a patient's ratings. One value of the index leads there."""

from __future__ import annotations

import re
from datetime import date, timedelta
from inspect import unwrap
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest

from service.fhir.code_systems import LOINC
from service.fhir.search.seen import within_sight
from service.fhir.sight import EVERY_CLINIC, Sight
from service.store.search import compile_count, compile_search, lead, page
from service.store.search.shaper import shaped
from service.store.search.statement import _search_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from tests.search.conftest import Library

_INDEX: Final = re.compile(
    r"Index (?:Only )?Scan (?:Backward )?using ix_index_token_(?:pair|listed) .*rows=([\d.]+) loops=(\d+)\)"
)
_ODD, _EVEN = UUID(int=1), UUID(int=2)
_STATUSES: Final = ("requested", "accepted", "completed")
_ROUNDS: Final = 40
_WORK_LIST: Final = "owner=Organization/a&status=requested,accepted"


def _tasks() -> Iterator[dict[str, Any]]:
    """Of two clinics and of nobody, in three states, some of them never written on a day; few on the same day."""
    for number in range(_ROUNDS * 9):
        owner, status = (None, "a", "b")[number % 3], _STATUSES[number // 3 % 3]
        content: dict[str, Any] = {"resourceType": "Task", "id": f"t{number}", "status": status, "intent": "order"}
        if owner:
            content["owner"] = {"reference": f"Organization/{owner}"}
        if number % 7:
            content["authoredOn"] = (date(2024, 1, 1) + timedelta(days=number * 37 % 50)).isoformat()
        yield content


def _ratings() -> Iterator[dict[str, Any]]:
    """Of two patients, by one code or two, at an instant, in a period or at no time."""
    for number in range(60):
        codes = [{"system": LOINC, "code": "a"}, {"system": LOINC, "code": "b"}][: 1 + number % 2]
        content = {
            "resourceType": "Observation",
            "id": f"o{number}",
            "status": "final",
            "subject": {"reference": f"Patient/{'ab'[number // 2 % 2]}"},
            "code": {"coding": codes},
        }
        when: tuple[dict[str, Any], ...] = (
            {"effectiveDateTime": f"2024-02-{1 + number % 28:02}"},
            {"effectivePeriod": {"end": f"2024-03-{1 + number % 28:02}"}},
            {"effectivePeriod": {"start": f"2024-02-{1 + number % 28:02}"}},
            {},
        )
        yield content | when[number % 4]


@pytest.fixture(scope="module")
async def practice(make_library: Callable[[], AbstractAsyncContextManager[Library]]) -> AsyncIterator[Library]:
    """The practice; nobody changes it."""
    async with make_library() as made:
        await made.store([*_tasks(), *_ratings()])
        await made.share("Task", f"CASE WHEN key % 2 = 0 THEN '{_EVEN}'::uuid ELSE '{_ODD}'::uuid END")
        yield made


_SEARCHES: Final = [
    *(
        ("Task", f"{criteria}{sort}")
        for criteria in (
            "owner=Organization/a&status=requested",
            _WORK_LIST,
            "owner=Organization/a,Organization/b&status=accepted,completed",
            "status=completed&owner=Organization/b&authored-on=ge2024-01-20",
            "owner=Organization/a&status=requested&_id=t1,t10,t19,t28,t37",
            "owner=Organization/a&status=draft",
            "owner=Organization/nobody&status=requested",
        )
        for sort in (
            "",
            "&_sort=authored-on",
            "&_sort=-authored-on",
            "&_sort=status,-authored-on",
            "&_sort=-_lastUpdated",
        )
    ),
    *(
        ("Observation", f"{criteria}{sort}")
        for criteria in (
            f"patient=a&code={LOINC}|a",
            f"subject=Patient/a,Patient/b&code={LOINC}|b",
            f"patient=b&code={LOINC}|a,{LOINC}|b",
            f"patient=b&code={LOINC}|a&code={LOINC}|b&status=final",
            f"patient=b&code={LOINC}|a&date=lt2024-02-20",
        )
        for sort in ("", "&_sort=date", "&_sort=-date", "&_sort=-date,_id", "&_sort=code,date")
    ),
]


def _few(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let so many be gathered."""
    monkeypatch.setattr(lead, "FEW", number)
    monkeypatch.setattr(page, "SOME", number)


async def _apart(practice: Library, resource_type: str, text: str) -> list[str]:
    """The ids that a search without pairs finds: the code under a modifier that changes nothing here."""
    as_two = re.sub(r"(owner|subject|patient)=([^&]*)", _doubted, text)
    return [id_ for _, id_ in await practice.page(resource_type, as_two)]


def _doubted(criterion: re.Match[str]) -> str:
    """So many others beside those that are asked for that no pairs are looked for."""
    type_ = "Organization" if criterion[1] == "owner" else "Patient"
    return f"{criterion[0]},{','.join(f'{type_}/none-{number}' for number in range(70))}"


@pytest.mark.parametrize("resource_type,text", _SEARCHES)
async def test_pairs_find_what_two_criteria_find(practice: Library, resource_type: str, text: str) -> None:
    """In the same order, page by page and backwards, and as many of it."""
    expected = await _apart(practice, resource_type, text)
    assert await practice.ids(resource_type, text) == expected
    walked = await practice.walked(resource_type, text, 4)
    assert [id_ for _, id_ in walked] == expected
    if walked:
        back = await practice.walked(resource_type, text, 4, backwards_from=walked[-1][0])
        assert [id_ for _, id_ in back] == expected[-2::-1]


async def test_the_searches_find_something(practice: Library) -> None:
    """But for those that ask for nobody's."""
    empty = [text for kind, text in _SEARCHES if not await practice.ids(kind, text)]
    assert all("nobody" in text or "draft" in text for text in empty), empty


@pytest.mark.parametrize("resource_type,text", _SEARCHES)
async def test_too_many_pairs_are_walked_to(
    practice: Library, monkeypatch: pytest.MonkeyPatch, resource_type: str, text: str
) -> None:
    """By the index of what they are sorted by; the order is the same."""
    expected = await practice.ids(resource_type, text)
    asked = shaped(practice.query(resource_type, text))
    _few(monkeypatch, 3)
    written_anew = unwrap(_search_text)((asked.shape,), None, backwards=False)
    rows = await practice.fetch(written_anew.with_values((*asked.values, 1000)))
    assert [row["id"] for row in rows] == expected


@pytest.mark.parametrize(
    "resource_type,text",
    [
        ("Task", _WORK_LIST),
        ("Task", f"{_WORK_LIST}&_sort=-authored-on"),
        ("Task", f"{_WORK_LIST}&_sort=authored-on"),
        ("Observation", f"patient=a&code={LOINC}|a"),
        ("Observation", f"patient=a&code={LOINC}|a&_sort=-date"),
    ],
)
async def test_nothing_but_the_page_is_looked_at(practice: Library, resource_type: str, text: str) -> None:
    """The index tells what there is and its dates; no other row of a resource is read before the page is known."""
    number = len(await practice.ids(resource_type, text))
    plan = await practice.plan(compile_search(practice.query(resource_type, text), limit=1000), run=True)
    assert sum(float(rows) * int(loops) for rows, loops in _INDEX.findall(plan)) == number, plan
    for other in ("index_date", "index_reference", "ix_index_token_value", "ix_index_token_resource_key"):
        for scan in re.findall(rf"Scan.* {other}.*", plan):
            assert "never executed" in scan, plan


@pytest.mark.parametrize("sort", ["authored-on", "-authored-on", "-authored-on,_id"])
async def test_a_list_costs_its_page(practice: Library, sort: str) -> None:
    """However long it is: a clinic has years of work behind it. The index has it in order."""
    text = f"owner=Organization/a&status=requested,completed&_sort={sort}"
    whole = await practice.page("Task", text)
    dated = sum(position[0] is not None for position, _ in whole)
    most = 4 * 5 + (10 if sort.endswith("_id") else 0)  # a page of both states, with dates and without; of one day all
    for place in (None, 20, dated - 10, dated + 3):
        after = None if place is None else whole[place][0]
        for backwards in (False, True) if place else (False,):
            statement = compile_search(practice.query("Task", text), limit=5, after=after, backwards=backwards)
            plan = await practice.plan(statement, run=True)
            assert sum(float(rows) * int(loops) for rows, loops in _INDEX.findall(plan)) <= most, plan


@pytest.mark.parametrize("sort", ["", "&_sort=authored-on", "&_sort=-authored-on"])
@pytest.mark.parametrize("few", [5000, 3])
async def test_who_sees_a_part_finds_that_part(
    practice: Library, monkeypatch: pytest.MonkeyPatch, sort: str, few: int
) -> None:
    """Of a list that is gathered, and of one that is too long to be."""
    text = f"owner=Organization/a&status=requested,completed{sort}"
    whole = [id_ for _, id_ in await practice.page("Task", text)]
    parts = []
    _few(monkeypatch, few)
    for organisation in (_ODD, _EVEN):
        asked = shaped(within_sight(practice.query("Task", text), Sight(by=(organisation, EVERY_CLINIC))))
        written_anew = unwrap(_search_text)((asked.shape,), None, backwards=False)
        rows = await practice.fetch(written_anew.with_values((*asked.values, 1000)))
        parts.append([row["id"] for row in rows])
    assert all(parts)
    assert [[id_ for id_ in whole if id_ in part] for part in parts] == parts
    assert sorted(parts[0] + parts[1]) == sorted(whole)


async def test_criteria_that_are_pairs_have_their_own_matches(practice: Library) -> None:
    """Many of one shape, beside others, in one statement."""
    criteria = [
        *(("Task", f"owner=Organization/{owner}&status={status}&_id=t1,t5") for owner in "ab" for status in _STATUSES),
        ("Observation", f"patient=a&code={LOINC}|b&_id=o1,o2,o3"),
        ("Task", "owner=Organization/a,Organization/b&status=requested,accepted&_id=t1,t5"),
        ("Task", "owner=Organization/a&status=requested"),
    ]
    assert await practice.matches(criteria) == [["t1"], [], [], [], ["t5"], [], ["o1"], ["t5", "t1"], ["t352", "t343"]]


@pytest.mark.parametrize("sight", [None, Sight(by=(_ODD, EVERY_CLINIC))])
@pytest.mark.parametrize("sort", ["", "&_sort=-authored-on"])
async def test_what_many_have_is_walked_to(
    practice: Library, monkeypatch: pytest.MonkeyPatch, sight: Sight | None, sort: str
) -> None:
    """Not gathered first: of a long list the newest are soon met."""
    monkeypatch.setattr(page, "SOME", 9)
    query = practice.query("Task", f"owner=Organization/a&status=requested,completed{sort}")
    asked = shaped(query if sight is None else within_sight(query, sight))
    written_anew = unwrap(_search_text)((asked.shape,), None, backwards=False)
    plan = await practice.plan(written_anew.with_values((*asked.values, 3)), run=True)
    assert sum(float(rows) * int(loops) for rows, loops in _INDEX.findall(plan)) <= 2 * (9 + 1) + 2 * 8, plan


async def test_what_is_found_by_something_rarer_is_not_looked_for_in_a_list(practice: Library) -> None:
    """A list may be long, and have none of it."""
    text = "owner=Organization/a&status=requested,accepted&_id=t1,t10,t19,t28,t37&_sort=-authored-on"
    plan = await practice.plan(compile_search(practice.query("Task", text), limit=5), run=True)
    assert sum(float(rows) * int(loops) for rows, loops in _INDEX.findall(plan)) == 0, plan


async def test_what_only_one_of_both_finds_is_counted_by_pairs(practice: Library) -> None:
    """A total looks at no more than there is."""
    plan = await practice.plan(compile_count(practice.query("Task", _WORK_LIST)), run=True)
    assert _INDEX.search(plan), plan
