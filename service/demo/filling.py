"""Workers that make patients and write them, a few at a time; what was written before is passed over."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from service.assembly import assemble, command_pool, compile_standard
from service.demo.directory import SYNTHETIC, organisations, therapists, therapists_for
from service.demo.error import DemoError
from service.demo.story import tell
from service.demo.world import Surroundings, marked
from service.demo.writing import write
from service.fhir.interaction import Context
from service.fhir.sight import KNOWLEDGE
from service.interactions.current import CurrentParts
from service.loop.server import loop_of
from service.massage import assessment, protocol
from service.processes import Failed, answer, settle, spawned
from service.store.checkpoint import Checkpoint, saved
from service.store.labels import unlabelled
from service.store.lease import LapsedError
from service.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from multiprocessing.connection import Connection

    from service.demo.world import Kept
    from service.interactions.parts import Parts
    from service.massage.protocol import Protocols
    from service.settings import Settings
    from service.store.pool import Pool

PATIENTS_AT_ONCE: Final = 8
"""In one transaction."""
CHECK: Final = "pre-session-check"
"""The form that is answered before each session."""
_COLLECT_EVERY: Final = 25
_BASE: Final = "https://demo.massage-fhir.example.org/nowhere"
"""Nothing that the demo makes has an absolute reference."""


class Plan(Struct, frozen=True, kw_only=True):
    """`patients` of a seed, as of a day, by `jobs` processes."""

    seed: int
    patients: int
    today: date
    jobs: int = 1


class Portion(Struct, frozen=True, kw_only=True):
    """Of a seed the patients, or each clinic's therapists, with the numbers from `start` to before `end`.

    The organisations belong to all seeds.
    """

    kind: Literal["organisations", "therapists", "patients"]
    seed: int
    start: int
    end: int
    today: date
    first: int = 0
    """The first number of the portion before any of it was written."""

    @property
    def checkpoint(self) -> Checkpoint:
        """What is kept of it once it is written."""
        name = {
            "organisations": "demo organisations",
            "therapists": f"demo {self.seed} therapists",
            "patients": f"demo {self.seed} patients {self.first}",
        }[self.kind]
        return Checkpoint(name=name, position=self.end)


class Maker:
    """Makes portions and writes them, in one process; the parts must have no rules that the demo would not have."""

    def __init__(self, parts: Parts, protocols: Protocols) -> None:
        loop = loop_of(parts.definitions, parts.registry, parts.zone)
        types = parts.definitions.resource_types
        self._around = Surroundings(
            rules=loop.rules, types=types, validator=parts.validator, check=assessment.load().forms[CHECK]
        )
        self._protocols = protocols
        self._current = CurrentParts(parts)

    async def fill(self, portion: Portion) -> int:
        """How many resources a portion came to; 0 for one that was written before."""
        made = [*self.made(portion)]
        context = Context(base=_BASE, request_id="demo", received_at=datetime.combine(portion.today, time(), UTC))
        while True:
            parts = await self._current.current()
            try:
                return await write(parts, context, made, portion.checkpoint)
            except LapsedError:
                continue

    def made(self, portion: Portion) -> Iterator[Kept]:
        """The resources of a portion."""
        match portion.kind:
            case "organisations":
                yield from (marked(*each) for each in organisations())
            case "therapists":
                yield from (marked(*each) for each in therapists(portion.seed, portion.start, portion.end))
            case "patients":
                for number in range(portion.start, portion.end):
                    world = tell(self._around, self._protocols, portion.seed, number, portion.today)
                    yield from world.kept.values()


async def left(settings: Settings, plan: Plan) -> list[Portion]:
    """The portions that are not written yet, organisations and therapists first."""
    one = Portion(kind="organisations", seed=plan.seed, start=0, end=1, today=plan.today)
    portions = [one, replace(one, kind="therapists", end=therapists_for(plan.patients))]
    for start in range(0, plan.patients, PATIENTS_AT_ONCE):
        end = min(start + PATIENTS_AT_ONCE, plan.patients)
        portions.append(replace(one, kind="patients", start=start, end=end, first=start))
    async with command_pool(settings) as pool, Store(pool).session() as session:
        return [rest for each in portions if (rest := _rest(each, await saved(session, each.checkpoint.name)))]


def _rest(portion: Portion, known: Checkpoint | None) -> Portion | None:
    """What of a portion is left: a demo of fewer patients may have written its beginning."""
    if known is None:
        return portion
    return replace(portion, start=known.position) if known.position < portion.end else None


async def unmarked(settings: Settings) -> str | None:
    """The type of something that is there and not made up; None where there is no such thing.

    Knowledge (code systems, protocols ...) does not count: it is about nobody.
    """
    registry = compile_standard().registry
    types = [name for name in registry.definitions.resource_types if name not in KNOWLEDGE]
    sources = {name: registry.parameters(name)["_security"].source_numbers for name in types}
    async with command_pool(settings) as pool, Store(pool).session() as session:
        return await unlabelled(session, sources, str(SYNTHETIC["code"]))


def fill(settings: Settings, portions: list[Portion], jobs: int, *, told: Callable[[Portion, int], None]) -> None:
    """Write the portions by several processes, the first before all others; DemoError when one of them cannot."""
    waiting = iter(portions)
    with spawned("demo", min(jobs, max(1, len(portions))), work, settings) as pipes:
        busy: dict[Connection[Any, Any], Portion] = {}

        def give(pipe: Connection[Any, Any]) -> None:
            portion = next(waiting, None)
            if portion is not None:
                busy[pipe] = portion
                pipe.send(portion)

        give(pipes[0])
        is_first = True
        while busy:
            for ready in wait([*busy]):
                pipe = next(each for each in busy if each is ready)
                portion = busy.pop(pipe)
                told(portion, _heard(pipe))
                give(pipe)
            if is_first:
                is_first = False
                for pipe in pipes[1:]:
                    give(pipe)


def _heard(pipe: Connection[Any, Any]) -> int:
    try:
        message = pipe.recv()
    except (EOFError, OSError):
        raise DemoError("a process of the demo ended unexpectedly; start it again to go on") from None
    if isinstance(message, Failed):
        raise DemoError(message.reason)
    number: int = message
    return number


def work(pipe: Connection[Any, Any], settings: Settings) -> None:
    """The whole of a worker process."""
    pool = command_pool(settings)
    maker = Maker(assemble(settings, compile_standard(), pool, cursor_secret=""), protocol.load())
    settle()
    asyncio.run(_serve(maker, pool, pipe))


async def _serve(maker: Maker, pool: Pool, pipe: Connection[Any, Any]) -> None:
    async with pool:
        await answer(pipe, maker.fill, collect_every=_COLLECT_EVERY)
