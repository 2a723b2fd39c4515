"""The ConceptMaps of the catalogue.

Business status → BSeR, technique → SNOMED CT and CPT, treated condition → SNOMED CT and ICD-10-CM, measure → LOINC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.code_systems import BSER, CPT, ICD10CM, LOINC, SNOMED
from service.massage.catalogue.published import VERSION, canonical, published

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.catalogue.rows import Catalogue


def concept_maps(catalogue: Catalogue) -> list[Content]:
    """All ConceptMaps, in the order in which they are published. Rows without a counterpart are mapped to none."""
    return [
        _business_statuses(catalogue),
        *_techniques(catalogue),
        *_conditions(catalogue),
        _outcome_measures(catalogue),
    ]


def _business_statuses(catalogue: Catalogue) -> Content:
    return _concept_map(
        "business-status-to-bser",
        "referral-business-status",
        BSER,
        {
            code: (row.display, [_target(row.bser, row.mapping or "inexact", row.comment)] if row.bser else [])
            for code, row in catalogue.business_statuses.items()
        },
        title="Business status to BSeR",
        description="What is exported to partners that speak HL7 Bidirectional Services eReferral.",
    )


def _techniques(catalogue: Catalogue) -> list[Content]:
    techniques = catalogue.techniques
    return [
        _concept_map(
            "technique-to-snomed",
            "massage-technique",
            SNOMED,
            {
                code: (row.display, [_target(each, "wider", None, text) for each, text in row.wider.items()])
                for code, row in techniques.items()
            },
            title="Technique to SNOMED CT",
            description="The nearest concept of the Global Patient Set, which is wider than the technique.",
        ),
        _concept_map(
            "technique-to-cpt",
            "massage-technique",
            CPT,
            {
                code: (row.display, [_target(each, "relatedto", when) for each, when in row.cpt.items()])
                for code, row in techniques.items()
            },
            title="Technique to CPT",
            description="A hint for billing, by the intent of the technique and by the payer; never the clinical code. "
            "Codes only.",
        ),
    ]


def _conditions(catalogue: Catalogue) -> list[Content]:
    """What stands for a condition: the rows do not say of each code whether it is as wide as the condition."""
    rows = catalogue.conditions
    snomed = {code: (row.display, [_related(*each) for each in row.snomed.items()]) for code, row in rows.items()}
    billed = {code: (row.display, [_related(*each) for each in row.icd10cm.items()]) for code, row in rows.items()}
    return [
        _concept_map(
            "condition-to-snomed",
            "treated-condition-group",
            SNOMED,
            snomed,
            system="treated-condition",
            title="Treated condition to SNOMED CT",
            description="The concepts of the Global Patient Set that a condition of the catalogue is told by.",
        ),
        _concept_map(
            "condition-to-icd-10-cm",
            "treated-condition-group",
            ICD10CM,
            billed,
            system="treated-condition",
            title="Treated condition to ICD-10-CM",
            description="The billable codes that a condition of the catalogue is told by.",
        ),
    ]


def _related(code: str, display: str) -> Content:
    return _target(code, "relatedto", None, display)


def _outcome_measures(catalogue: Catalogue) -> Content:
    return _concept_map(
        "outcome-to-loinc",
        "massage-outcome",
        LOINC,
        {
            code: (
                row.display,
                [_target(each, "narrower" if what else "equivalent", what) for each, what in row.loinc.items()],
            )
            for code, row in catalogue.outcome_measures.items()
            if not row.abstract
        },
        title="Outcome measure to LOINC",
        description="The LOINC codes of the scores; those of one side, form or version are narrower.",
    )


def _concept_map(
    logical_id: str,
    source: str,
    target: str,
    elements: dict[str, tuple[str, list[Content]]],
    *,
    title: str,
    description: str,
    system: str | None = None,
) -> Content:
    """A map from a ValueSet, of codes of the CodeSystem of the same name unless `system` names it."""
    found = published("ConceptMap", logical_id, title=title, description=description, systems=(target,))
    found["sourceCanonical"] = canonical("ValueSet", source)
    found["group"] = [
        {
            "source": canonical("CodeSystem", system or source),
            "sourceVersion": VERSION,
            "target": target,
            "element": [
                {"code": code, "display": display, "target": targets or [{"equivalence": "unmatched"}]}
                for code, (display, targets) in elements.items()
            ],
        }
    ]
    return found


def _target(code: str, equivalence: str, comment: str | None, display: str | None = None) -> Content:
    found: dict[str, Any] = {"code": code}
    if display:
        found["display"] = display
    found["equivalence"] = equivalence
    if comment:
        found["comment"] = comment
    return found
