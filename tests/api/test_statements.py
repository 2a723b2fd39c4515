"""How many statements each interaction sends to the database: round trips are what a write costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.builders.referral import referral_bundle, transaction
from tests.builders.resources import EHR, observation, patient
from tests.statements import logged, statements_of

if TYPE_CHECKING:
    import httpx

    from service.app import Application

CRITERIA = {"If-None-Exist": f"identifier={EHR}/mrn|MRN-1"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
RETIRE = [{"op": "replace", "path": "/active", "value": False}]


@pytest.fixture
def sent(app: Application) -> list[str]:
    """The statements that the service sends from now on, BEGIN and COMMIT included."""
    return statements_of(app)


async def warm(client: httpx.AsyncClient) -> None:
    """Open a connection, and store the practice that every referral names."""
    for _ in range(2):
        assert (await client.post("/", json=referral_bundle(9999))).status_code == 200
    await logged()


INTERACTIONS: list[tuple[str, str, Any, dict[str, str], int]] = [
    ("GET", "/Patient/p", None, {}, 1),
    ("GET", "/Patient/p/_history/1", None, {}, 1),
    ("GET", "/Patient/p/_history", None, {}, 1),
    ("GET", "/Patient/_history", None, {}, 1),
    ("GET", "/_history", None, {}, 1),
    ("GET", "/Patient?identifier=x|1&active=true", None, {}, 1),
    ("GET", "/Patient?_summary=count", None, {}, 1),
    ("GET", "/metadata", None, {}, 0),
    ("POST", "/Patient", patient(2), {}, 1),
    ("PUT", "/Patient/new", patient(3, id="new"), {}, 2),
    ("PUT", "/Patient/p", patient(1, id="p", active=False), {}, 2),
    ("PUT", "/Patient/p", patient(1, id="p"), {}, 1),
    ("PATCH", "/Patient/p", RETIRE, JSON_PATCH, 2),
    ("DELETE", "/Patient/p", None, {}, 2),
    ("DELETE", "/Patient/nobody", None, {}, 1),
    # match, read what matched, write what is changed; what is new is written by what looks for a match
    ("POST", "/Patient", patient(9), {"If-None-Exist": f"identifier={EHR}/mrn|MRN-9"}, 1),
    ("POST", "/Patient", patient(1), CRITERIA, 2),
    ("PUT", f"/Patient?identifier={EHR}/mrn|MRN-1", patient(1, active=False), {}, 3),
    ("POST", "/Patient/$validate", patient(1), {}, 0),
]


@pytest.mark.parametrize("method, url, body, headers, expected", INTERACTIONS)
async def test_an_interaction_sends_a_known_number_of_statements(
    fresh_client: httpx.AsyncClient,
    sent: list[str],
    method: str,
    url: str,
    body: Any,
    headers: dict[str, str],
    expected: int,
) -> None:
    """One more is a regression."""
    await warm(fresh_client)
    await fresh_client.put("/Patient/p", json=patient(1, id="p"))
    await logged()
    sent.clear()
    response = await fresh_client.request(method, url, json=body, headers=headers)
    assert response.status_code < 300, response.text
    await logged()
    assert len(sent) == expected, "\n".join(sent)


@pytest.mark.parametrize("entries", [1, 10, 100])
async def test_a_transaction_sends_as_many_statements_whatever_its_size(
    fresh_client: httpx.AsyncClient, sent: list[str], entries: int
) -> None:
    """Conditional creates, updates and deletes together."""
    await warm(fresh_client)
    for number in range(entries):
        await fresh_client.put(f"/Patient/d-{number}", json=patient(1000 + number, id=f"d-{number}"))
    await logged()
    sent.clear()
    made = []
    for number in range(entries):
        criteria = f"identifier={EHR}/mrn|MRN-{number}"
        made += [
            {"resource": patient(number), "request": {"method": "POST", "url": "Patient", "ifNoneExist": criteria}},
            {
                "resource": observation(f"Patient?identifier={EHR}/mrn|MRN-{1000 + entries - 1}", id=f"o-{number}"),
                "request": {"method": "PUT", "url": f"Observation/o-{number}"},
            },
        ]
        if number < entries - 1:
            made.append({"request": {"method": "DELETE", "url": f"Patient/d-{number}"}})
    response = await fresh_client.post("/", json=transaction(made))
    assert response.status_code == 200, response.text
    await logged()
    # match, read the targets, write
    assert len(sent) == 3, "\n".join(sent)


async def test_a_referral_is_three_statements_and_two_when_it_is_known(
    fresh_client: httpx.AsyncClient, sent: list[str]
) -> None:
    """Match, read what matched (the practice is known), write what is new."""
    await warm(fresh_client)
    for expected in (3, 2):
        sent.clear()
        assert (await fresh_client.post("/", json=referral_bundle(1))).status_code == 200
        await logged()
        assert len(sent) == expected, "\n".join(sent)
