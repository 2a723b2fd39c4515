"""Running the service: the database first, then one worker in this process or several below it; stopping in reverse.

A stop (SIGTERM, Ctrl-C) closes the listening socket, finishes the requests under way, closes the connections and, last,
stops the embedded database if nobody else uses it. Workers that die are replaced; workers whose parent died stop.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.metadata
import logging
import math
import multiprocessing
import os
import secrets
import signal
import ssl
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from pydantic import SecretStr
from uvicorn.supervisors import Multiprocess

from service import collector
from service.connection import BoundedHead
from service.listening import listener
from service.logs import event, set_up_logs
from service.store.embedded import Embedded
from service.store.migration import migrate
from service.store.secret import shared_secret
from service.store.shipped import shipped_fingerprint

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from service.app import Application
    from service.settings import Settings

_LOG: Final = logging.getLogger(__name__)
_BACKLOG: Final = 2048
_KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the 60 s that balancers keep idle connections, so that the balancer closes them and loses no request."""
_SECRET_BYTES: Final = 32
_COMPLETE_AFTER_SECONDS: Final = 1.0
_BACKGROUND_CONNECTIONS: Final = 5
"""As many as `app.BACKGROUND_CONNECTIONS`, which the parent of several workers has no use for otherwise."""
_SPARE_CONNECTIONS: Final = 20
"""For migrations, psql and PostgreSQL's own reserve."""


class ServeError(Exception):
    """The service cannot start; the message says why."""


def serve(settings: Settings) -> None:
    """Serve until told to stop. `ServeError`, `EmbeddedError` or `MigrationError` when that cannot begin."""
    signal.signal(signal.SIGTERM, _exit)
    _check_certificate(settings)
    _check_rules(settings)
    listening = _listener(settings)
    with database(settings, meanwhile=_import_application if settings.workers == 1 else None) as settled:
        prepared = asyncio.run(_prepared(settled))
        config = _configuration(prepared)
        host, port = listening.getsockname()[:2]
        if settings.auth_mode == ("open",):
            _LOG.warning(
                "AUTH_MODE is open: everybody on this machine can read and change everything; no real patients"
            )
        event(
            _LOG,
            logging.INFO,
            "serving",
            address=_address("https" if settings.tls_certificate else "http", host, port),
            workers=settings.workers,
        )
        if settings.workers > 1:
            Multiprocess(config, sockets=[listening]).run()
        else:
            # the signal that ended it is raised again by uvicorn, and leaves this block as SystemExit
            uvicorn.Server(config).run(sockets=[listening])


def _configuration(settings: Settings) -> uvicorn.Config:
    """How uvicorn is to serve."""
    return uvicorn.Config(
        functools.partial(application, settings),
        factory=True,
        interface="asgi3",
        workers=settings.workers,
        loop="uvloop" if sys.implementation.name == "cpython" else "auto",
        http=BoundedHead,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # see `rest.proxies`
        proxy_headers=False,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(settings.shutdown_grace_seconds),
    )


@contextmanager
def database(settings: Settings, *, meanwhile: Callable[[], None] | None = None) -> Iterator[Settings]:
    """The settings with the URL of a database: the named one, or an embedded one that runs within the block.

    `meanwhile` is called while the embedded one starts.
    """
    if settings.database_url is not None:
        yield settings
        return
    connections = settings.workers * (settings.pool_max_size + _BACKGROUND_CONNECTIONS) + _SPARE_CONNECTIONS
    with Embedded(settings.data_dir, connections=connections) as embedded:
        if meanwhile is not None:
            meanwhile()
        url = SecretStr(embedded.wait_until_ready())
        embedded.watch()
        try:
            yield settings.model_copy(update={"database_url": url})
        finally:
            # whoever asks again to stop must not keep the database from stopping cleanly
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)


