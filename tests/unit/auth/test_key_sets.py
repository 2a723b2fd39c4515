"""Key sets that are fetched: how long they are kept, and when they are asked for again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from service.access.refusal import Refused
from service.auth.key_sets import KeySets
from service.outgoing.error import OutgoingError
from service.outgoing.fetch import Document

URL = "https://ehr.example.org/jwks"


@dataclass
class Published:
    """A key set that somebody publishes, its headers, how often it was fetched, and when it `answers`."""

    key_ids: list[str]
    cache_control: str | None = "max-age=100"
    fails: bool = False
    fetched: int = 0
    now: float = 1000.0
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    answers: asyncio.Event | None = None

    async def __call__(self, url: str) -> Document:
        assert url == URL
        self.fetched += 1
        await asyncio.sleep(0)
        if self.answers is not None:
            await self.answers.wait()
        if self.fails:
            raise OutgoingError("The host could not be reached.")
        headers = self.headers | ({"cache-control": self.cache_control} if self.cache_control else {})
        keys = {"keys": [{"kid": each} for each in self.key_ids]}
        return Document(content=keys if self.content is None else self.content, headers=headers)

    @property
    def sets(self) -> KeySets:
        return KeySets(self, lambda: self.now)


async def test_a_set_is_fetched_once_for_all_who_ask_at_the_same_time() -> None:
    published = Published(["a"])
    sets = published.sets
    found = await asyncio.gather(*(sets.keys(URL, "a") for _ in range(10)))
    assert found == [[{"kid": "a"}]] * 10
    assert published.fetched == 1


@pytest.mark.parametrize(
    "cache_control, age, seconds",
    [
        ("max-age=100", None, 100),
        ("public, Max-Age=100", None, 100),
        ('max-age="100"', None, 100),
        ("max-age=100", "40", 60),
        ("max-age=100", "200", 0),
        ("no-store", None, 0),
        ("no-cache, max-age=100", None, 0),
        ("max-age=0", None, 0),
        ("max-age=x", None, 0),
        (None, None, 300),
        ("max-age=999999", None, 3600),
    ],
)
async def test_a_set_is_kept_as_long_as_its_answer_allows(
    cache_control: str | None, age: str | None, seconds: int
) -> None:
    """An hour at most; five minutes where the answer does not say."""
    published = Published(["a"], cache_control, headers={"age": age} if age else {})
    sets = published.sets
    await sets.keys(URL, "a")
    begun = published.now
    for later, fetched in ((seconds - 1, 1), (seconds, 2)):
        if later >= 0:
            published.now = begun + later
            await sets.keys(URL, "a")
            assert published.fetched == fetched


async def test_a_key_that_is_not_in_the_set_has_it_fetched_again_but_not_at_once() -> None:
    """A client that changes its key need not wait; an attacker with made-up kids makes us no hammer."""
    published = Published(["a"])
    sets = published.sets
    await sets.keys(URL, "a")
    published.key_ids = ["a", "b"]
    assert await sets.keys(URL, "b") == [{"kid": "a"}]
    assert published.fetched == 1
    published.now += 5
    assert await sets.keys(URL, "b") == [{"kid": "a"}, {"kid": "b"}]
    for _ in range(50):
        await sets.keys(URL, "made-up")
    assert published.fetched == 2


async def test_a_key_that_is_withdrawn_verifies_nothing_once_the_set_is_outdated() -> None:
    published = Published(["a", "b"])
    sets = published.sets
    await sets.keys(URL, "a")
    published.key_ids = ["b"]
    published.now += 100
    assert await sets.keys(URL, "a") == [{"kid": "b"}]


async def test_a_set_that_cannot_be_fetched_again_serves_as_long_as_it_may() -> None:
    published = Published(["a"])
    sets = published.sets
    await sets.keys(URL, "a")
    published.fails = True
    published.now += 99
    assert await sets.keys(URL, "unknown") == [{"kid": "a"}]
    published.now += 1
    with pytest.raises(Refused, match="could not be read"):
        await sets.keys(URL, "a")


async def test_a_failure_is_remembered_for_a_moment_and_then_tried_again() -> None:
    published = Published(["a"], fails=True)
    sets = published.sets
    for _ in range(10):
        with pytest.raises(Refused):
            await sets.keys(URL, "a")
    assert published.fetched == 1
    published.fails = False
    published.now += 5
    assert await sets.keys(URL, "a") == [{"kid": "a"}]


@pytest.mark.parametrize("content", [[], {}, {"keys": 1}, {"keys": [1]}, {"keys": [{"kid": "a", "d": "secret"}]}])
async def test_what_is_no_set_of_public_keys_is_refused(content: Any) -> None:
    with pytest.raises(Refused):
        await Published([], content=content).sets.keys(URL, "a")


async def test_who_has_a_known_key_does_not_wait_for_somebody_elses() -> None:
    """Anybody can name a key that is not there; the publisher may take his time to say so."""
    published = Published(["a"])
    sets = published.sets
    await sets.keys(URL, "a")
    published.now += 5
    answers = published.answers = asyncio.Event()
    looking = asyncio.create_task(sets.keys(URL, "made-up"))
    for _ in range(3):
        await asyncio.sleep(0)
    assert published.fetched == 2
    assert await asyncio.wait_for(sets.keys(URL, "a"), 1) == [{"kid": "a"}]
    answers.set()
    assert await looking == [{"kid": "a"}]


async def test_a_set_that_may_not_be_kept_is_fetched_once_for_all_who_wait_for_it() -> None:
    """Of some publishers it never may, and nobody's tokens queue behind those of others."""
    answers = asyncio.Event()
    published = Published(["a"], "no-store", answers=answers)
    sets = published.sets
    waiting = [asyncio.create_task(sets.keys(URL, "a")) for _ in range(10)]
    await asyncio.sleep(0)
    answers.set()
    assert await asyncio.gather(*waiting) == [[{"kid": "a"}]] * 10
    assert published.fetched == 1
    assert await sets.keys(URL, "a") == [{"kid": "a"}]
    assert published.fetched == 2


async def test_who_goes_away_takes_nothing_from_those_who_wait() -> None:
    """Though it was his request that began the fetch."""
    answers = asyncio.Event()
    published = Published(["a"], answers=answers)
    sets = published.sets
    first = asyncio.create_task(sets.keys(URL, "a"))
    await asyncio.sleep(0)
    second = asyncio.create_task(sets.keys(URL, "a"))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    answers.set()
    assert await second == [{"kid": "a"}]
    assert published.fetched == 1
