"""The composition root: builds the service from its settings, explicitly; the only module that knows all packages.

`service.serve` brings the database up to date once per start; `create_app` builds what each worker runs.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Router

from service.assembly import Standard, assemble, command_pool, compile_standard, version
from service.cds.server import cds_routes
from service.fhir.interaction import Context
from service.fhir.outcome import FhirError
from service.fhir.search.ucum import conversion_of
from service.interactions.current import CurrentParts
from service.interactions.perform import Engine
from service.interactions.shipped import ship
from service.jobs.anchors import anchored
from service.jobs.background import Background
from service.jobs.clock import Clock
from service.jobs.reindexing import Reindexing
from service.logs import AccessLog, request_id
from service.loop.server import loop_of
from service.operations.table import OPERATIONS
from service.pages import templating
from service.pages.browser import Pages
from service.pages.routes import routes as page_routes
from service.pages.sheets import Sheets
from service.pages.sign_in import sign_in_page
from service.rest.application import FhirApplication
from service.rest.deferred import Deferred
from service.rest.health import ELSEWHERE, health_routes
from service.rest.hosts import Hosts
from service.rest.proxies import Proxies
from service.rest.surroundings import Surroundings
from service.settings import fhir_url
from service.store.audit.chain import Chains
from service.store.audit.journal import Journal
from service.store.lease import LapsedError
from service.store.migration import HEAD, current
from service.store.pool import Pool
from service.store.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence

    from fastapi import FastAPI
    from starlette.routing import Route

    from service.auth.server import AccessServer
    from service.interactions.parts import Parts
    from service.loop.rules import ReferralRules
    from service.loop.server import Loop
    from service.settings import Settings

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

_FHIR: Final = "/fhir"
_READY_SECONDS: Final = 3.0
_MOST_TRIES: Final = 10
"""Of storing what comes with the service, each of which has the length of a lease."""
BACKGROUND_CONNECTIONS: Final = 5
"""Of each worker: two for each of two jobs, of which one holds the lock, and one to look up the search parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a worker does beside answering requests, on connections of its own, and the parts that follow from it."""

    current: CurrentParts
    background: Background
    pool: Pool
    journal: Journal | None


class Application:
    """The whole service as one ASGI application.

    FHIR requests do not pass through the framework: its router and middleware cost more than reading a resource.
    """

    def __init__(
        self,
        *,
        fhir: FhirApplication,
        elsewhere: Deferred,
        apart: frozenset[str],
        pool: Pool,
        beside: Beside,
        around: Surroundings,
    ) -> None:
        """`apart`: the addresses that are below FHIR and answered elsewhere, being none of its interactions."""
        self._fhir = fhir
        self._apart = apart
        self._elsewhere = elsewhere
        self._pool = pool
        self._beside = beside
        self._around = around
        self._lifespan = Router(lifespan=lambda _: self.running())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to FHIR or, outside of it, to health and pages."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        self._around.resolve(scope)
        path: str = scope["path"]
        is_below = path.startswith(_FHIR) and path[len(_FHIR) : len(_FHIR) + 1] in ("", "/")
        if is_below and path not in self._apart:
            scope["root_path"] = scope.get("root_path", "") + _FHIR
            await self._fhir(scope, receive, send)
            return
        await self._around.protect(self._elsewhere, scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connected to the database within the block; without a database it starts all the same, and is not ready."""
        await self._pool.fill()
        try:
            async with self._beside.background.running(), anchored(self._beside.journal):
                yield
        finally:
            self._fhir.begin_shutdown()
            await self._beside.pool.close()
            await self._pool.close()

    def complete(self) -> None:
        """Make, in any thread, what some requests need and a start should not wait for: a second of work."""
        self._beside.current.parts.validator.compile()
        self._elsewhere.made()
        conversion_of("1")  # reads UCUM's table
        templating.prepare()


def create_app(
    settings: Settings, standard: Standard | None = None, *, now: Callable[[], float] = time.time
) -> Application:
    """The application for settings that `serve.prepare` has settled, not yet connected; `now` in seconds since 1970."""
    if settings.database_url is None or settings.cursor_secret is None:
        raise ValueError("the settings name no database or no cursor secret")
    standard = standard or compile_standard()
    chains = Chains() if settings.is_audited else None
    pool = _pool(settings, chains)
    journal = Journal(pool, chains, now=lambda: datetime.now(UTC)) if chains else None
    access = _access(settings, pool, journal, now)
    secret, security = settings.cursor_secret.get_secret_value(), access.security if access else None
    parts = assemble(settings, standard, pool, secret, chains=chains, security=security)
    chosen = (settings.safety_overrides, settings.payer_rules, settings.smallest_group, settings.outcome_period)
    loop = loop_of(standard.definitions, standard.registry, settings.time_zone, *chosen)
    rules = loop.rules if settings.referral_rules == "on" else None
    beside = _beside(settings, replace(parts, rules=rules), journal, rules)
    around = _around(settings)
    fhir = FhirApplication(
        Engine(beside.current, {**OPERATIONS, **loop.operations}),
        definitions=standard.definitions,
        base_url=settings.base_url,
        hosts=around.hosts,
        max_body_bytes=settings.max_body_bytes,
        body_timeout_seconds=settings.body_timeout_seconds,
        cors_origins=settings.cors_origins,
        access_log=AccessLog() if settings.access_log else None,
        door=access.gate if access else None,
        pages=_pages(settings, standard, loop),
        journal=journal,
        bind_request_id=request_id.set,
    )
    hooks = cds_routes(settings, loop.safety_rules, fhir_url(settings), pool, journal, now)
    routes = access.routes if access else ()
    elsewhere = Deferred(lambda: _elsewhere(standard, pool, [*routes, *hooks]))
    apart = frozenset(route.path for route in routes if route.path.startswith(f"{_FHIR}/"))
    return Application(fhir=fhir, elsewhere=elsewhere, apart=apart, pool=pool, beside=beside, around=around)


