"""The same searches on clinics of several sizes: what they cost must not follow the size.

Every size is loaded by `massage-fhir load` into a database of its own and served by a service of its own. All of them
run at once and are asked in turn, so that what is compared was measured next to each other.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from dataclasses import dataclass, field, replace
from itertools import count
from statistics import mean, median
from typing import TYPE_CHECKING, Final

from service.store.embedded import Embedded
from tests.benchmarks import standing
from tests.benchmarks.bare import PAGE_ROWS
from tests.benchmarks.generator import KEY, Load, load_generator
from tests.benchmarks.plans import CURSOR_SECRET, plans_of
from tests.benchmarks.questions import DEEP_PAGE, TWO_CRITERIA, Question, as_page, deep_pages, questions, write_clinic
from tests.benchmarks.serving import ROOT, environment_with, the_service, the_yardstick
from tests.benchmarks.workload import compact, session_observation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.benchmarks.generator import Generator, Measured
    from tests.benchmarks.plans import Plan
    from tests.benchmarks.questions import Population
    from tests.benchmarks.serving import Serving

BARE: Final = f"bare select of {PAGE_ROWS} rows"
OK: Final = 200
_MANY: Final = 16
_LEAST_WARMING: Final = 200
"""Requests that a question is warmed with where it has few targets."""
_RATE: Final = re.compile(r"([\d,]+) resources/s")
_PAGES: Final = 200
_SAMPLES: Final = 10
_NUMBERS_PER_LOAD: Final = 10_000_000
_CONNECTIONS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A question at one size: the rounds of one client, and of many; or why the service does not answer it.

    `entries` is how many entries an answer has on average; `first` is one client before anything was warm.
    """

    entries: float = 0
    first: Measured | None = None
    alone: Sequence[Measured] = ()
    many: Sequence[Measured] = ()
    refused: str = ""

    @property
    def p50(self) -> float:
        """Milliseconds, of one client."""
        return median(one.p50 for one in self.alone)

    def times(self, other: Answered) -> float:
        """How many times another's p50 this one is: rounds of the same moment are compared, the median counts.

        A shared machine is twice as fast in one minute as in the next; sizes that are asked in turn share its moods.
        """
        return median(mine.p50 / its.p50 for mine, its in zip(self.alone, other.alone, strict=True))

    def of(self, other: Answered) -> float:
        """The part of another's rate that this one has with many clients, compared in the same way."""
        return median(mine.rate / its.rate for mine, its in zip(self.many, other.many, strict=True))

    @property
    def p99(self) -> float:
        """Milliseconds, of one client."""
        return median(one.p99 for one in self.alone)

    @property
    def first_p99(self) -> float:
        """Milliseconds, of one client before anything was warm."""
        return self.first.p99 if self.first else 0.0

    @property
    def rate(self) -> float:
        """Requests per second, of many clients."""
        return median(one.rate for one in self.many)


@dataclass(slots=True, kw_only=True)
class Sized:
    """Everything about one size."""

    count: int
    load_rate: float = 0
    """Resources per second, by the loader's own account."""
    megabytes: float = 0
    answers: dict[str, Answered] = field(default_factory=dict)
    plans: list[Plan] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Searching:
    """How long to measure; `requests` replaces `seconds` where given."""

    sizes: Sequence[int]
    workers: int
    seconds: float
    rounds: int
    requests: int | None = None


async def measure_sizes(folder: Path, how: Searching, tell: Callable[[str], None]) -> list[Sized]:
    """Load and measure every size, in ascending order; the yardstick is among the answers of each."""
    with Embedded(folder / "database", connections=_CONNECTIONS) as server:
        names = [f"clinic_{size}" for size in how.sizes]
        *urls, bare_url = await standing.create_databases(server.wait_until_ready(), *names, "yardstick")
        await standing.fill_pages(bare_url, [compact(session_observation("Patient/1", "loaded"))] * PAGE_ROWS, _PAGES)
        sized, asked = [], []
        for size, url in zip(how.sizes, urls, strict=True):
            tell(f"loading {size:,} resources ...")
            population, rate = await _loaded(folder / f"clinic-{size}.ndjson", size, url)
            sized.append(Sized(count=size, load_rate=rate, megabytes=await standing.size_of(url) / 1e6))
            asked.append(population)
            tell(f"loaded at {rate:,.0f} resources/s")
        async with contextlib.AsyncExitStack() as running:
            chosen = {"access_log": False, "log_level": "warning", "cursor_secret": CURSOR_SECRET}
            services = [
                await running.enter_async_context(
                    the_service(folder / f"service-{size}", database_url=url, workers=how.workers, **chosen)
                )
                for size, url in zip(how.sizes, urls, strict=True)
            ]
            bare = await running.enter_async_context(the_yardstick(folder, database_url=bare_url, workers=how.workers))
            every = [await _questions(service, population) for service, population in zip(services, asked, strict=True)]
            for one, service, known in zip(sized, services, every, strict=True):
                one.answers = {question.name: await _first_answer(service, question) for question in known}
            with load_generator() as generator:
                _Measuring(how, generator, tell).run(sized, services, every, bare)
        for one, url, known in zip(sized, urls, every, strict=True):
            answered = [question for question in known if not one.answers[question.name].refused]
            one.plans = [plan async for plan in plans_of(url, answered)]
    return sized


