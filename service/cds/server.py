"""The service put together from what a deployment has chosen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from service.cds.hooks import PLACE
from service.cds.policy import policy_page
from service.cds.recording import Recording
from service.cds.routes import Reception, routes
from service.cds.safety import Safety
from service.outgoing.fetch import Fetch
from service.rest.cors import Origins

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.routing import Route

    from service.cds.trust import Trust
    from service.massage.screening.rules import Rules
    from service.outgoing.address import Network
    from service.rest.recording import Journal
    from service.store.pool import Pool

MOST_BYTES: Final = 4 << 20
"""Of a call: two hundred conditions and as much again are some 300 KB."""

_FETCH_SECONDS: Final = 2.5
_FETCHED_BYTES: Final = 2 << 20


class Choices(Protocol):
    """What a deployment chooses: see the settings of the same names."""

    @property
    def auth_mode(self) -> tuple[str, ...]:
        """In the open mode everybody may call."""

    @property
    def cds_key_sets(self) -> dict[str, str]:
        """Issuer → URL of its key set."""

    @property
    def private_networks(self) -> Sequence[Network]:
        """Where an EHR's FHIR server may be besides public addresses."""

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """The origins that browsers may call from."""

    @property
    def max_body_bytes(self) -> int:
        """The largest body, which here is `MOST_BYTES` at most."""

    @property
    def body_timeout_seconds(self) -> float:
        """The longest wait for it."""

    @property
    def client_requests_per_minute(self) -> int:
        """The most calls of one issuer."""

    @property
    def stranger_requests_per_minute(self) -> int:
        """The most calls from one address that do not prove who sends them."""

    @property
    def workers(self) -> int:
        """Each has its share of them."""


def cds_routes(
    choices: Choices, rules: Rules, fhir: str, pool: Pool, journal: Journal | None, now: Callable[[], float]
) -> list[Route]:
    """All of it, for one worker; `fhir` is the public FHIR base URL, `now` is in seconds since 1970."""
    root = fhir.rpartition("/")[0] if urlsplit(fhir).path.strip("/") else fhir
    fetch = Fetch(allowed=choices.private_networks, timeout_seconds=_FETCH_SECONDS, max_bytes=_FETCHED_BYTES)
    safety = Safety(rules, fetch=fetch, policy=f"{root}/policy", now=lambda: datetime.fromtimestamp(now(), UTC))
    reception = Reception(
        safety,
        trust=_trust(choices, pool, now),
        recording=Recording(journal, safety.now),
        origins=Origins(choices.cors_origins),
        place=f"{root}{PLACE}",
        max_bytes=min(choices.max_body_bytes, MOST_BYTES),
        timeout_seconds=choices.body_timeout_seconds,
    )
    return routes(reception, policy_page(rules))


def _trust(choices: Choices, pool: Pool, now: Callable[[], float]) -> Trust | None:
    if choices.auth_mode == ("open",):
        return None
    from service.cds.trust import Limits, trust_in  # noqa: PLC0415 - the open mode has no use for it

    limits = Limits(
        each_issuer=choices.client_requests_per_minute,
        each_stranger=choices.stranger_requests_per_minute,
        workers=choices.workers,
    )
    return trust_in(choices.cds_key_sets, pool, limits, now=now)
