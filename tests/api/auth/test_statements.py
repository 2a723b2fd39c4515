"""What access control costs in round trips to the database: nothing, but for a new token and once a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.auth.gate import TRUSTED_SECONDS
from tests.api.auth.organisations import Network, network
from tests.statements import logged, statements_of

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers

__all__ = ["network"]


@pytest.fixture(scope="module")
async def sent(workers: Workers) -> list[str]:
    """The statements that the first worker sends from now on."""
    texts = statements_of(workers.application)
    await workers.register("filler", role="administrator")
    filling = await workers.bearer("filler") | {"X-Break-Glass": "This id is the tests' own."}
    made = await workers.one.put("Patient/p", json={"resourceType": "Patient", "id": "p"}, headers=filling)
    assert made.status_code == 201
    await workers.register("counted", "system/Patient.cruds")
    return texts


async def counted(sent: list[str], act: Any) -> int:
    """How many statements an action takes, beside those that put it on record."""
    await logged()
    sent.clear()
    await act
    await logged()
    return sum("audit_" not in text for text in sent)


async def test_a_token_takes_two_statements(workers: Workers, sent: list[str]) -> None:
    """Who is it, and: has the assertion been spent, if not keep the token."""
    await workers.ask("counted", "system/Patient.rs")
    assert await counted(sent, workers.ask("counted", "system/Patient.rs")) == 2


async def test_a_remembered_token_takes_none(workers: Workers, sent: list[str]) -> None:
    """A read is one statement, as in the open mode; the first with a token takes one more, and one each second."""
    headers = await workers.bearer("counted", "system/Patient.cruds")
    assert (await workers.one.get("Patient/p", headers=headers)).status_code == 200
    workers.clock.seconds += TRUSTED_SECONDS
    for expected in (2, 1, 1):
        assert await counted(sent, workers.one.get("Patient/p", headers=headers)) == expected
    fresh = await workers.bearer("counted", "system/Patient.cruds")
    for expected in (2, 1):
        assert await counted(sent, workers.one.get("Patient/p", headers=fresh)) == expected


async def test_a_request_without_a_token_costs_the_database_nothing(workers: Workers, sent: list[str]) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer a.b.c"}):
        await workers.one.get("Patient/p", headers=headers)
        assert await counted(sent, workers.one.get("Patient/p", headers=headers)) == 0


async def test_a_scope_that_is_missing_is_seen_before_the_database_is_asked(workers: Workers, sent: list[str]) -> None:
    await workers.register("narrow", "system/Task.r")
    headers = await workers.bearer("narrow", "system/Task.r")
    await workers.one.get("Task/none", headers=headers)
    assert await counted(sent, workers.one.get("Patient/p", headers=headers)) == 0


async def test_the_filter_of_a_scope_takes_one_more_for_a_read(workers: Workers, sent: list[str]) -> None:
    """And none for a search, whose criteria it becomes."""
    scope = "system/Patient.rs?active:missing=true"
    await workers.register("filtered", scope)
    headers = await workers.bearer("filtered", scope)
    assert (await workers.one.get("Patient/p", headers=headers)).status_code == 200
    assert await counted(sent, workers.one.get("Patient/p", headers=headers)) == 2
    assert await counted(sent, workers.one.get("Patient?_id=p", headers=headers)) == 1


async def test_what_strangers_stored_takes_as_many_statements_however_many_criteria_match_it(
    network: Network, sent: list[str]
) -> None:
    """A Bundle of twenty entries for the directory costs the round trips of one."""

    def entries(names: list[str]) -> dict[str, Any]:
        made = [
            {
                "resource": {"resourceType": "Practitioner", "identifier": [{"system": "urn:staff", "value": name}]},
                "request": {"method": "POST", "url": "Practitioner", "ifNoneExist": f"identifier=urn:staff|{name}"},
            }
            for name in names
        ]
        return {"resourceType": "Bundle", "type": "transaction", "entry": made}

    first, one, many = ["staff-0"], ["staff-1"], [f"staff-{number}" for number in range(2, 22)]
    assert (await network.other("POST", "", entries([*first, *one, *many]))).status_code == 200
    assert (await network.referrer("POST", "", entries(first))).status_code == 200  # the token is looked up
    taken = []
    for names in (one, many):
        taken.append(await counted(sent, network.referrer("POST", "", entries(names))))
        again = (await network.referrer("POST", "", entries(names))).json()["entry"]
        assert {each["response"]["status"] for each in again} == {"200 OK"}
    assert taken[0] == taken[1]
