"""A small demo, told once, and the parts that write it."""

from __future__ import annotations

from datetime import UTC, date
from random import Random
from typing import TYPE_CHECKING

import pytest

from service.assembly import assemble, command_pool
from service.demo.filling import CHECK
from service.demo.scenarios import SCENARIOS, scenario_of
from service.demo.story import tell
from service.demo.world import Surroundings
from service.loop.server import loop_of
from service.massage import assessment, protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.assembly import Standard
    from service.demo.scenarios import Scenario
    from service.demo.world import World
    from service.interactions.parts import Parts
    from service.massage.protocol import Protocols
    from service.settings import Settings

SEED = 1
TODAY = date(2026, 11, 22)
PATIENTS = sum(row.often for row in SCENARIOS)


def row_of(number: int) -> Scenario:
    """The scenario of a patient."""
    return scenario_of(number, Random(SEED))  # noqa: S311 - a play


@pytest.fixture(scope="package")
def protocols() -> Protocols:
    """The protocols that come with the service."""
    return protocol.load()


@pytest.fixture(scope="package")
def around(standard: Standard) -> Surroundings:
    """The rules that the demo is told by."""
    loop = loop_of(standard.definitions, standard.registry, UTC)
    types = standard.definitions.resource_types
    check = assessment.load().forms[CHECK]
    return Surroundings(rules=loop.rules, types=types, validator=standard.validator, check=check)


@pytest.fixture(scope="package")
def worlds(around: Surroundings, protocols: Protocols) -> list[World]:
    """As many patients as it takes to see every way that a referral can go."""
    return [tell(around, protocols, SEED, number, TODAY) for number in range(PATIENTS)]


@pytest.fixture
async def parts(settings: Settings, standard: Standard) -> AsyncIterator[Parts]:
    """What a worker writes with, on a database of the test's own."""
    async with command_pool(settings) as pool:
        yield assemble(settings, standard, pool, cursor_secret="")
