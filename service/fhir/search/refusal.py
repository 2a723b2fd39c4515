"""The refusal of what a parameter of a search was given, in the same words for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.outcome import failure

if TYPE_CHECKING:
    from service.fhir.outcome import FhirError


def refused_value(name: str, rule: str) -> FhirError:
    """FhirError parameter-value, by the rule for the parameter that was broken, such as ``takes true or false``."""
    return failure("parameter-value", f"{name} {rule}.", f"http.{name}")
