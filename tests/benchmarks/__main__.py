"""`python -m tests.benchmarks`: load, measure, print the tables.

Five sections: the service beside a bare endpoint, what access control and being on record cost, what the rules of the
referral loop cost, pages in a browser, and searches at several sizes (`--search`). All but the third and the fourth are
about the engine alone, with `REFERRAL_RULES=off`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import Progress

from service.store.embedded import Embedded
from tests.benchmarks import goals as goal
from tests.benchmarks import standing, workload
from tests.benchmarks.access import TITLE as ACCESS_TITLE
from tests.benchmarks.access import access_goals, measure_access
from tests.benchmarks.generator import KEY, Load, load_generator
from tests.benchmarks.loop import TITLE as LOOP_TITLE
from tests.benchmarks.loop import loop_goals, measure_loop
from tests.benchmarks.pages import page_goals
from tests.benchmarks.report import as_json, goals_table, loads_table
from tests.benchmarks.rounds import Pair, Row, loads_of, measure, requests_of
from tests.benchmarks.serving import the_service, the_yardstick
from tests.benchmarks.size import Size
from tests.benchmarks.sizes import Searching, measure_sizes
from tests.benchmarks.sizes_report import sizes_goals, sizes_json, sizes_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.serving import Serving

_MANY: Final = 16
_VERSIONS: Final = 5


# what is compared is compared round by round, so many short rounds tell more than a few long ones
_FULL: Final = Size(patients=2000, observations=20_000, updated=4000, seconds=1, rounds=11, starts=3, validations=100)
_QUICK: Final = Size(
    patients=20, observations=100, updated=40, seconds=1, rounds=1, starts=1, validations=2, requests=20, referrals=2
)
_SECTIONS: Final = ("service", "access", "loop", "pages", "search")
_SEARCHED: Final = (1000, 10_000, 100_000)
_SEARCHED_QUICKLY: Final = (400, 800)


def main() -> None:
    """Parse the command line, measure, report."""
    arguments = _arguments()
    size = _QUICK if arguments.quick else _FULL
    size = replace(size, rounds=arguments.rounds or size.rounds, seconds=arguments.seconds or size.seconds)
    console = Console(width=None if Console().is_terminal else 150)
    report: dict[str, Any] = {"setting": _setting(arguments.workers, size)}
    console.print(" · ".join(f"{name}: {value}" for name, value in report["setting"].items()))
    sections: dict[str, Callable[[Path], dict[str, Any]]] = {
        "service": lambda folder: _service(folder, arguments.workers, size, console),
        "access": lambda folder: {"access": _access(folder, arguments.workers, size, console)},
        "loop": lambda folder: {"loop": _loop(folder, arguments.workers, size, console)},
        "pages": lambda folder: {"pages": _pages(folder, arguments.workers, size, console)},
        "search": lambda folder: {
            "search": _search(folder, _searching(arguments.search, arguments.workers, size), console)
        },
    }
    for name in (arguments.only,) if arguments.only else _SECTIONS:
        with tempfile.TemporaryDirectory(prefix="massage-bench-") as folder:
            report |= sections[name](Path(folder))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few requests each: shows that the harness works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round to this file as well")
    parser.add_argument(
        "--workers", type=int, default=min(2, os.cpu_count() or 1), help="worker processes (%(default)s)"
    )
    parser.add_argument(
        "--search", type=_sizes, metavar="SIZES", help="resources to search among, separated by commas (%(default)s)"
    )
    parser.add_argument("--only", choices=_SECTIONS, help="one section alone")
    parser.add_argument("--rounds", type=int, help="rounds of every load")
    parser.add_argument("--seconds", type=float, help="seconds of every load")
    parser.set_defaults(search=_SEARCHED)
    return parser.parse_args()


def _service(folder: Path, workers: int, size: Size, console: Console) -> dict[str, Any]:
    rows, reached = asyncio.run(_measure(folder, size, workers, console))
    return _told(rows, reached, console)


def _access(folder: Path, workers: int, size: Size, console: Console) -> dict[str, Any]:
    rows = asyncio.run(measure_access(folder, workers=workers, size=size))
    return _told(rows, access_goals(rows), console, ACCESS_TITLE)


def _loop(folder: Path, workers: int, size: Size, console: Console) -> dict[str, Any]:
    rows = asyncio.run(measure_loop(folder, workers=workers, size=size))
    return _told(rows, loop_goals(rows, repeats=size.validations), console, LOOP_TITLE)


def _told(rows: list[Row], reached: list[goal.Goal], console: Console, *title: str) -> dict[str, Any]:
    console.print(loads_table(rows, *title))
    console.print(goals_table(reached))
    return as_json(rows, reached)


def _pages(folder: Path, workers: int, size: Size, console: Console) -> dict[str, Any]:
    reached = asyncio.run(page_goals(folder, workers=workers, size=size))
    console.print(goals_table(reached))
    return as_json([], reached)


def _search(folder: Path, how: Searching, console: Console) -> Any:
    sized = asyncio.run(measure_sizes(folder, how, console.print))
    console.print(sizes_table(sized))
    console.print(goals_table(sizes_goals(sized)))
    return sizes_json(sized)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(size.replace("_", "")) for size in text.split(",")))


def _searching(sizes: tuple[int, ...], workers: int, size: Size) -> Searching:
    if size.requests:
        sizes = _SEARCHED_QUICKLY
    seconds = size.seconds if size.requests else size.seconds / 4  # a size has twenty loads of its own
    return Searching(sizes=sizes, workers=workers, seconds=seconds, rounds=size.rounds, requests=size.requests)


def _setting(workers: int, size: Size) -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "workers": workers,
        "rounds": size.rounds,
        "seconds": size.seconds,
    }


async def _measure(folder: Path, size: Size, workers: int, console: Console) -> tuple[list[Row], list[goal.Goal]]:
    with Embedded(folder / "database") as server:
        service_url, yardstick_url = await standing.create_databases(server.wait_until_ready(), "service", "yardstick")
        # what the rules of the referral loop cost is measured apart from the engine
        quiet = {"access_log": False, "log_level": "warning", "referral_rules": "off"}
        ids = await standing.fill_yardstick(yardstick_url, _yardstick_rows(size))
        async with (
            the_service(folder, database_url=service_url, workers=workers, **quiet) as service,
            the_yardstick(folder, database_url=yardstick_url, workers=workers) as yardstick,
        ):
            population, observation_bytes = await _load(service, service_url, size, console)
            await standing.analyze(service_url, yardstick_url)
            rows = _run(_pairs(service, yardstick, population, ids, size), size, console)
            megabytes = standing.worker_megabytes(service)
    console.print("start-up ...")
    existing, from_nothing = await standing.start_seconds(folder, repeats=size.starts)
    measured = goal.Standing(
        validation_microseconds=standing.validation_microseconds(repeats=size.validations),
        start_existing_seconds=existing,
        start_from_nothing_seconds=from_nothing,
        worker_megabytes=megabytes,
        observation_bytes=observation_bytes,
        requests=requests_of(rows),
    )
    return rows, goal.goals({row.name: row for row in rows}, measured)


def _yardstick_rows(size: Size) -> list[str]:
    return [
        workload.compact(workload.session_observation("Patient/1", f"loaded-{number:010}"))
        for number in range(size.observations)
    ]


async def _load(service: Serving, url: str, size: Size, console: Console) -> tuple[workload.Population, float]:
    """Fill the service's database; what was made, and the bytes on disk per Observation."""
    with console.status("loading"):
        patients = await workload.create_patients(service.port, size.patients)
        before = await standing.size_of(url)
        observations = await workload.create_observations(service.port, patients, size.observations)
        per_observation = (await standing.size_of(url) - before) / size.observations
        changing = await workload.create_observations(service.port, [workload.UPDATED], size.updated, "changing-")
        versioned = changing[: size.updated // 4]
        for version in range(2, _VERSIONS + 1):
            await workload.update_observations(service.port, versioned, f"version-{version}")
    updated = changing[len(versioned) :]
    population = workload.Population(patients=patients, observations=observations, updated=updated, versioned=versioned)
    return population, per_observation


def _run(pairs: list[Pair], size: Size, console: Console) -> list[Row]:
    with load_generator() as generator, Progress(console=console, transient=True) as progress:
        task = progress.add_task("measuring", total=loads_of(pairs, size.rounds))
        return measure(generator, pairs, rounds=size.rounds, done=lambda: progress.advance(task))


def _pairs(
    service: Serving, yardstick: Serving, population: workload.Population, ids: list[str], size: Size
) -> list[Pair]:
    here = Load(port=service.port, method="GET", target="", seconds=size.seconds, requests=size.requests)
    there = replace(here, port=yardstick.port)
    select = replace(there, target=f"/bare/{KEY}", keys=ids)

    def reading(name: str, target: str, keys: list[str]) -> Pair:
        asked = replace(here, target=target, keys=keys, clients=_MANY)
        return Pair(name=name, service=asked, yardstick=replace(select, clients=_MANY))

    def writing(name: str, method: str, target: str, body: str, keys: list[str], clients: int) -> Pair:
        expected = 201 if target == "/fhir/Observation" else 200
        sent = replace(here, method=method, body=body, keys=keys, clients=clients)
        insert = replace(sent, port=yardstick.port, method="POST", target="/bare", expected=201)
        return Pair(name=name, service=replace(sent, target=target, expected=expected), yardstick=insert)

    created = ("POST", "/fhir/Observation", workload.create_body(), population.patients)
    bundle = ("POST", "/fhir", workload.transaction_body(), [""])
    patient = f"/fhir/Observation?patient={KEY}&status=final"
    updated = f"/fhir/Observation/{KEY}"
    return [
        reading(goal.READ, f"/fhir/Observation/{KEY}", population.observations),
        writing(goal.CREATE_ALONE, *created, clients=1),
        writing(goal.TRANSACTION, *bundle, clients=1),
        writing(goal.CREATE, *created, clients=_MANY),
        writing(goal.TRANSACTION_MANY, *bundle, clients=_MANY),
        writing(goal.UPDATE, "PUT", updated, workload.update_body(), population.updated, clients=_MANY),
        reading(goal.HISTORY, f"/fhir/Observation/{KEY}/_history", population.versioned),
        reading(goal.SEARCH, patient, population.patients),
    ]


if __name__ == "__main__":
    main()
