"""_sort: total orders, missing values last, pages that fit together, forwards and backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from service.store.search.statement import Position
    from tests.search.conftest import Library

_PATIENTS: Final[tuple[tuple[str, str, str, tuple[str, ...]], ...]] = (
    ("a", "male", "1990-01-01", ("Zimmer",)),
    ("b", "female", "1980", ("Adler", "Xaver")),
    ("c", "female", "1980-01-01", ("Baum",)),
    ("d", "male", "", ("Baum",)),
    ("e", "", "2001-05-05", ()),
    ("f", "other", "", ("Ähre",)),
)
"""Id, gender, birth date, family names; the first is the oldest."""


def _patient(id_: str, gender: str, birth_date: str, families: tuple[str, ...]) -> dict[str, Any]:
    more = {"gender": gender, "birthDate": birth_date, "name": [{"family": each} for each in families]}
    return {"resourceType": "Patient", "id": id_, **{name: value for name, value in more.items() if value}}


@pytest.fixture(scope="module")
async def sorted_patients(make_library: Callable[[], AbstractAsyncContextManager[Library]]) -> AsyncIterator[Library]:
    """Six patients, and an observation of one of them."""
    async with make_library() as made:
        await made.store(_patient(*each) for each in _PATIENTS)
        await made.store(
            {
                "resourceType": "Observation",
                "id": f"o{day}",
                "status": "final",
                "code": {"coding": [{"code": "even" if day % 2 == 0 else "odd"}]},
                "subject": {"reference": "Patient/a"},
                "effectiveDateTime": f"2024-02-{day % 7 + 1:02}",
            }
            for day in range(14)
        )
        yield made


SORTS: Final = {
    "_sort=birthdate": "b c a e d f",
    "_sort=-birthdate": "e a c b f d",
    "_sort=family": "b f c d a e",
    # of several names the last one counts downwards
    "_sort=-family": "a b d c f e",
    "_sort=gender": "b c a d f e",
    "_sort=-gender": "f d a c b e",
    "_sort=gender,-birthdate": "b c a d f e",
    "_sort=-gender,family": "f d a b c e",
    "_sort=_id": "a b c d e f",
    "_sort=-_id": "f e d c b a",
    "_sort=_lastUpdated": "a b c d e f",
    "_sort=-_lastUpdated": "f e d c b a",
    "gender=female&_sort=birthdate": "b c",
    "gender=female,male&_sort=-birthdate": "a c b d",
    "birthdate=lt1990-06&_sort=-birthdate": "a c b",
    "birthdate=ge1980-01-01&birthdate=lt1995&_sort=birthdate": "b c a",
    "birthdate:missing=false&_sort=birthdate": "b c a e",
    "family=baum,adler&_sort=family": "b c d",
}


@pytest.mark.parametrize("text", SORTS)
async def test_sorts(sorted_patients: Library, text: str) -> None:
    """https://hl7.org/fhir/R4/search.html#sort"""
    assert await sorted_patients.ids("Patient", text) == SORTS[text].split()


@pytest.mark.parametrize("limit", [1, 2, 4])
@pytest.mark.parametrize("text", SORTS)
async def test_pages_of_every_sort_fit_together(sorted_patients: Library, text: str, limit: int) -> None:
    """Each match once, forwards, and from the last one backwards."""
    forwards = await sorted_patients.walked("Patient", text, limit)
    assert [id_ for _, id_ in forwards] == SORTS[text].split()
    backwards: list[tuple[Position, str]] = forwards[-1:]
    while page := await sorted_patients.page("Patient", text, limit=limit, after=backwards[-1][0], backwards=True):
        backwards += page
    assert backwards[::-1] == forwards


@pytest.mark.parametrize("limit", [1, 3, 20])
@pytest.mark.parametrize("sort", ["date", "-date", "-date,code", "code,date"])
async def test_equal_values_neither_skip_nor_repeat(sorted_patients: Library, sort: str, limit: int) -> None:
    """Two observations a day: the key decides, in the direction of the first sort key."""
    walked = await sorted_patients.walked("Observation", f"patient=a&_sort={sort}", limit)
    assert len({id_ for _, id_ in walked}) == len(walked) == 14
    assert walked == await sorted_patients.page("Observation", f"patient=a&_sort={sort}")
