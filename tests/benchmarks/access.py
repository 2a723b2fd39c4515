"""What access control and being on record cost: `smart` with records held against the open mode without them.

Both services stand on one PostgreSQL, hold the same, and are asked by turns.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from service.fhir.stamp import new_logical_id
from service.store.embedded import Embedded
from tests.benchmarks import standing, workload
from tests.benchmarks.generator import KEY, Load, load_generator
from tests.benchmarks.goals import Goal
from tests.benchmarks.rounds import Pair, Row, measure
from tests.benchmarks.serving import ROOT, the_service

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmarks.serving import Serving
    from tests.benchmarks.size import Size

TITLE: Final = "AUTH_MODE=smart with AUDIT=on; `bare` is the same service, open and without records"
READ: Final = "read"
CREATE: Final = "create"
READ_BY_MORE: Final = "read, more clients"
CREATE_BY_MORE: Final = "create, more clients"
MEMBER: Final = "create on a referral"
TRANSACTION: Final = "referral transaction"
UNSEEN: Final = "read what another organisation has; `bare`: what nobody has"
_ALIKE: Final = 0.1
"""The most by which the times of two answers may differ that nobody is to tell apart: far below what networks add."""
_KEPT: Final = 0.7
_CLIENTS: Final = 16
_MORE_CLIENTS: Final = 64
"""Of whom more share a commit: the more come at a time, the less a record costs."""
_ORDERS: Final = 20
_PLENTY: Final = 1_000_000
_QUIET: Final[dict[str, object]] = {"access_log": False, "log_level": "error", "referral_rules": "off"}
_MODES: Final[tuple[dict[str, Any], ...]] = (
    {"auth_mode": "open", "audit": "off"},
    {"auth_mode": "smart", "audit": "on", "client_requests_per_minute": _PLENTY},
)


async def measure_access(folder: Path, *, workers: int, size: Size) -> list[Row]:
    """A row for each interaction. All rounds have to be over within the 300 seconds of a token."""
    with Embedded(folder / "database") as server:
        urls = await standing.create_databases(server.wait_until_ready(), "open", "guarded")
        opened, guarded = (
            the_service(folder / mode["auth_mode"], database_url=url, workers=workers, **_QUIET, **mode)
            for url, mode in zip(urls, _MODES, strict=True)
        )
        async with opened, guarded:
            loads = []
            for service, token in ((guarded, await _token(guarded)), (opened, None)):
                headers = {"authorization": f"Bearer {token}"} if token else {}
                known = await workload.create_patients(service.port, size.patients, headers)
                rated = await workload.create_observations(service.port, known, size.observations // 4, headers=headers)
                orders = await workload.create_orders(service.port, known[:_ORDERS], headers)
                load = Load(
                    port=service.port,
                    method="",
                    target="",
                    clients=_CLIENTS,
                    seconds=size.seconds,
                    requests=size.requests,
                )
                loads.append(_loads(replace(load, headers=headers), known, rated, orders))
            stranger = {"authorization": f"Bearer {await _token(guarded, 'Organization/other-clinic')}"}
            await standing.analyze(*urls)
            pairs = [Pair(name=name, service=loads[0][name], yardstick=loads[1][name]) for name in loads[0]]
            pairs.append(_unseen(replace(loads[0][READ], headers=stranger, expected=404)))
            with load_generator() as generator:
                return measure(generator, pairs, rounds=size.rounds, done=lambda: None)


def access_goals(rows: list[Row]) -> list[Goal]:
    """What is kept of the speed of reads and creates."""
    name = "{} with AUTH_MODE=smart and AUDIT=on / open without records, requests per second, many clients"
    kept = {row.name: row.ratio for row in rows}
    unseen = next(row for row in rows if row.name == UNSEEN)
    differing = abs(
        median(one.p50 / other.p50 for one, other in zip(unseen.service, unseen.yardstick, strict=True)) - 1
    )
    return [
        *(
            Goal(name=name.format(each), value=kept[each], unit="", limit=_KEPT, at_least=True)
            for each in (READ, CREATE)
        ),
        Goal(name="what is not seen / what is not there, difference of p50", value=differing, unit="", limit=_ALIKE),
    ]


def _unseen(load: Load) -> Pair:
    """Reads of what is there, by somebody who does not see it, beside reads of as many ids that nobody has."""
    made_up = [new_logical_id(datetime.now(UTC)) for _ in load.keys]
    return Pair(name=UNSEEN, service=load, yardstick=replace(load, keys=made_up))


def _loads(load: Load, patients: list[str], observations: list[str], orders: list[str]) -> dict[str, Load]:
    write = replace(load, method="POST")
    create = replace(write, target="/fhir/Observation", expected=201)
    read = replace(load, method="GET", target=f"/fhir/Observation/{KEY}", keys=observations)
    plain = replace(create, body=workload.create_body(), keys=patients)
    return {
        READ: read,
        CREATE: plain,
        READ_BY_MORE: replace(read, clients=_MORE_CLIENTS),
        CREATE_BY_MORE: replace(plain, clients=_MORE_CLIENTS),
        MEMBER: replace(create, body=workload.member_body(patients[0]), keys=orders),
        TRANSACTION: replace(write, target="/fhir", body=workload.transaction_body()),
    }


async def _token(service: Serving, organisation: str = "Organization/clinic") -> str:
    """An access token of a clinic, by the command that developers use."""
    options = ("--role", "clinic", "--organisation", organisation)
    asked = [sys.executable, "-m", "service", "client", "token", *options, "--scope", "system/*.cruds"]
    command = await asyncio.create_subprocess_exec(
        *asked, cwd=ROOT, env=service.environment, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await command.communicate()
    if command.returncode:
        raise RuntimeError("no token was given")
    return printed.decode().strip()
