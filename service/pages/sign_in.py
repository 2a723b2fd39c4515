"""The page on which a person gives an access token, and leaves again; it holds no script."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from service.pages import stylesheet
from service.pages.asset import SECURITY_HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable

_HEADERS: Final = {**SECURITY_HEADERS, "Cache-Control": "no-store"}


def sign_in_page(version: str) -> Callable[[str], Response]:
    """What makes the page, with something to tell or nothing."""
    source = Template(files(__package__).joinpath("templates", "sign_in.html").read_text("utf-8"))

    def page(told: str) -> Response:
        notice = f'<p class="notice" role="alert">{escape(told)}</p>' if told else ""
        body = source.substitute(version=escape(version), told=notice, stylesheet=f"assets/{stylesheet.name()}")
        return Response(body, headers=_HEADERS, media_type="text/html")

    return page
