"""The load generator: closed loop, in a process of its own, so that its cost can be told from the service's.

The process reads one JSON `Load` per line from standard input and answers each with one JSON `Measured` per line.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Final

from tests.benchmarks.client import Connection, render

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY: Final = "@KEY@"
"""Stands in a target or body for one of the keys, drawn anew for every request."""
FRESH: Final = "@FRESH@"
"""Stands in a target, body or header for a number of ten digits that no other request carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What `clients` send one request after the other, for `seconds` or until `requests` are answered."""

    port: int
    method: str
    target: str
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    keys: list[str] = field(default_factory=lambda: [""])
    expected: int = 200
    clients: int = 1
    seconds: float = 3.0
    requests: int | None = None
    first_number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came of a load: latencies in ms; `generator_share` is the generator's part of one core."""

    requests: int
    seconds: float
    p50: float
    p99: float
    generator_share: float
    p95: float = 0.0
    """Where it was asked for."""

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


class Generator:
    """The parent's hand on the generator's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, load: Load) -> Measured:
        """Run one load to its end."""
        if self._process.stdin is None or self._process.stdout is None:
            raise ValueError("the generator was started without pipes")
        self._process.stdin.write(json.dumps(asdict(load)) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the load generator gave up on {load.method} {load.target}")
        return Measured(**json.loads(answer))


@contextmanager
def load_generator() -> Iterator[Generator]:
    """A load generator that waits for loads."""
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Generator(process)
        finally:
            process.terminate()


async def run_load(load: Load) -> Measured:
    """Run one load in this process; RuntimeError for an answer with another status than the expected one."""
    latencies: list[float] = []
    numbers = iter(range(load.first_number, load.first_number + 10_000_000))
    connections = [Connection(load.port) for _ in range(load.clients)]
    await asyncio.gather(*[connection.open() for connection in connections])
    cpu = _cpu_seconds()
    began = perf_counter()
    deadline = began + load.seconds
    await asyncio.gather(
        *[
            _client(load, connection, random.Random(load.first_number + index), numbers, deadline, latencies)  # noqa: S311
            for index, connection in enumerate(connections)
        ]
    )
    seconds = perf_counter() - began
    share = (_cpu_seconds() - cpu) / seconds
    for connection in connections:
        connection.close()
    latencies.sort()
    return Measured(
        requests=len(latencies),
        seconds=seconds,
        p50=1000 * latencies[len(latencies) // 2],
        p99=1000 * latencies[len(latencies) * 99 // 100],
        generator_share=share,
    )


async def _client(
    load: Load,
    connection: Connection,
    dice: random.Random,
    numbers: Iterator[int],
    deadline: float,
    latencies: list[float],
) -> None:
    clock = perf_counter
    while len(latencies) < load.requests if load.requests is not None else clock() < deadline:
        request = _render(load, dice.choice(load.keys), f"{next(numbers):010}")
        began = clock()
        reply = await connection.send(request)
        latencies.append(clock() - began)
        if reply.status != load.expected:
            raise RuntimeError(f"{load.method} {load.target}: {reply.status} {reply.body[:500]!r}")


def _render(load: Load, key: str, fresh: str) -> bytes:
    headers = {name: value.replace(FRESH, fresh) for name, value in load.headers.items()}
    body = load.body.replace(FRESH, fresh).replace(KEY, key)
    return render(load.method, load.target.replace(KEY, key).replace(FRESH, fresh), body.encode(), headers)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Answer loads until standard input ends."""
    import uvloop

    for line in sys.stdin:
        measured = uvloop.run(run_load(Load(**json.loads(line))))
        sys.stdout.write(json.dumps(asdict(measured)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