async def prepare(settings: Settings) -> Settings:
    """Migrate the database and settle what all workers share; `MigrationError` when the database cannot be used."""
    if settings.database_url is None:
        raise ValueError("the settings name no database")
    url = settings.database_url.get_secret_value()
    if await migrate(url, wait_seconds=settings.database_wait_seconds):
        event(_LOG, logging.INFO, "migrated the database")
    if settings.cursor_secret is not None:
        return settings
    secret = await shared_secret(url, "cursor", secrets.token_bytes(_SECRET_BYTES))
    return settings.model_copy(update={"cursor_secret": SecretStr(secret.hex())})


async def publish(settings: Settings) -> int:
    """Store the resources that come with the service where the database has those of another release, or none.

    How many were stored. Of a prepared database that has them this costs one row.
    """
    from service import shipped  # noqa: PLC0415 - `massage-fhir migrate` and others have no use for it

    if settings.database_url is None:
        raise ValueError("the settings name no database")
    fingerprint = shipped.fingerprint(importlib.metadata.version("massage-fhir"))
    if await shipped_fingerprint(settings.database_url.get_secret_value()) == fingerprint:
        return 0
    from service.app import publish as store  # noqa: PLC0415 - as above

    return await store(settings, shipped.resources(), fingerprint)


async def _prepared(settings: Settings) -> Settings:
    prepared = await prepare(settings)
    if stored := await publish(prepared):
        event(_LOG, logging.INFO, "stored what comes with the service", resources=stored)
    return prepared


def application(settings: Settings) -> Application:
    """What a worker runs, built in the worker."""
    collector.seldom()
    parent = multiprocessing.parent_process()
    if parent is not None:
        set_up_logs(settings.log_level, settings.log_format)
        threading.Thread(target=_follow, args=(parent,), daemon=True, name="follow-parent").start()
    from service.app import create_app  # noqa: PLC0415 - the parent of several workers has no use for it

    created = create_app(settings)
    later = threading.Timer(_COMPLETE_AFTER_SECONDS, _complete, (created,))
    later.daemon = True
    later.start()
    collector.leave_alone()
    return created


def _complete(created: Application) -> None:
    created.complete()
    collector.leave_alone()


def _import_application() -> None:
    """What takes longest of a start, and needs no database."""
    import service.app  # noqa: F401, PLC0415


def _follow(parent: Any) -> None:
    """Stop when the parent is gone: nobody would restart this worker, and it would hold the port."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _listener(settings: Settings) -> socket.socket:
    try:
        return listener(settings.host, settings.port, workers=settings.workers)
    except OSError as error:
        told = f"cannot listen on {settings.host} port {settings.port}: {error.strerror}"
        raise ServeError(told) from error


def _check_certificate(settings: Settings) -> None:
    """`ServeError` where TLS cannot be served: workers that cannot start would be started again and again."""
    if settings.tls_certificate is None:
        return
    try:
        # a key with a passphrase would be asked for at the terminal
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            settings.tls_certificate, settings.tls_key, password=lambda: b""
        )
    except OSError as error:
        raise ServeError(
            "TLS_CERTIFICATE and TLS_KEY must be a certificate and its private key as PEM, readable and without a "
            "passphrase"
        ) from error


def _check_rules(settings: Settings) -> None:
    """`ServeError` where a deployment's safety rules, or its payers', cannot be read, for the same reason."""
    if settings.safety_overrides is not None:
        from service.massage.screening.override import RulesError  # noqa: PLC0415 - most have none
        from service.massage.screening.rules import Rules  # noqa: PLC0415

        try:
            Rules.load(override_path=settings.safety_overrides)
        except RulesError as error:
            raise ServeError(f"SAFETY_OVERRIDES: {error}") from error
    if settings.payer_rules is not None:
        from service.massage import payers  # noqa: PLC0415 - as above

        try:
            payers.load(settings.payer_rules)
        except payers.PayersError as error:
            raise ServeError(f"PAYER_RULES: {error}") from error


def _address(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host}]:{port}/fhir" if ":" in host else f"{scheme}://{host}:{port}/fhir"


def _exit(_number: int, _frame: object) -> None:
    raise SystemExit(0)
