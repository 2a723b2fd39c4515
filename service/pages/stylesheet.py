"""The one style sheet of the pages below FHIR, known by its digest, so that browsers may keep it for ever."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

_SOURCE: Final = "fhir.css"


@cache
def content() -> bytes:
    """The style sheet."""
    return files(__package__).joinpath("assets", _SOURCE).read_bytes()


@cache
def name() -> str:
    """Its file name below ``assets/``, another one whenever it changes."""
    return f"fhir.{hashlib.sha256(content()).hexdigest()[:16]}.css"
