"""What is created on a referral while others work on it: who sees it in the end, and whom nobody waits for."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from service.fhir.reference import identity_of
from tests.api.auth.organisations import Network, Organisation, network, observation, patient, referral
from tests.statements import logged, statements_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.api.auth.conftest import Workers

__all__ = ["network"]

ROUNDS = 6
TOGETHER = 8


@pytest.fixture
def sent(workers: Workers) -> list[str]:
    """The statements that the first worker sends from now on, but for those of the gate."""
    return statements_of(workers.application)


async def ordered(network: Network) -> tuple[str, str]:
    """A patient, and a referral that the clinic performs."""
    subject = await network.referrer.post(patient())
    return subject, await network.referrer.post(referral(subject))


def measured(subject: str, order: str) -> dict[str, Any]:
    return observation(subject, basedOn=[{"reference": order}])


@asynccontextmanager
async def a_party_comes_to(workers: Workers, order: str, name: str) -> AsyncIterator[None]:
    """Within the block somebody is at work on a referral, and has made an organisation a party to it."""
    pool: Any = workers.application._pool
    connection = await asyncpg.connect(pool._url)
    try:
        async with connection.transaction():
            key = await connection.fetchval(
                "SELECT key FROM resource WHERE identity = $1", identity_of(*order.split("/"))
            )
            await connection.execute("SELECT pg_advisory_xact_lock($1)", key)
            await connection.execute(
                "INSERT INTO referral_party VALUES ($1, $1, $2, 'named')", key, identity_of("Organization", name)
            )
            yield
    finally:
        await connection.close()


@pytest.mark.parametrize("order, expected", [("referral", 3), ("ServiceRequest/none", 2)])
async def test_a_create_that_hangs_on_something_is_a_known_number_of_statements(
    network: Network, sent: list[str], order: str, expected: int
) -> None:
    """Find and lock the referrals, write, let go; where there is none, find and write."""
    subject, made = await ordered(network)
    target = made if order == "referral" else order
    await network.clinic.post(measured(subject, target))
    await logged()
    sent.clear()
    await network.clinic.post(measured(subject, target))
    await logged()
    assert len(sent) == expected, "\n".join(sent)


async def test_creates_of_one_moment_on_one_referral_are_seen_by_its_parties(network: Network) -> None:
    subject, order = await ordered(network)
    made = await asyncio.gather(*(network.clinic.post(measured(subject, order)) for _ in range(3 * TOGETHER)))
    for reference in made:
        assert await network.referrer.sees(reference)
        assert await network.clinic.sees(reference)
        assert not await network.other.sees(reference)


async def test_creates_of_several_organisations_in_one_group_follow_what_each_of_them_sees(network: Network) -> None:
    """The other clinic writes on a referral that it does not see: its resources stay its own."""
    subject, order = await ordered(network)
    theirs, made = await asyncio.gather(
        asyncio.gather(*(network.other.post(measured(subject, order)) for _ in range(TOGETHER))),
        asyncio.gather(*(network.clinic.post(measured(subject, order)) for _ in range(TOGETHER))),
    )
    for reference in theirs:
        assert await network.other.sees(reference)
        assert not await network.referrer.sees(reference)
        assert not await network.clinic.sees(reference)
    for reference in made:
        assert await network.referrer.sees(reference)


async def test_who_takes_over_a_referral_sees_what_is_created_meanwhile(workers: Workers, network: Network) -> None:
    """Whatever comes first: two workers write on a referral while it goes from one clinic to the other and back."""
    elsewhere = Organisation(workers.other, network.clinic.headers)
    subject, order = await ordered(network)
    made: list[str] = []
    for turn in range(ROUNDS):
        name = ("other", "clinic")[turn % 2]
        performer = [{"reference": f"Organization/{name}"}]
        move = asyncio.create_task(network.referrer.put(order, performer=performer))
        made += await asyncio.gather(
            *(
                (network.referrer if number % 2 else elsewhere).post(measured(subject, order))
                for number in range(TOGETHER)
            )
        )
        assert (await move).status_code == 200
        performs, performed = (network.other, network.clinic) if name == "other" else (network.clinic, network.other)
        found = await performs.found(f"Observation?based-on={order}&_count=200")
        of_the_referrer = set(made[1::2])
        assert of_the_referrer <= found, "the parties see all that the referrer wrote"
        assert not of_the_referrer & await performed.found(f"Observation?based-on={order}&_count=200")


async def test_nobody_waits_for_a_referral_of_others(workers: Workers, network: Network) -> None:
    """What hangs on a referral that somebody works on waits, and is seen by whom that made a party; others do not."""
    subject, order = await ordered(network)
    another_subject, another = await ordered(network)
    async with a_party_comes_to(workers, order, "other"):
        waiting = [asyncio.create_task(network.clinic.post(measured(subject, order))) for _ in range(2)]
        made = await asyncio.gather(
            *(network.clinic.post(measured(another_subject, another)) for _ in range(TOGETHER)),
        )
        assert not any(task.done() for task in waiting)
    for reference in await asyncio.gather(*waiting):
        assert await network.referrer.sees(reference)
        assert await network.other.sees(reference)
    for reference in made:
        assert await network.referrer.sees(reference)
        assert not await network.other.sees(reference)