async def _loaded(path: Path, size: int, url: str) -> tuple[Population, float]:
    population = await asyncio.to_thread(write_clinic, path, size)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "load", str(path)),
        cwd=ROOT,
        env=environment_with(database_url=url, log_level="warning"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await process.communicate()
    await asyncio.to_thread(path.unlink)
    found = _RATE.findall(told.decode())
    if process.returncode or not found:
        raise RuntimeError(f"loading failed: {told.decode()[-2000:]}")
    return population, float(found[-1].replace(",", ""))


async def _questions(service: Serving, population: Population) -> list[Question]:
    """All questions, with the links of a walk for the page far down."""
    target, pages = deep_pages(population)
    links: list[str] = []
    for _ in range(pages):
        reply = await service.get(target)
        following = [link["url"] for link in reply.json().get("link", ()) if link["relation"] == "next"]
        if not following:
            break
        target = following[0].removeprefix(f"http://{following[0].split('/')[2]}")
        links.append(as_page(target))
    known = questions(population)
    deep = links[len(links) // 2 :]
    return [*known, Question(name=DEEP_PAGE, targets=deep)] if deep else known


async def _first_answer(service: Serving, question: Question) -> Answered:
    """What some targets are answered with: the number of entries, or status and error code."""
    entries: list[int] = []
    for target in question.targets[:_SAMPLES]:
        reply = await service.get(target)
        content = reply.json()
        if reply.status != OK:
            return Answered(refused=f"{reply.status} {content['issue'][0]['details']['coding'][0]['code']}")
        entries.append(len(content.get("entry", ())))
    return Answered(entries=mean(entries))


class _Measuring:
    """Rounds over all questions and all sizes."""

    def __init__(self, how: Searching, generator: Generator, tell: Callable[[str], None]) -> None:
        self._how = how
        self._generator = generator
        self._tell = tell
        self._numbers = count(0, _NUMBERS_PER_LOAD)

    def run(
        self, sized: Sequence[Sized], services: Sequence[Serving], every: Sequence[Sequence[Question]], bare: Serving
    ) -> None:
        """Fill in the answers of every size; what is compared with the yardstick is asked in turn with it."""
        pages = Question(name=BARE, targets=[f"/bare/page/{number}" for number in range(_PAGES)])
        names = [(question.name,) for question in every[-1] if question.name != TWO_CRITERIA]
        for together in [*names, (TWO_CRITERIA, BARE)]:
            self._tell(f"measuring {', '.join(together)} ...")
            asked = [
                (one, name, self._load(one, bare if name == BARE else service, name, [*known, pages]))
                for name in together
                for one, service, known in zip(sized, services, every, strict=True)
            ]
            loads = [load for _, _, load in asked]
            firsts = [None if load is None else self._warmed(load) for load in loads]
            for (one, name, _), first, (alone, many) in zip(asked, firsts, self._rounds(loads), strict=True):
                one.answers[name] = replace(one.answers[name], first=first, alone=alone, many=many)

    def _load(self, one: Sized, service: Serving, name: str, known: Sequence[Question]) -> Load | None:
        """The load of a question at one size; None where it is not answered there."""
        question = next((each for each in known if each.name == name), None)
        before = one.answers.setdefault(name, Answered(refused="" if question else "too few", entries=PAGE_ROWS))
        if question is None or before.refused:
            return None
        how = self._how
        return Load(
            port=service.port,
            method="GET",
            target=KEY,
            keys=question.targets,
            seconds=how.seconds,
            requests=how.requests,
        )

    def _warmed(self, load: Load) -> Measured:
        """What one client met that asked for everything about once, before many asked for it again.

        A service that has run for an hour has in memory what it is asked for, and so has each of its connections. With
        ten thousand resources the first second does that; with a million rounds as short as these would measure little
        but first touches.
        """
        once = self._how.requests or max(_LEAST_WARMING, len(load.keys))
        first = self._measured(replace(load, requests=once))
        self._measured(replace(load, clients=_MANY, requests=once))
        return first

    def _rounds(self, loads: Sequence[Load | None]) -> list[tuple[list[Measured], list[Measured]]]:
        """For each load the rounds of one client and of many; every other round the other way round."""
        measured: list[tuple[list[Measured], list[Measured]]] = [([], []) for _ in loads]
        for turn in range(self._how.rounds):
            in_turn = list(zip(loads, measured, strict=True))[:: -1 if turn % 2 else 1]
            for load, (alone, _) in in_turn:
                if load is not None:
                    alone.append(self._measured(load))
            for load, (_, many) in in_turn:
                if load is not None:
                    many.append(self._measured(replace(load, clients=_MANY)))
        return measured

    def _measured(self, load: Load) -> Measured:
        return self._generator.run(replace(load, first_number=next(self._numbers)))
