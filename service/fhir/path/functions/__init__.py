"""The functions of FHIRPath by their names: collections, text, values, and those that FHIR adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.path.functions import collections, fhir, strings, values
from service.fhir.path.functions.fhir import UNSUPPORTED
from service.fhir.path.functions.invocation import Function, Invocation

if TYPE_CHECKING:
    from collections.abc import Mapping

FUNCTIONS: Final[Mapping[str, Function]] = {
    **collections.FUNCTIONS,
    **strings.FUNCTIONS,
    **values.FUNCTIONS,
    **fhir.FUNCTIONS,
}
"""Every function that a path may call, apart from the type functions `is`, `as` and `ofType`."""

__all__ = ["FUNCTIONS", "UNSUPPORTED", "Function", "Invocation"]
