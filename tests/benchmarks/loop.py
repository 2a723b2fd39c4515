"""What the rules of the referral loop cost: the service with `REFERRAL_RULES=on` held against itself with ``off``.

Both services stand on one PostgreSQL, hold the same, and are asked by turns. Every referral is of today, so that the
clock of the one leaves it alone.
"""

from __future__ import annotations

import timeit
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from service.fhir import codec
from service.massage import diagnosis
from service.massage.screening.record import record_of
from service.massage.screening.rules import Rules
from service.massage.screening.screen import screen
from service.store.embedded import Embedded
from tests.benchmarks import standing, workload
from tests.benchmarks.documents import document_goals
from tests.benchmarks.generator import FRESH, KEY, Load, load_generator
from tests.benchmarks.goals import TRANSACTION, TRANSACTION_MANY, Goal
from tests.benchmarks.outcomes import measure_outcomes, outcome_goals
from tests.benchmarks.rounds import Pair, Row, measure
from tests.benchmarks.serving import the_service
from tests.benchmarks.sessions import SESSION, measure_sessions
from tests.builders.resources import TERMINOLOGY, concept, reference, service_request

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmarks.size import Size

TITLE: Final = "REFERRAL_RULES=on; `bare` is the same with off; of sessions it is one create, of operations a read"
ORDER: Final = "order for a patient with 200 conditions"
CONDITIONS: Final = 200
_PATIENTS: Final = 20
_CLIENTS: Final = 16
_QUIET: Final[dict[str, object]] = {"access_log": False, "log_level": "error"}


async def measure_loop(folder: Path, *, workers: int, size: Size) -> list[Row]:
    """A row for the transaction of one client and of many, for an order after a long history, and for sessions."""
    with Embedded(folder / "database") as server:
        urls = await standing.create_databases(server.wait_until_ready(), "ruled", "plain")
        ruled, plain = (
            the_service(folder / mode, database_url=url, workers=workers, referral_rules=mode, **_QUIET)
            for url, mode in zip(urls, ("on", "off"), strict=True)
        )
        async with ruled, plain:
            loads = []
            for service in (ruled, plain):
                patients = await workload.create_patients(service.port, _PATIENTS)
                for one in patients:
                    await workload.create_all(service.port, [_condition(one, number) for number in range(CONDITIONS)])
                load = Load(
                    port=service.port, method="POST", target="/fhir", seconds=size.seconds, requests=size.requests
                )
                loads.append(_loads(load, patients))
            await standing.analyze(*urls)
            pairs = [Pair(name=name, service=loads[0][name], yardstick=loads[1][name]) for name in loads[0]]
            with load_generator() as generator:
                rows = measure(generator, pairs, rounds=size.rounds, done=lambda: None)
            sessions = await measure_sessions(ruled.port, referrals=size.referrals, rounds=size.rounds)
            asked = await measure_outcomes(ruled.port, requests=size.validations, rounds=size.rounds)
            return [*rows, sessions, *asked]


def loop_goals(rows: list[Row], *, repeats: int) -> list[Goal]:
    """How much longer a referral takes by its rules, and how long a session, a screening and a report take."""
    by_name = {row.name: row for row in rows}
    transaction = by_name[TRANSACTION]
    times = median(one.p50 / other.p50 for one, other in zip(transaction.service, transaction.yardstick, strict=True))
    sessions = by_name[SESSION]
    session_times = median(one.p50 / other.p50 for one, other in zip(sessions.service, sessions.yardstick, strict=True))
    return [
        Goal(name="referral transaction, rules on / off, p50 of one client", value=times, unit="", limit=2),
        Goal(name=f"{ORDER}, rules on - off, p50 of one client", value=by_name[ORDER].extra, unit="ms", limit=20),
        Goal(
            name="screening a patient with 200 conditions, in process",
            value=screening_milliseconds(repeats=repeats),
            unit="ms",
            limit=20,
        ),
        Goal(name="a session in one call / one create, p50 of one client", value=session_times, unit="", limit=3),
        *outcome_goals(rows),
        *document_goals(repeats=repeats),
    ]


def screening_milliseconds(*, repeats: int) -> float:
    """The time to read and screen 200 conditions: the run that was disturbed least."""
    rules = Rules.load()
    stored = [codec.encode(_condition("p", number) | {"id": str(number)}) for number in range(CONDITIONS)]
    order = service_request("Patient/p", "PractitionerRole/1") | {"id": "order"}
    now = datetime.now(UTC)

    def once() -> None:
        screen(order, record_of(codec.decode(each) for each in stored), rules, now)

    return 1e3 * min(timeit.Timer(once).repeat(repeats, 1))


def _loads(load: Load, patients: list[str]) -> dict[str, Load]:
    posted = replace(load, body=_of_today(workload.transaction_body()))
    ordered = replace(load, target="/fhir/ServiceRequest", body=_order(), keys=patients, expected=201)
    return {TRANSACTION: posted, TRANSACTION_MANY: replace(posted, clients=_CLIENTS), ORDER: ordered}


def _of_today(body: str) -> str:
    return body.replace('"end":"2026-03-12"', '"end":"2099-03-12"')


def _order() -> str:
    """An order of a known patient, for a reason of its own, so that none is like another."""
    content = service_request(f"Patient/{KEY}", "Organization/practice", reasonCode=[{"text": FRESH}])
    content["identifier"][0]["value"] = FRESH
    return _of_today(workload.compact(content))


def _condition(patient: str, number: int) -> dict[str, Any]:
    """One of many diagnoses, of which the first bears on massage."""
    code = _harmless()[number] if number else "Z79.01"
    return {
        "resourceType": "Condition",
        "clinicalStatus": concept(f"{TERMINOLOGY}/condition-clinical", "active"),
        "code": concept("http://hl7.org/fhir/sid/icd-10-cm", code),
        "subject": reference(f"Patient/{patient}"),
        "recordedDate": "2020-01-09",
    }


@cache
def _harmless() -> tuple[str, ...]:
    """Diagnoses of the eyelids and of glaucoma, as many as there are."""
    kept = diagnosis.load()
    return (*kept.billable_below("H02"), *kept.billable_below("H40"))
