"""Puts the rules of the referral loop together for a running service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.loop.plausibility import Plausibility
from service.loop.outcome_summary import OutcomeSummary
from service.loop.referrals import Referrals
from service.loop.rules import ReferralRules
from service.loop.safety import Safety
from service.massage.catalogue.rows import load
from service.massage.outcome import Measures
from service.massage.screening.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from service.fhir.definitions import Definitions
    from service.fhir.search.registry import Registry


def referral_rules(definitions: Definitions, registry: Registry, overrides: Path | None = None) -> ReferralRules:
    """The rules with a deployment's severities over the catalogue's; RulesError where these cannot be read."""
    catalogue = load()
    referrals = Referrals(catalogue)
    safety = Safety(Rules.load(override_path=overrides), referrals, registry, definitions.resource_types)
    return ReferralRules(referrals, safety, Plausibility(catalogue), definitions.resource_types)


def operations() -> Mapping[str, Any]:
    """Operation name → what performs it, of the operations that the loop adds to those of FHIR."""
    return {"outcome-summary": OutcomeSummary(Measures(load()))}
