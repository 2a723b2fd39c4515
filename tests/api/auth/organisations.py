"""Organisations with a client each, and what they write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    import httpx

    from tests.api.auth.conftest import Workers

IDENTIFIER = "urn:mrn"


@dataclass
class Organisation:
    """The service as the client of an organisation meets it."""

    http: httpx.AsyncClient
    headers: dict[str, str]

    async def __call__(self, method: str, target: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.http.request(method, target, json=body, headers=self.headers | headers)

    async def post(self, content: dict[str, Any]) -> str:
        """Create a resource; its reference."""
        made = await self("POST", content["resourceType"], content)
        assert made.status_code == 201, made.text
        return f"{content['resourceType']}/{made.json()['id']}"

    async def put(self, reference: str, **changes: Any) -> httpx.Response:
        """Update a resource by what it reads."""
        content = (await self("GET", reference)).json()
        return await self("PUT", reference, content | changes)

    async def sees(self, reference: str) -> bool:
        """Whether a resource can be read; where not, it is as if it were not there."""
        answered = await self("GET", reference)
        if answered.status_code == 200:
            return True
        assert_outcome(answered, 404, "not-found")
        return False

    async def found(self, search: str) -> set[str]:
        """The references of all that a search returns, matches and what goes with them."""
        answered = await self("GET", search)
        assert answered.status_code == 200, answered.text
        every = [each["resource"] for each in answered.json().get("entry", ())]
        return {f"{each['resourceType']}/{each['id']}" for each in every}


@dataclass
class Network:
    """A referrer, two clinics and an administrator."""

    referrer: Organisation
    clinic: Organisation
    other: Organisation
    administrator: Organisation


ROLES = {"referrer": "referrer", "clinic": "clinic", "other": "clinic", "administrator": "administrator"}


async def enrolled(workers: Workers) -> dict[str, dict[str, str]]:
    """The headers of a client of each name; it is that of the organisation of its name, unless an administrator's."""
    headers = {}
    for name, role in ROLES.items():
        organisation = None if role == "administrator" else f"Organization/{name}"
        await workers.register(name, role=role, organisation=organisation)
        headers[name] = await workers.bearer(name)
    return headers


@pytest.fixture(scope="module")
async def network(workers: Workers) -> Network:
    return Network(**{name: Organisation(workers.one, each) for name, each in (await enrolled(workers)).items()})


def patient(family: str = "Example") -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": IDENTIFIER, "value": family}],
        "name": [{"family": family}],
    }


def referral(subject: str, performer: str | None = "Organization/clinic", **more: Any) -> dict[str, Any]:
    content = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"text": "massage"},
        "subject": {"reference": subject},
        "requester": {"reference": "Organization/referrer"},
        **more,
    }
    return content | ({"performer": [{"reference": performer}]} if performer else {})


def observation(subject: str, **more: Any) -> dict[str, Any]:
    subjects = {"reference": subject}
    return {"resourceType": "Observation", "status": "final", "code": {"text": "pain"}, "subject": subjects, **more}


def condition(subject: str) -> dict[str, Any]:
    return {"resourceType": "Condition", "code": {"text": "back pain"}, "subject": {"reference": subject}}


def task(focus: str, owner: str | None = None, status: str = "requested") -> dict[str, Any]:
    content: dict[str, Any] = {
        "resourceType": "Task",
        "status": status,
        "intent": "order",
        "focus": {"reference": focus},
    }
    return content | ({"owner": {"reference": owner}} if owner else {})
