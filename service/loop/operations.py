"""The operations that the loop adds to those of FHIR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.loop.outcome_summary import OutcomeSummary
from service.massage.catalogue.rows import load
from service.massage.outcome import Measures

if TYPE_CHECKING:
    from collections.abc import Mapping


def operations() -> Mapping[str, Any]:
    """Operation name → what performs it, by the catalogue that comes with the service."""
    return {"outcome-summary": OutcomeSummary(Measures(load()))}
