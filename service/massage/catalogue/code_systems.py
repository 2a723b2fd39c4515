"""The CodeSystems of the catalogue: one concept per row, what the columns say as its properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import CPT, ICD10CM, LOINC, SNOMED
from service.massage.catalogue.concepts import codings, of_contraindication, of_measure, sources
from service.massage.catalogue.properties import declaration
from service.massage.catalogue.published import SIGN_OFF, canonical, published

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.fhir.resource import Content
    from service.massage.catalogue.concepts import Property
    from service.massage.catalogue.rows import Catalogue, StatusReason


def code_systems(catalogue: Catalogue) -> list[Content]:
    """All CodeSystems, in the order in which they are published."""
    return [
        _techniques(catalogue),
        _conditions(catalogue),
        _contraindications(catalogue),
        _outcome_measures(catalogue),
        _business_statuses(catalogue),
        _list(catalogue, "referral-status-reason"),
        _task_inputs_and_outputs(catalogue),
        _qualifications(catalogue),
        _list(catalogue, "override-reason"),
        _list(catalogue, "progress-class"),
        _list(catalogue, "referral-task-code"),
    ]


def _techniques(catalogue: Catalogue) -> Content:
    concepts = {
        code: _concept(
            code,
            row.display,
            row.definition,
            [
                ("pressure", "Code", row.pressure),
                *codings("snomed", SNOMED, row.wider),
                *(("cpt", "Code", each) for each in row.cpt),
                *sources(catalogue, row.sources),
                ("doubt", "String", row.doubt),
            ],
        )
        for code, row in catalogue.techniques.items()
    }
    return _code_system(
        "massage-technique",
        _nested(concepts, {code: row.parent for code, row in catalogue.techniques.items()}),
        title="Techniques of medical massage",
        description="What a referral can order and a session consists of. Most techniques have no standard code: their "
        "nearest SNOMED CT concept is wider. CPT codes are hints for billing.",
        systems=(SNOMED, CPT),
    )


def _conditions(catalogue: Catalogue) -> Content:
    concepts = [
        _concept(
            code,
            row.display,
            row.note,
            [
                *codings("snomed", SNOMED, row.snomed),
                *(("icd-10-cm", "Code", each) for each in row.icd10cm),
                *(("technique", "Code", each) for each in row.techniques),
                *(("outcome", "Code", each) for each in row.outcomes),
                *sources(catalogue, row.sources),
                ("doubt", "String", row.doubt),
            ],
        )
        for code, row in catalogue.conditions.items()
    ]
    return _code_system(
        "treated-condition-group",
        concepts,
        title="Groups of conditions that medical massage is ordered for",
        description="One concept for each condition, with the codes that it is recorded by (value set "
        f"{canonical('ValueSet', 'treated-condition')}), the techniques and the outcome measures that the domain "
        "documents name for it. A therapist does not diagnose: the codes are the referrer's.",
        systems=(SNOMED, ICD10CM),
    )


def _contraindications(catalogue: Catalogue) -> Content:
    return _code_system(
        "contraindication",
        [
            _concept(code, row.display, None, of_contraindication(catalogue, row))
            for code, row in catalogue.contraindications.items()
        ],
        title="Contraindications to massage",
        description=f"What speaks against massage, how severely and where. {SIGN_OFF} What none of the codes matches "
        "is unscreened, never safe.",
        purpose=f"The rules of the service's safety screening. {SIGN_OFF}",
        systems=(SNOMED, ICD10CM, LOINC),
        is_signed_off=False,
    )


def _outcome_measures(catalogue: Catalogue) -> Content:
    concepts = {
        code: _concept(code, row.display, None, of_measure(catalogue, row))
        for code, row in catalogue.outcome_measures.items()
    }
    return _code_system(
        "massage-outcome",
        _nested(concepts, {code: row.parent for code, row in catalogue.outcome_measures.items()}),
        title="Outcome measures",
        description="What is measured before, during and after a course of massage: units, ranges, which direction is "
        "for the better, and what sources say of a meaningful change. Scores only: no wording of instruments. Where no "
        "meaningful change was found, none is given and nothing is called better or worse.",
        systems=(LOINC, SNOMED),
    )


def _business_statuses(catalogue: Catalogue) -> Content:
    return _code_system(
        "referral-business-status",
        [
            _concept(
                code,
                row.display,
                row.definition,
                [*(("allowed", "Code", each) for each in row.allowed), *sources(catalogue, row.sources)],
            )
            for code, row in catalogue.business_statuses.items()
        ],
        title="Business statuses of a referral",
        description="Task.businessStatus of a referral: where it stands, in the words of referrer and clinic.",
    )


def _task_inputs_and_outputs(catalogue: Catalogue) -> Content:
    return _code_system(
        "referral-task-io",
        [
            _concept(
                code,
                row.display,
                None,
                [
                    ("direction-of-flow", "Code", row.direction),
                    ("resource-type", "Code", row.type),
                    *sources(catalogue, row.sources),
                ],
            )
            for code, row in catalogue.task_inputs_and_outputs.items()
        ],
        title="Inputs and outputs of a referral's Task",
        description="Task.input.type and Task.output.type of a referral.",
    )


def _qualifications(catalogue: Catalogue) -> Content:
    return _code_system(
        "therapist-qualification",
        [
            _concept(
                code,
                row.display,
                None,
                [
                    *(("technique", "Code", each) for each in row.techniques),
                    ("patients", "String", row.patients),
                    *sources(catalogue, row.sources),
                    ("doubt", "String", row.doubt),
                ],
            )
            for code, row in catalogue.qualifications.items()
        ],
        title="Qualifications of therapists beyond the licence",
        description="Practitioner.qualification.code for advanced training.",
    )


_LISTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "referral-status-reason": (
        "status_reasons",
        "Reasons for the status of a referral",
        "Task.statusReason of a referral, always together with a text.",
    ),
    "override-reason": (
        "override_reasons",
        "Reasons to go on against a warning",
        "Why a clinician overrides a card of the safety screening.",
    ),
    "progress-class": (
        "progress_classes",
        "What became of a measure",
        "How the latest value of an outcome measure compares with the first one of a referral.",
    ),
    "referral-task-code": (
        "task_codes",
        "What a Task of the referral loop asks for",
        "Task.code beside those of R4's task-code.",
    ),
}
"""Id of a code system whose names say all that was decided → table of the catalogue, title, description."""


def _list(catalogue: Catalogue, logical_id: str) -> Content:
    table, title, description = _LISTS[logical_id]
    rows: Mapping[str, StatusReason] = getattr(catalogue, table)
    concepts = [_concept(code, row.display, None, sources(catalogue, row.sources)) for code, row in rows.items()]
    return _code_system(logical_id, concepts, title=title, description=description)


def _code_system(
    logical_id: str,
    concepts: list[Content],
    *,
    title: str,
    description: str,
    purpose: str = "",
    systems: tuple[str, ...] = (),
    is_signed_off: bool = True,
) -> Content:
    names = dict.fromkeys(_property_names(concepts))
    found = published(
        "CodeSystem",
        logical_id,
        title=title,
        description=description,
        purpose=purpose,
        systems=systems,
        is_signed_off=is_signed_off,
    )
    found["caseSensitive"] = True
    found["valueSet"] = canonical("ValueSet", logical_id)
    if any("concept" in concept for concept in concepts):
        found["hierarchyMeaning"] = "is-a"
    found["versionNeeded"] = False
    found["content"] = "complete"
    found["count"] = _count(concepts)
    found["property"] = [declaration(name) for name in sorted(names)]
    found["concept"] = concepts
    return found


def _concept(code: str, display: str, definition: str | None, properties: Iterable[Property]) -> Content:
    found: dict[str, Any] = {"code": code, "display": display}
    if definition:
        found["definition"] = definition
    found["property"] = [{"code": name, f"value{kind}": value} for name, kind, value in properties if value is not None]
    return found


def _nested(concepts: Mapping[str, Content], parents: Mapping[str, str | None]) -> list[Content]:
    """The concepts without a parent, all others within theirs."""
    for code, concept in concepts.items():
        parent = parents[code]
        if parent is not None:
            concepts[parent].setdefault("concept", []).append(concept)
    return [concept for code, concept in concepts.items() if parents[code] is None]


def _property_names(concepts: Iterable[Content]) -> list[str]:
    found = []
    for concept in concepts:
        found += [each["code"] for each in concept["property"]]
        found += _property_names(concept.get("concept", ()))
    return found


def _count(concepts: Iterable[Content]) -> int:
    return sum(1 + _count(concept.get("concept", ())) for concept in concepts)