def _pages(settings: Settings, standard: Standard, loop: Loop) -> Pages:
    signs_in = settings.auth_mode != ("open",)
    zone = settings.time_zone
    known = (standard.definitions, loop.knowledge, loop.safety_rules)
    return Pages(Sheets(*known, zone, version(), signs_in=signs_in))


def _around(settings: Settings) -> Surroundings:
    proxies = Proxies(settings.trusted_proxies, settings.proxy_headers) if settings.trusted_proxies else None
    return Surroundings(proxies, Hosts(settings.known_hosts), settings.base_url)


def _pool(settings: Settings, chains: Chains | None) -> Pool:
    """The connections by which requests are answered, each with a chain of audit records where there are any."""
    return Pool(
        settings.database_url.get_secret_value() if settings.database_url else "",
        min_size=settings.pool_min_size,
        max_size=settings.pool_max_size,
        acquire_timeout_seconds=settings.acquire_timeout_seconds,
        statement_timeout_seconds=settings.statement_timeout_seconds,
        on_connect=chains.open if chains else None,
    )


def _beside(settings: Settings, parts: Parts, journal: Journal | None, rules: ReferralRules | None) -> Beside:
    pool = command_pool(
        settings, connections=BACKGROUND_CONNECTIONS, acquire_timeout_seconds=settings.acquire_timeout_seconds
    )
    store = Store(pool)
    current = CurrentParts(parts, store)
    reindexing = Reindexing(current, store, base=settings.base_url or "", clock=lambda: datetime.now(UTC))
    clock = None if rules is None else Clock(current, store, rules, base=settings.base_url or "")
    return Beside(current=current, background=Background(current, reindexing, store, clock), pool=pool, journal=journal)


def _access(settings: Settings, pool: Pool, journal: Journal | None, now: Callable[[], float]) -> AccessServer | None:
    """The gate before FHIR and the authorisation server; None in the open mode."""
    if settings.auth_mode == ("open",):
        return None
    from service.auth.server import Choices, access_server  # noqa: PLC0415 - the open mode has no use for it

    has_issuers = "oidc" in settings.auth_mode
    choices = Choices(
        fhir=fhir_url(settings),
        is_issuer="smart" in settings.auth_mode,
        issuers=settings.oidc_issuers if has_issuers else (),
        audience=settings.oidc_audience or "",
        algorithms=settings.oidc_algorithms,
        private_networks=settings.private_networks,
        requests_per_minute=settings.client_requests_per_minute,
        stranger_requests_per_minute=settings.stranger_requests_per_minute,
        workers=settings.workers,
    )
    return access_server(choices, pool, journal=journal, now=now, page=sign_in_page(version()))


async def publish(settings: Settings, resources: Sequence[dict[str, Any]], fingerprint: str) -> int:
    """Store the resources that come with the service; how many were new or had changed."""
    pool = command_pool(settings)
    try:
        current = CurrentParts(assemble(settings, compile_standard(), pool, cursor_secret=""))
        context = Context(base=settings.base_url or "", request_id="start", received_at=datetime.now(UTC))
        tries = 0
        while True:
            tries += 1
            try:
                return await ship(await current.renewed(), context, resources, fingerprint)
            except LapsedError:  # a machine that stood still, or was slow: nothing was written
                if tries == _MOST_TRIES:
                    raise
    finally:
        await pool.close()


def _elsewhere(standard: Standard, pool: Pool, access_routes: Sequence[Route]) -> FastAPI:
    """Everything outside of FHIR: health, documentation, tokens, and the answer for addresses that do not exist."""
    from fastapi import FastAPI  # noqa: PLC0415 - takes a sixth of a second, which FHIR need not wait for

    def specification() -> bytes:
        from service.rest.openapi import document  # noqa: PLC0415 - as above

        return document(standard.definitions, standard.registry, version=version())

    async def obstacles() -> list[str]:
        try:
            async with asyncio.timeout(_READY_SECONDS), pool.acquire() as connection:
                revision = await current(connection)
        except TimeoutError:
            return [f"The database did not answer within {_READY_SECONDS:.0f} s."]
        except FhirError as error:
            return [issue.diagnostics for issue in error.issues]
        if revision == HEAD:
            return []
        return [f"The database is at migration {revision or 'none'}, and this release needs {HEAD}."]

    return FastAPI(
        openapi_url=None,
        routes=[
            *access_routes,
            *health_routes(version=version(), obstacles=obstacles),
            *page_routes(document=specification, version=version()),
        ],
        exception_handlers=ELSEWHERE,
    )
