"""How the pages are written: Jinja2 templates that escape every value, and show what is hidden in one.

https://jinja.palletsprojects.com/
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from service.fhir.visible import visible

if TYPE_CHECKING:
    from jinja2 import Environment


def rendered(template: str, **values: Any) -> bytes:
    """The template of that name with these values; one that it lacks is a mistake, not an empty place."""
    return _environment().get_template(template).render(values).encode()


def prepare() -> None:
    """Read the template language, a tenth of a second that the first page then does not take."""
    _environment()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - a start has no use for it

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: Any) -> Any:
    """Every value that a template writes comes by here before it is escaped."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
