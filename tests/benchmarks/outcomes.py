"""What it takes to tell how a patient does, and to draft a plan, where much was measured; held against a read.

One client, by turns, on one referral.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import median, quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks.client import Connection
from tests.benchmarks.generator import Measured
from tests.benchmarks.goals import Goal
from tests.benchmarks.rounds import Row
from tests.builders.resources import observation, reference, service_request

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = dict[str, Any]

SUMMARY: Final = "$outcome-summary of 500 observations"
APPLY: Final = "$apply after 150 observations"
_MEASURED: Final = {SUMMARY: 500, APPLY: 150}
_SLOWEST_MILLISECONDS: Final = 30
_AT_ONCE: Final = 50
_FEWEST: Final = 20
"""Requests of a round; fewer have no 95th percentile."""


async def measure_outcomes(port: int, *, requests: int, rounds: int) -> list[Row]:
    """A row for each: `service` is the operation, `yardstick` a read of its referral."""
    rows = []
    async with Connection(port) as connection:
        for name, number in _MEASURED.items():
            referral, patient = await _measured_often(connection, number)
            apply = f"PlanDefinition/low-back-pain-6x/$apply?subject={patient}&referral={referral}"
            target = f"{referral}/$outcome-summary" if name == SUMMARY else apply
            asked = max(requests, _FEWEST)
            rounds_of = [[await _timed(connection, each, asked) for each in (target, referral)] for _ in range(rounds)]
            rows.append(
                Row(
                    name=name,
                    clients=1,
                    service=[each[0] for each in rounds_of],
                    yardstick=[each[1] for each in rounds_of],
                )
            )
    return rows


def outcome_goals(rows: Iterable[Row]) -> list[Goal]:
    """The 95th percentile of each: a page waits for it."""
    return [
        Goal(
            name=f"{row.name}, p95 of one client",
            value=median(each.p95 for each in row.service),
            unit="ms",
            limit=_SLOWEST_MILLISECONDS,
        )
        for row in rows
        if row.name in _MEASURED
    ]


async def _timed(connection: Connection, target: str, requests: int) -> Measured:
    times = []
    for _ in range(requests):
        began = perf_counter()
        answered = await connection.request("GET", f"/fhir/{target}")
        times.append(perf_counter() - began)
        if answered.status != 200:
            raise RuntimeError(f"{target}: {answered.status} {answered.body[:1000]!r}")
    cuts = quantiles(times, n=100)
    return Measured(
        requests=len(times),
        seconds=sum(times),
        p50=1e3 * cuts[49],
        p95=1e3 * cuts[94],
        p99=1e3 * cuts[98],
        generator_share=0.0,
    )


async def _measured_often(connection: Connection, number: int) -> tuple[str, str]:
    """The references of a referral of today, in which so much was measured, and of its patient."""
    patient = await _made(connection, {"resourceType": "Patient"})
    order = service_request(patient, "Organization/referrer", performer=[reference("Organization/clinic")])
    order["identifier"][0]["value"] = patient
    order["authoredOn"] = "2020-01-01"
    order["occurrenceTiming"]["repeat"]["boundsPeriod"]["end"] = "2099-03-12"
    referral = await _made(connection, order)
    today = datetime.now(UTC)
    rated = [
        observation(
            patient,
            basedOn=[reference(referral)],
            effectiveDateTime=(today - timedelta(days=each)).date().isoformat(),
        )
        for each in range(number)
    ]
    for start in range(0, number, _AT_ONCE):
        entries = [
            {"resource": each, "request": {"method": "POST", "url": "Observation"}}
            for each in rated[start : start + _AT_ONCE]
        ]
        body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        answered = await connection.request("POST", "/fhir", body)
        if answered.status != 200:
            raise RuntimeError(f"{answered.status} {answered.body[:1000]!r}")
    return referral, patient


async def _made(connection: Connection, content: Json) -> str:
    answered = await connection.request("POST", f"/fhir/{content['resourceType']}", content)
    if answered.status != 201:
        raise RuntimeError(f"{content['resourceType']}: {answered.status} {answered.body[:1000]!r}")
    return f"{content['resourceType']}/{answered.json()['id']}"
