"""Puts the rules of the referral loop together for a running service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.loop.plausibility import Plausibility
from service.loop.referrals import Referrals
from service.loop.rules import ReferralRules
from service.loop.safety import Safety
from service.massage.catalogue.rows import load
from service.massage.screening.rules import Rules

if TYPE_CHECKING:
    from pathlib import Path

    from service.fhir.definitions import Definitions
    from service.fhir.search.registry import Registry


def referral_rules(definitions: Definitions, registry: Registry, overrides: Path | None = None) -> ReferralRules:
    """The rules with a deployment's severities over the catalogue's; RulesError where these cannot be read."""
    catalogue = load()
    referrals = Referrals(catalogue)
    safety = Safety(Rules.load(override_path=overrides), referrals, registry, definitions.resource_types)
    return ReferralRules(referrals, safety, Plausibility(catalogue), definitions.resource_types)
