"""The addresses outside of FHIR that a browser visits: ``/``, ``/docs``, ``/openapi.json`` and the assets they need."""

from __future__ import annotations

import asyncio
from functools import cache, partial
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from service.pages import stylesheet
from service.pages.asset import Asset, kept_for_ever

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

ASSETS: Final = {
    "pages.css": "text/css",
    "docs.js": "text/javascript",
    "landing.js": "text/javascript",
    "swagger-ui/swagger-ui.css": "text/css",
    "swagger-ui/swagger-ui-bundle.js": "text/javascript",
    "swagger-ui/favicon-32x32.png": "image/png",
}
"""The bundled files that are served, each with its media type; nothing else under `assets/` is reachable."""


def routes(*, document: Callable[[], bytes], version: str) -> list[Route]:
    """The pages as routes for the application; `document` makes the OpenAPI JSON and is called once, in a thread.

    The pages link to each other and to ``fhir/`` relatively, so they work behind a path prefix.
    """

    @cache
    def asset(name: str) -> Asset:
        return Asset.of(files(__package__).joinpath("assets", name).read_bytes(), ASSETS[name])

    @cache
    def page(name: str) -> Asset:
        source = files(__package__).joinpath("templates", name).read_text("utf-8")
        return Asset.of(Template(source).substitute(version=version).encode(), "text/html")

    served = _Once(lambda: Asset.of(document(), "application/json"))
    return [
        Route("/", _answering(partial(page, "landing.html"))),
        Route("/docs", _answering(partial(page, "docs.html"))),
        Route("/openapi.json", served.answer),
        *(Route(f"/assets/{name}", _answering(partial(asset, name))) for name in ASSETS),
        Route(f"/assets/{stylesheet.name()}", kept_for_ever(stylesheet.content(), "text/css")),
    ]


def _answering(find: Callable[[], Asset]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return find().answer(request)

    return answer


class _Once:
    """An asset that takes long to make: made in a thread on first demand, whoever else asks waits for the same one."""

    def __init__(self, make: Callable[[], Asset]) -> None:
        self._make = make
        self._made: Asset | None = None
        self._lock = asyncio.Lock()

    async def answer(self, request: Request) -> Response:
        async with self._lock:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
        return self._made.answer(request)
