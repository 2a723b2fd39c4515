"""What a worker remembers of tokens: how seldom it asks, and that nothing outlives the right that was taken away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from service.access.scopes import parse_scopes
from service.auth.gate import TRUSTED_SECONDS, Gate
from service.auth.strangers import Strangers
from service.auth.throttle import Bucket, Throttle
from service.fhir.outcome import FhirError, failure
from service.store.clients import Registration
from service.store.tokens import Held

NOW = 1_800_000_000.0
TOKEN = b"Bearer " + b"a" * 43
HERE = "203.0.113.7"
START = datetime.fromtimestamp(NOW, UTC)


@dataclass
class Database:
    """Tokens as the gate sees them, with the number of questions."""

    now: float = NOW
    number: int = 1
    revoked: bool = False
    lost: bool = False
    found: int = 0
    asked: int = 0
    scope: str = "system/*.cruds"
    tries: int = 1000
    hold: asyncio.Event | None = None
    reading: asyncio.Event = field(default_factory=asyncio.Event)

    async def find(self, _digest: bytes) -> Held | None:
        self._answer()
        self.found += 1
        seen = None if self.revoked else self._held()
        self.reading.set()
        if self.hold is not None:
            await self.hold.wait()
        return seen

    async def generation(self) -> int:
        self._answer()
        self.asked += 1
        await asyncio.sleep(0)
        return self.number

    def revoke(self) -> None:
        self.revoked = True
        self.number += 1

    def _answer(self) -> None:
        if self.lost:
            raise failure("database-unavailable", "The database cannot be reached right now.", retry_after_seconds=2)

    def _held(self) -> Held:
        registered = Registration(id="c", name="c", role="clinic", organisation="o", scope=self.scope, created_at=START)
        return Held(
            registration=registered,
            generation=self.number,
            granted="system/Task.r",
            issued_at=START,
            expires_at=START + timedelta(seconds=300),
        )

    def gate(self) -> Gate:
        throttle = Throttle(per_minute=100_000, workers=1)
        strangers = Strangers(per_minute=self.tries, workers=1)
        return Gate(self, throttle, strangers, is_issuer=True, issuers=None, now=lambda: self.now)  # type: ignore[arg-type]


async def refusal(gate: Gate, authorization: bytes = TOKEN) -> str:
    with pytest.raises(FhirError) as refused:
        await gate.admit(authorization, HERE)
    return refused.value.code


async def test_a_thousand_requests_in_a_second_ask_the_database_twice() -> None:
    """Once what the token stands for, once whether a right was taken away."""
    database = Database()
    gate = database.gate()
    for _ in range(1000):
        assert (await gate.admit(TOKEN, HERE)).client.id == "c"
    assert (database.found, database.asked) == (1, 1)


async def test_a_second_later_it_asks_for_one_number() -> None:
    database = Database()
    gate = database.gate()
    await gate.admit(TOKEN, HERE)
    database.now += TRUSTED_SECONDS
    await asyncio.gather(*(gate.admit(TOKEN, HERE) for _ in range(50)))
    assert (database.found, database.asked) == (1, 2)


async def test_a_right_that_was_taken_away_is_gone_within_a_second() -> None:
    database = Database()
    gate = database.gate()
    await gate.admit(TOKEN, HERE)
    database.revoke()
    database.now += TRUSTED_SECONDS
    assert await refusal(gate) == "unauthenticated"


async def test_what_was_read_before_a_right_was_taken_away_is_not_remembered() -> None:
    """The answer that is on its way while the token is revoked, and comes after the number has been asked for."""
    database = Database(hold=asyncio.Event())
    gate = database.gate()
    slow = asyncio.create_task(gate.admit(TOKEN, HERE))
    await database.reading.wait()
    database.revoke()
    database.now += TRUSTED_SECONDS
    assert database.hold is not None
    other = asyncio.create_task(gate.admit(b"Bearer " + b"b" * 43, HERE))
    while database.asked < 2:  # noqa: ASYNC110 - the other request asks for the number
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    database.hold.set()
    await slow
    with pytest.raises(FhirError):
        await other
    assert await refusal(gate) == "unauthenticated"


async def test_without_the_database_nobody_is_let_in_after_a_second() -> None:
    """Whoever is remembered might have been shut out meanwhile."""
    database = Database()
    gate = database.gate()
    await gate.admit(TOKEN, HERE)
    database.lost = True
    database.now += TRUSTED_SECONDS / 2
    await gate.admit(TOKEN, HERE)
    database.now += TRUSTED_SECONDS / 2
    for _ in range(3):
        assert await refusal(gate) == "database-unavailable"
    database.lost = False
    await gate.admit(TOKEN, HERE)


async def test_a_request_that_is_given_up_does_not_take_the_others_with_it() -> None:
    database = Database()
    gate = database.gate()
    first, second = asyncio.create_task(gate.admit(TOKEN, HERE)), asyncio.create_task(gate.admit(TOKEN, HERE))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).client.id == "c"


async def test_a_clock_that_is_set_back_makes_nothing_last_longer() -> None:
    database = Database()
    gate = database.gate()
    await gate.admit(TOKEN, HERE)
    database.revoke()
    database.now -= 3600
    assert await refusal(gate) == "unauthenticated"


async def test_a_database_that_was_restored_is_believed_again() -> None:
    """Its number may be lower than the one that is remembered."""
    database = Database(number=5)
    gate = database.gate()
    await gate.admit(TOKEN, HERE)
    database.number = 3
    database.now += TRUSTED_SECONDS
    for _ in range(5):
        await gate.admit(TOKEN, HERE)
    assert database.found == 2


async def test_a_token_that_has_expired_is_told_from_one_that_never_was() -> None:
    database = Database()
    gate = database.gate()
    await gate.admit(TOKEN, HERE)
    database.now += 300
    with pytest.raises(FhirError, match="expired"):
        await gate.admit(TOKEN, HERE)


@pytest.mark.parametrize("sent", [b"", b"Bearer", b"bearer x y", b"Basic YTpi", b"Bearer " + b"a" * 9000, b"\xff\xfe"])
async def test_what_is_no_bearer_token_is_refused_without_asking(sent: bytes) -> None:
    """Garbage costs the database nothing, and nothing of it is remembered."""
    database = Database()
    gate = database.gate()
    for _ in range(5):
        assert await refusal(gate, sent) == "unauthenticated"
    assert database.found == 0
    assert gate._remembered == {}


async def test_what_is_remembered_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.auth.gate._MOST_REMEMBERED", 10)
    gate = Database().gate()
    for number in range(100):
        await gate.admit(b"Bearer " + f"{number:043}".encode(), HERE)
    assert len(gate._remembered) <= 10


def test_a_bucket_refills_steadily_and_never_beyond_a_minutes_worth() -> None:
    bucket = Bucket(60, NOW)
    for second, refilled in ((0, 60), (1, 1), (10, 9), (1000, 60)):
        for _ in range(refilled):
            bucket.take(NOW + second)
        with pytest.raises(FhirError):
            bucket.take(NOW + second)


def test_a_bucket_tells_how_long_to_wait() -> None:
    bucket = Bucket(2, NOW)
    bucket.take(NOW)
    bucket.take(NOW)
    with pytest.raises(FhirError) as refused:
        bucket.take(NOW)
    assert (refused.value.code, refused.value.retry_after_seconds) == ("throttled", 30)


def test_each_worker_allows_its_share() -> None:
    """A limit of its own goes before that of the settings."""
    throttle = Throttle(per_minute=100, workers=4)
    assert throttle.bucket("a", 8, NOW)._per_minute == 2
    assert throttle.bucket("b", None, NOW)._per_minute == 25


async def test_who_proves_nothing_is_told_to_wait_and_costs_no_more_questions() -> None:
    """Without a token, with one that is none, with one that nobody has: three tries of three."""
    database = Database(tries=3, revoked=True)
    gate = database.gate()
    assert await refusal(gate, b"Basic x") == "unauthenticated"
    with pytest.raises(FhirError):
        await gate.admit(None, HERE)
    assert await refusal(gate) == "unauthenticated"
    assert database.found == 1
    with pytest.raises(FhirError) as refused:
        await gate.admit(TOKEN, HERE)
    assert (refused.value.code, refused.value.retry_after_seconds) == ("throttled", 20)
    assert database.found == 1
    database.now += 20
    assert await refusal(gate) == "unauthenticated"


async def test_strangers_of_one_address_shut_nobody_out_who_is_known_or_elsewhere() -> None:
    database = Database(tries=1)
    gate = database.gate()
    await gate.admit(TOKEN, HERE)
    assert await refusal(gate, b"Basic x") == "unauthenticated"
    assert await refusal(gate, b"Basic x") == "throttled"
    assert (await gate.admit(TOKEN, HERE)).client.id == "c"
    assert (await gate.admit(b"Bearer " + b"b" * 43, "203.0.113.8")).client.id == "c"


async def test_good_tokens_are_no_tries_and_a_lost_database_is_none_either() -> None:
    database = Database(tries=1)
    gate = database.gate()
    for number in range(5):
        await gate.admit(b"Bearer " + f"{number:043}".encode(), HERE)
    database.lost = True
    for number in range(5, 10):
        assert await refusal(gate, b"Bearer " + f"{number:043}".encode()) == "database-unavailable"


async def test_a_token_is_worth_what_its_client_is_still_registered_for() -> None:
    """The scopes of a client may have been changed since it was issued."""
    database = Database(scope="system/Task.crus system/Patient.rs")
    gate = database.gate()
    assert (await gate.admit(TOKEN, HERE)).scopes == parse_scopes("system/Task.r")
    database.scope, database.number = "system/Patient.rs", 2
    assert (await gate.admit(TOKEN, HERE)).scopes == parse_scopes("system/Task.r")
    database.now += TRUSTED_SECONDS
    assert (await gate.admit(TOKEN, HERE)).scopes == ()


async def test_of_a_client_that_asks_too_often_it_is_known_who_it_is() -> None:
    database = Database()
    gate = database.gate()
    gate._throttle = Throttle(per_minute=1, workers=1)
    await gate.admission(TOKEN, HERE)
    admission = await gate.admission(TOKEN, HERE)
    assert admission.actor.client.id == "c"
    assert admission.refusal is not None
    assert admission.refusal.code == "throttled"


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        (None, "", True),
    ],
)
def test_a_caller_is_an_ipv4_address_or_the_64_of_an_ipv6_one(one: str | None, other: str, *, same: bool) -> None:
    strangers = Strangers(per_minute=1, workers=1)
    strangers.take(one, NOW)
    if same:
        with pytest.raises(FhirError):
            strangers.take(other, NOW)
    else:
        strangers.take(other, NOW)


def test_what_is_remembered_of_strangers_is_bounded_and_the_busy_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.auth.strangers._MOST", 10)
    strangers = Strangers(per_minute=2, workers=1)
    strangers.take("203.0.113.7", NOW)
    for number in range(9):
        strangers.take(f"198.51.100.{number}", NOW)
    strangers.take("203.0.113.7", NOW)
    for number in range(9, 18):
        strangers.take(f"198.51.100.{number}", NOW)
    assert len(strangers._buckets) == 10
    with pytest.raises(FhirError):
        strangers.take("203.0.113.7", NOW)
