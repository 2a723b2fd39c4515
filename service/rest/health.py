"""What runs the service asks of it, outside of FHIR: ``/health/live`` and ``/health/ready``; and all other addresses.

Live: the process answers. Ready: it can do its work; when not, the answer is 503 and says why.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.routing import Route

from service.fhir.outcome import Category

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request

    from service.fhir.outcome import FhirError

HEALTH: Final = "/health/"
"""Where these addresses begin."""

_HEADERS: Final = {"Cache-Control": "no-store"}


def health_routes(*, version: str, obstacles: Callable[[], Awaitable[Sequence[str]]]) -> list[Route]:
    """The two routes; `obstacles` are sentences that say why the service cannot work, none when it can."""

    async def live(_: Request) -> Response:
        return _json({"status": "live", "version": version})

    async def ready(_: Request) -> Response:
        reasons = list(await obstacles())
        if reasons:
            return _json({"status": "unavailable", "version": version, "reasons": reasons}, Category.UNAVAILABLE.status)
        return _json({"status": "ready", "version": version})

    return [Route("/health/live", live), Route("/health/ready", ready)]


async def _nothing_here(_: Request, __: Exception) -> Response:
    """The answer for an address that is neither FHIR's nor a page's."""
    told = "Nothing is served here. FHIR is below /fhir, its documentation at /docs."
    return _json({"detail": told}, Category.NOT_FOUND.status)


def refused(error: FhirError) -> Response:
    """The answer to a request outside of FHIR that is refused before anybody looks at its address."""
    return _json({"detail": error.issues[0].diagnostics}, error.category.status)


ELSEWHERE: Final[dict[int | type[Exception], Any]] = {Category.NOT_FOUND.status: _nothing_here}
"""The exception handlers of the application around FHIR."""


def _json(content: object, status: int = 200) -> Response:
    return Response(json.dumps(content), status, _HEADERS, "application/json")
