"""Regular expressions of paths, by an engine that takes linear time for whatever it is given.

pydantic-core's engine (Rust's `regex`) knows no look-around and no back-references. Paths that are part of the service
may use them all the same; `is_linear` tells who takes paths from others.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic_core import SchemaError, SchemaValidator
from pydantic_core import core_schema as cs

from service.fhir.path.error import PathError

if TYPE_CHECKING:
    from collections.abc import Callable


@lru_cache(maxsize=256)
def matcher(pattern: str, *, whole: bool) -> Callable[[str], bool]:
    """Whether a text has a part, or is as a `whole`, what the pattern describes; PathError if it cannot be read."""
    found = _linear(pattern, whole=whole)
    if found is not None:
        return found
    compiled = python_pattern(pattern)
    method = compiled.fullmatch if whole else compiled.search
    return lambda text: method(text) is not None


def is_linear(pattern: str) -> bool:
    """Whether the pattern takes linear time."""
    return _linear(pattern, whole=False) is not None


@lru_cache(maxsize=256)
def python_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern for Python's engine, which may take exponential time."""
    try:
        return re.compile(pattern, re.DOTALL)
    except (re.error, OverflowError, RecursionError):
        raise PathError("The path has a regular expression that cannot be read.") from None


def _linear(pattern: str, *, whole: bool) -> Callable[[str], bool] | None:
    try:
        alone = SchemaValidator(cs.str_schema(pattern=f"(?s){pattern}", strict=True))
        if not whole:
            return alone.isinstance_python
        return SchemaValidator(cs.str_schema(pattern=rf"\A(?s:{pattern})\z", strict=True)).isinstance_python
    except (SchemaError, UnicodeError):
        return None
