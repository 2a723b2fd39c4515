"""The steps of the life cycles as a CodeSystem: what `Provenance.activity` of a change of state names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from service.massage.catalogue.published import published
from service.massage.fingerprint import fingerprint_of

if TYPE_CHECKING:
    from service.fhir.resource import Content

_TABLES: Final = Path(__file__).parent / "cycle" / "tables"


def fingerprint() -> str:
    """A digest of what the codes are made of; it reads the tables without importing them."""
    return fingerprint_of(_TABLES.glob("*.py"))


def resources() -> list[Content]:
    """The CodeSystem, a code for each row of the tables."""
    from service.massage.cycle.tables import MACHINES  # noqa: PLC0415 - only when it is to be stored

    content = published(
        "CodeSystem",
        "referral-step",
        title="Steps of the referral loop",
        description="The steps that referrals, tasks, plans, visits and reports may take from one state to another.",
    )
    concepts = [
        {
            "code": step.name,
            "display": f"{machine.kind}: {', '.join(step.sources)} to {step.target}",
        }
        for machine in MACHINES.values()
        for step in machine.steps
    ]
    return [content | {"caseSensitive": True, "content": "complete", "count": len(concepts), "concept": concepts}]
