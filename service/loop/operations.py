"""The operations that the loop adds to those of FHIR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.loop.apply import Apply
from service.loop.outcome_summary import OutcomeSummary
from service.loop.referrals import Referrals
from service.loop.safety import Safety
from service.massage import protocol
from service.massage.outcome import Measures
from service.massage.screening.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from service.fhir.definitions import Definitions
    from service.fhir.search.registry import Registry


def operations(definitions: Definitions, registry: Registry, overrides: Path | None = None) -> Mapping[str, Any]:
    """Operation name → what performs it, by the catalogue that comes with the service and a deployment's severities."""
    protocols = protocol.load()
    referrals = Referrals(protocols.catalogue)
    safety = Safety(Rules.load(override_path=overrides), referrals, registry, definitions.resource_types)
    return {
        "apply": Apply(protocols, referrals, safety),
        "outcome-summary": OutcomeSummary(Measures(protocols.catalogue)),
    }
