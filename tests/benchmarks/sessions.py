"""What a session in one call takes, held against a create of one Observation that hangs on the same referral.

One client, by turns, on referrals in progress of which each gets as many sessions as are usually ordered.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks.client import Connection
from tests.benchmarks.generator import Measured
from tests.benchmarks.rounds import Row
from tests.builders import loop
from tests.builders.resources import observation, reference, service_request

if TYPE_CHECKING:
    from collections.abc import Awaitable

Json = dict[str, Any]

SESSION: Final = "a session in one call, against one create"
_SESSIONS: Final = 6


async def measure_sessions(port: int, *, referrals: int, rounds: int) -> Row:
    """The row: `service` are the sessions, `yardstick` the creates."""
    sessions, creates = [], []
    async with Connection(port) as connection:
        for _ in range(rounds):
            told: list[float] = []
            made: list[float] = []
            for _ in range(referrals):
                care = await _begun(connection)
                for number in range(_SESSIONS):
                    told.append(await _timed(_session(connection, care, number)))
                    made.append(await _timed(_measurement(connection, care)))
            sessions.append(_measured(told))
            creates.append(_measured(made))
    return Row(name=SESSION, clients=1, service=sessions, yardstick=creates)


async def _timed(sending: Awaitable[None]) -> float:
    began = perf_counter()
    await sending
    return perf_counter() - began


def _measured(times: list[float]) -> Measured:
    cuts = quantiles(times, n=100)
    return Measured(
        requests=len(times), seconds=sum(times), p50=1e3 * cuts[49], p99=1e3 * cuts[98], generator_share=0.0
    )


async def _session(connection: Connection, care: Json, number: int) -> None:
    start = care["began"] - timedelta(days=20 - number)
    answers = loop.check(subject=care["subject"], authored=start.isoformat())
    parameters: Json = {
        "start": {"valueDateTime": start.isoformat()},
        "minutes": {"valueInteger": 60},
        "performer": {"valueString": care["Practitioner"]},
        "technique": {"valueCode": "myofascial-release"},
        "region": {"valueCode": "52612000"},
        "painBefore": {"valueInteger": 6},
        "painAfter": {"valueInteger": 4},
        "finding": {"valueString": "Tight on the left."},
        "questionnaireResponse": {"resource": {name: each for name, each in answers.items() if name != "encounter"}},
    }
    listed = [{"name": name, **value} for name, value in parameters.items()]
    body = {"resourceType": "Parameters", "parameter": listed}
    await _sent(connection, f"{care['CarePlan']}/$record-session", body)


async def _measurement(connection: Connection, care: Json) -> None:
    rated = observation(care["Patient"], basedOn=[reference(care["ServiceRequest"])])
    await _sent(connection, "Observation", rated)


async def _begun(connection: Connection) -> Json:
    """A referral of today that is accepted, with a plan and a therapist: references by type."""
    care: Json = {"began": datetime.now(UTC).replace(microsecond=0)}

    async def create(content: Json) -> Json:
        stored = await _sent(connection, content["resourceType"], content)
        care[content["resourceType"]] = f"{content['resourceType']}/{stored['id']}"
        return stored

    subject = care["subject"] = reference(f"Patient/{(await create({'resourceType': 'Patient'}))['id']}")
    order = service_request(subject["reference"], "Organization/referrer", performer=[reference("Organization/clinic")])
    order["identifier"][0]["value"] = subject["reference"]
    order["occurrenceTiming"]["repeat"]["boundsPeriod"]["end"] = "2099-03-12"
    await create(order)
    answered = await connection.request("GET", f"/fhir/Task?focus={care['ServiceRequest']}")
    task = answered.json()["entry"][0]["resource"] | {"status": "accepted"}
    tag = {"If-Match": f'W/"{task["meta"]["versionId"]}"'}
    answered = await connection.request("PUT", f"/fhir/Task/{task['id']}", task, tag)
    if answered.status != 200:
        raise RuntimeError(f"not accepted: {answered.body[:1000]!r}")
    anchor = [reference(care["ServiceRequest"])]
    await create(_without_id(loop.goal(subject=subject, addresses=anchor)))
    goal = [reference(care["Goal"])]
    await create(_without_id(loop.plan(subject=subject, supportingInfo=anchor, goal=goal)))
    await create({"resourceType": "Practitioner", "qualification": [{"code": {"text": "Licence"}}]})
    return care


def _without_id(content: Json) -> Json:
    return {name: value for name, value in content.items() if name != "id"}


async def _sent(connection: Connection, target: str, content: Json) -> Json:
    answered = await connection.request("POST", f"/fhir/{target}", content)
    if answered.status not in (200, 201):
        raise RuntimeError(f"{target}: {answered.status} {answered.body[:1000]!r}")
    stored: Json = answered.json()
    return stored
