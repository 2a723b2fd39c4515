"""What is asked of those who act: whose patients, and what is theirs; an index of its own leads there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from service.store.search import compile_search

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from tests.search.conftest import Library

_INDEX: Final = re.compile(r"Index Only Scan (Backward )?using ix_index_reference_acting")
_TOLD, _PARTLY, _UNTOLD = "told", "told of some", "as before subjects were told"


def _of(reference: str) -> dict[str, Any]:
    return {"reference": reference}


def _session(id_: str, subject: str, *performers: str, status: str = "completed") -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "id": id_,
        "status": status,
        "subject": _of(subject),
        "performer": [{"actor": _of(each)} for each in performers],
    }


def _appointment(id_: str, *actors: str) -> dict[str, Any]:
    participant = [{"actor": _of(each), "status": "accepted"} for each in actors]
    return {"resourceType": "Appointment", "id": id_, "status": "booked", "participant": participant}


_PRACTICE: Final[tuple[dict[str, Any], ...]] = (
    *({"resourceType": "Patient", "id": each, "gender": "female"} for each in ("ann", "bob", "cem", "dan", "eve")),
    {"resourceType": "Group", "id": "course", "type": "person", "actual": True},
    *({"resourceType": "Practitioner", "id": each} for each in ("pam", "quin")),
    _session("ann-1", "Patient/ann", "Practitioner/pam"),
    _session("ann-2", "Patient/ann", "Practitioner/pam", "Organization/clinic"),
    _session("bob-1", "Patient/bob", "Practitioner/pam", "Practitioner/quin", status="preparation"),
    _session("cem-1", "Patient/cem", "Patient/dan", "Practitioner/quin"),
    _session("gone-1", "Patient/gone", "Practitioner/pam"),
    _session("course-1", "Group/course", "Practitioner/pam", "Patient/dan"),
    _appointment("two", "Patient/ann", "Patient/eve", "Practitioner/quin"),
    {
        "resourceType": "Task",
        "id": "task",
        "status": "requested",
        "intent": "order",
        "for": _of("Patient/bob"),
        "owner": _of("Organization/clinic"),
        "authoredOn": "2024-02-01",
    },
)
_ANSWERS: Final = (
    ("Patient", "_has:Procedure:patient:performer=Practitioner/pam", "ann bob"),
    ("Patient", "_has:Procedure:patient:performer=pam", "ann bob"),
    ("Patient", "_has:Procedure:patient:performer=Practitioner/quin", "bob cem"),
    ("Patient", "_has:Procedure:patient:performer=Practitioner/quin,Organization/clinic", "ann bob cem"),
    ("Patient", "_has:Procedure:patient:performer=Practitioner/quin,Patient/dan", "bob cem"),
    ("Patient", "_has:Procedure:patient:performer=Patient/dan", "cem"),
    ("Patient", "_has:Procedure:patient:performer=Practitioner/nobody", ""),
    ("Patient", "_has:Procedure:subject:performer=Practitioner/pam", "ann bob"),
    ("Group", "_has:Procedure:subject:performer=Practitioner/pam", "course"),
    ("Practitioner", "_has:Procedure:performer:performer=Practitioner/pam", "pam quin"),
    ("Patient", "_has:Appointment:patient:practitioner=Practitioner/quin", "ann eve"),
    ("Patient", "_has:Task:patient:owner=Organization/clinic&gender=female", "bob"),
    ("Procedure", "performer=Practitioner/pam&patient=ann", "ann-1 ann-2"),
    ("Procedure", "performer=Practitioner/quin", "bob-1 cem-1"),
    ("Task", "owner=Organization/clinic&status=requested&_sort=-authored-on", "task"),
)


@pytest.fixture(scope="module", params=[_TOLD, _PARTLY, _UNTOLD])
async def practice(
    request: pytest.FixtureRequest, make_library: Callable[[], AbstractAsyncContextManager[Library]]
) -> AsyncIterator[Library]:
    """The practice, as it is stored now and as it was stored before."""
    async with make_library() as made:
        if request.param != _TOLD:
            made.old_each = 2 if request.param == _PARTLY else 1
        await made.store(_PRACTICE)
        yield made


@pytest.mark.parametrize("resource_type,text,expected", _ANSWERS)
async def test_the_answer_is_the_same_whoever_tells(
    practice: Library, resource_type: str, text: str, expected: str
) -> None:
    """The row of the reference, or the others of its resource."""
    assert sorted(await practice.ids(resource_type, text)) == expected.split()


@pytest.mark.parametrize(
    "resource_type,text",
    [
        ("Patient", "_has:Procedure:patient:performer=Practitioner/pam"),
        ("Patient", "_has:Procedure:patient:performer=Practitioner/pam,Practitioner/quin"),
        ("Patient", "_has:Procedure:patient:performer=Practitioner/pam&gender=female"),
        ("Task", "owner=Organization/clinic&intent=order,plan&_sort=-authored-on"),
        ("Procedure", "performer=Practitioner/pam"),
    ],
)
async def test_who_acts_leads_by_an_index_that_answers_alone(practice: Library, resource_type: str, text: str) -> None:
    """So that what somebody does much of costs one page, not one for each time; no statistics are needed for it."""
    assert _INDEX.search(await practice.plan(compile_search(practice.query(resource_type, text), limit=21)))


async def test_a_subject_that_is_told_is_not_looked_up(
    make_library: Callable[[], AbstractAsyncContextManager[Library]],
) -> None:
    """The other rows of the resource are left alone."""
    async with make_library() as made:
        await made.store(_PRACTICE)
        query = made.query("Patient", "_has:Procedure:patient:performer=Practitioner/quin")
        await made.execute("DELETE FROM index_reference WHERE target_type NOT IN (-18300, -8196, -6332, 25161)")
        rows = await made.fetch(compile_search(query, limit=21))
        assert {row["id"] for row in rows} == {"bob", "cem"}
