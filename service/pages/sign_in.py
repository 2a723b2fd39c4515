"""The page on which a person gives an access token, and leaves again; it holds no script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from service.pages import stylesheet
from service.pages.asset import SECURITY_HEADERS
from service.pages.templating import rendered

if TYPE_CHECKING:
    from collections.abc import Callable

_ICON: Final = "assets/swagger-ui/favicon-32x32.png"
_HEADERS: Final = {**SECURITY_HEADERS, "Cache-Control": "no-store"}


def sign_in_page(version: str) -> Callable[[str], Response]:
    """What makes the page, with something to tell or nothing."""

    def page(told: str) -> Response:
        sheet = f"assets/{stylesheet.name()}"
        body = rendered("sign_in.html", title="Sign in", icon=_ICON, stylesheet=sheet, version=version, told=told)
        return Response(body, headers=_HEADERS, media_type="text/html")

    return page
