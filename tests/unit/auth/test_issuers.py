"""What issuers publish about themselves: asked for once for all who wait, and known until there is a newer one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from service.access.refusal import Refused
from service.auth.issuers import Issuers
from service.outgoing.error import OutgoingError
from service.outgoing.fetch import Document

if TYPE_CHECKING:
    from service.auth.key_sets import KeySets
    from service.store.tokens import Tokens

ISSUER = "https://login.example.org"
KNOWN = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}


@dataclass
class Publisher:
    """An issuer that answers when it `answers`, and how often it was asked."""

    answers: asyncio.Event = field(default_factory=asyncio.Event)
    fails: bool = False
    asked: int = 0
    now: float = 1000.0

    async def __call__(self, url: str) -> Document:
        assert url == f"{ISSUER}/.well-known/openid-configuration"
        self.asked += 1
        await self.answers.wait()
        if self.fails:
            raise OutgoingError("The host could not be reached.")
        return Document(content=KNOWN, headers={"cache-control": "max-age=60"})

    @property
    def issuers(self) -> Issuers:
        """The only issuer; tokens and keys are none of it."""
        return Issuers(
            [ISSUER],
            base="https://massage.example.org/fhir",
            audience="x",
            algorithms=["ES384"],
            fetch=self,
            key_sets=cast("KeySets", None),
            tokens=cast("Tokens", None),
            now=lambda: self.now,
        )


@pytest.mark.parametrize("fails", [False, True])
async def test_a_slow_issuer_is_asked_once_for_all_who_wait(*, fails: bool) -> None:
    """Anybody can make up a token of its: that must not make us a hammer."""
    publisher = Publisher(fails=fails)
    issuers = publisher.issuers
    waiting = [asyncio.create_task(issuers.discovery(ISSUER)) for _ in range(20)]
    await asyncio.sleep(0)
    publisher.answers.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(each, Refused) if fails else each == KNOWN for each in found)
    assert publisher.asked == 1


async def test_while_one_asks_again_the_others_go_on_by_what_is_known() -> None:
    """Nobody else waits for an issuer that is slow, or away."""
    publisher = Publisher(fails=False)
    issuers = publisher.issuers
    publisher.answers.set()
    assert await issuers.discovery(ISSUER) == KNOWN
    publisher.answers.clear()
    publisher.fails = True
    publisher.now += 60
    asking = asyncio.create_task(issuers.discovery(ISSUER))
    await asyncio.sleep(0)
    assert await asyncio.wait_for(issuers.discovery(ISSUER), 1) == KNOWN
    publisher.answers.set()
    assert await asking == KNOWN
    assert publisher.asked == 2
