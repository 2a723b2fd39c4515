"""Puts the referral loop together for a running service: what is read from files is read once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from service.documents.case import Knowledge
from service.documents.press import Press
from service.loop.achievement import Achievements
from service.loop.apply import Apply
from service.loop.diagnoses import Diagnoses
from service.loop.elsewhere import Elsewhere
from service.loop.extract import Extract
from service.loop.forms import Forms
from service.loop.necessity_packet import NecessityPacket
from service.loop.outcome_measures import OutcomeMeasures
from service.loop.outcome_summary import OutcomeSummary
from service.loop.plausibility import Plausibility
from service.loop.populate import Populate
from service.loop.progress_report import ProgressReport
from service.loop.record_session import RecordSession
from service.loop.referrals import Referrals
from service.loop.responses import Responses
from service.loop.rules import ReferralRules
from service.loop.safety import Safety
from service.loop.validate import Validate
from service.loop.visits import CountVisits
from service.massage import assessment, protocol
from service.massage.outcome import Measures
from service.massage.payers import load as load_payers
from service.massage.quality import Told
from service.massage.screening.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo
    from pathlib import Path

    from service.fhir.definitions import Definitions
    from service.fhir.search.registry import Registry
    from service.massage.protocol import Protocols
    from service.massage.quality import Period


class Loop(Struct, frozen=True, kw_only=True):
    """What it goes by, the safety rules in force, what rules on writes, and the operations beside those of FHIR."""

    knowledge: Knowledge
    safety_rules: Rules
    rules: ReferralRules
    operations: Mapping[str, Any]


def loop_of(
    definitions: Definitions,
    registry: Registry,
    zone: tzinfo,
    overrides: Path | None = None,
    payers_path: Path | None = None,
    smallest_group: int = 5,
    outcome_period: Period = "half-year",
) -> Loop:
    """The loop by the catalogue, with a deployment's severities, and its payers' rules, over the usual ones.

    RulesError or PayersError where these cannot be read.
    """
    payers, protocols = load_payers(payers_path), protocol.load()
    catalogue, types = protocols.catalogue, definitions.resource_types
    safety_rules, referrals = Rules.of(catalogue, overrides), Referrals(catalogue)
    safety = Safety(safety_rules, referrals, registry, types)
    plausibility = Plausibility(catalogue, zone, Diagnoses(safety_rules.index))
    forms = Forms(assessment.load(known=catalogue), registry, types, zone)
    knowledge = Knowledge(catalogue=catalogue, measures=Measures(catalogue), payers=payers)
    elsewhere = Elsewhere(registry, types, payers, zone)
    return Loop(
        knowledge=knowledge,
        safety_rules=safety_rules,
        rules=ReferralRules(
            referrals,
            safety,
            plausibility,
            Responses(forms, types),
            types,
            elsewhere,
            payers,
            achievements=Achievements(knowledge.measures, zone),
        ),
        operations={
            **_operations(protocols, forms, knowledge, referrals, safety, elsewhere),
            "validate": Validate(forms, plausibility),
            "outcome-measures": OutcomeMeasures(Told(catalogue, knowledge.measures), smallest_group, outcome_period),
        },
    )


def _operations(
    protocols: Protocols,
    forms: Forms,
    knowledge: Knowledge,
    referrals: Referrals,
    safety: Safety,
    elsewhere: Elsewhere,
) -> dict[str, Any]:
    press = Press()
    return {
        "apply": Apply(protocols, referrals, safety, knowledge.payers),
        "extract": Extract(forms),
        "necessity-packet": NecessityPacket(knowledge, press),
        "outcome-summary": OutcomeSummary(knowledge.measures, knowledge.payers),
        "populate": Populate(forms),
        "progress-report": ProgressReport(knowledge, referrals, press),
        "record-session": RecordSession(protocols.catalogue, referrals),
        "visits": CountVisits(knowledge.payers, elsewhere),
    }
