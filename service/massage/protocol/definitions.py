"""The protocols as FHIR resources: a PlanDefinition each, and the ActivityDefinitions that they are made of.

https://hl7.org/fhir/R4/plandefinition.html, https://hl7.org/fhir/R4/activitydefinition.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import ICD10CM, SNOMED, UCUM
from service.massage.catalogue.published import canonical, published
from service.massage.catalogue.rows import FOLDER as CATALOGUE
from service.massage.fingerprint import fingerprint_of
from service.massage.protocol.goals import aim_of, measure_concept
from service.massage.protocol.rows import FOLDER, load
from service.massage.systems import TECHNIQUE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from service.fhir.resource import Content
    from service.massage.protocol.rows import Activity, Protocol, Protocols, Statement, TechniqueUse

VERSION: Final = "1.0.0"
"""Of all protocols together; to be raised with every change of what one of them says."""


_PLAN_TYPE: Final = "http://terminology.hl7.org/CodeSystem/plan-definition-type"
_SIGN_OFF: Final = (
    "Made of public pages of clinics and of decisions of this service, not of a peer-reviewed guideline: a licensed "
    "clinician must sign it off before clinical use."
)


def resources(protocols: Protocols | None = None) -> list[Content]:
    """The ActivityDefinitions and PlanDefinitions, each with its id; of the packaged rows where none are given."""
    found = protocols or load()
    used = dict.fromkeys(each.code for row in found.rows.values() for each in row.techniques)
    return [
        *(_technique(found, code) for code in used),
        *(_activity(found, each) for each in found.activities),
        *(plan_definition(found, row) for row in found.rows.values()),
    ]


def fingerprint(folder: Path = FOLDER) -> str:
    """A digest of the rows and of the code that makes resources of them, without reading what they say."""
    return fingerprint_of((*folder.glob("*.toml"), *FOLDER.glob("*.py"), *CATALOGUE.glob("*.toml")))


def plan_definition(protocols: Protocols, row: Protocol) -> Content:
    """One protocol."""
    said: list[Statement | TechniqueUse] = [row.why, *row.techniques, *row.cautions]
    said += [protocols.judgement, protocols.dosage, protocols.continuation]
    description = " ".join((f"{row.why.says} {protocols.judgement.says}", *(each.says for each in row.cautions)))
    return {
        **_published("PlanDefinition", row.id, row.title, description),
        "type": {"coding": [{"system": _PLAN_TYPE, "code": "clinical-protocol"}]},
        "subjectCodeableConcept": {
            "coding": [{"system": "http://hl7.org/fhir/resource-types", "code": "Patient"}],
        },
        "useContext": [
            {
                "code": {"system": "http://terminology.hl7.org/CodeSystem/usage-context-type", "code": "focus"},
                "valueCodeableConcept": _condition(protocols, code),
            }
            for code in row.conditions
        ],
        "usage": f"{protocols.dosage.says} {protocols.continuation.says}",
        "relatedArtifact": _unique(cited for each in said for cited in citations(protocols, each)),
        "goal": [_goal(protocols, row, code) for code in row.goals],
        "action": [_sessions(protocols, row), *(_beside(protocols, each) for each in protocols.activities)],
    }


def _goal(protocols: Protocols, row: Protocol, code: str) -> Content:
    measure = protocols.catalogue.outcome_measures[code]
    aim = aim_of(code, measure)
    due = {"value": row.visits * row.every_weeks, "unit": "weeks", "system": UCUM, "code": "wk"}
    sources = [protocols.catalogue.sources[each].display for each in aim.sources]
    return {
        "id": f"goal-{code}",
        "description": {"text": aim.words()},
        "addresses": [_condition(protocols, each) for each in row.conditions],
        **({"documentation": [{"type": "citation", "citation": each} for each in sources]} if aim.by else {}),
        "target": [{"measure": measure_concept(code, measure), "due": due}],
    }


def activity_url(logical_id: str) -> str:
    """The canonical URL of an ActivityDefinition, with its version."""
    return f"{canonical('ActivityDefinition', logical_id)}|{VERSION}"


def technique_id(code: str) -> str:
    """The id of the ActivityDefinition of a technique."""
    return f"technique-{code}"


def timing(visits: int, every_weeks: int, minutes: int) -> Content:
    """So many sessions, so many weeks apart, of so many minutes."""
    return {
        "repeat": {
            "count": visits,
            "duration": minutes,
            "durationUnit": "min",
            "frequency": 1,
            "period": every_weeks,
            "periodUnit": "wk",
        }
    }


def citations(protocols: Protocols, said: Statement | TechniqueUse | Activity) -> list[Content]:
    """Where a statement comes from, each source with the confidence of the statement as its label."""
    return [
        {
            "type": "citation",
            "label": f"confidence {said.confidence}",
            "display": said.says,
            "citation": protocols.catalogue.sources[each].display,
        }
        for each in said.sources
    ]


def _sessions(protocols: Protocols, row: Protocol) -> Content:
    """The action of the sessions, with one below it for each technique."""
    return {
        "id": "sessions",
        "title": "Sessions of medical massage",
        "description": protocols.dosage.says,
        "goalId": [f"goal-{code}" for code in row.goals],
        "timingTiming": timing(row.visits, row.every_weeks, row.minutes),
        "selectionBehavior": "any",
        "action": [
            {
                "id": technique_id(each.code),
                "title": protocols.catalogue.techniques[each.code].display,
                "description": each.says,
                "documentation": citations(protocols, each),
                "condition": [
                    {
                        "kind": "applicability",
                        "expression": {
                            "description": "Screening of the patient, and the therapist's qualifications, do not "
                            "exclude the technique.",
                            "language": "text/fhirpath",
                            "expression": f"%excluded.where($this = '{each.code}').empty()",
                        },
                    }
                ],
                "definitionCanonical": activity_url(technique_id(each.code)),
            }
            for each in row.techniques
        ],
    }


def _beside(protocols: Protocols, activity: Activity) -> Content:
    return {
        "id": activity.id,
        "title": activity.title,
        "description": f"{activity.when} {activity.says}",
        "documentation": citations(protocols, activity),
        "definitionCanonical": activity_url(activity.id),
    }


def _technique(protocols: Protocols, code: str) -> Content:
    row = protocols.catalogue.techniques[code]
    pressure = f" Pressure: {row.pressure}." if row.pressure else ""
    return {
        **_published("ActivityDefinition", technique_id(code), row.display, f"{row.definition}{pressure}"),
        "kind": "ServiceRequest",
        "code": {"coding": [{"system": TECHNIQUE, "code": code, "display": row.display}]},
        "intent": "plan",
    }


def _activity(protocols: Protocols, row: Activity) -> Content:
    found = {
        **_published("ActivityDefinition", row.id, row.title, f"{row.when} {row.says}"),
        "relatedArtifact": citations(protocols, row),
        "kind": row.kind,
    }
    if row.technique:
        display = protocols.catalogue.techniques[row.technique].display
        found["code"] = {"coding": [{"system": TECHNIQUE, "code": row.technique, "display": display}]}
    return found | {"intent": "plan"}


def _condition(protocols: Protocols, code: str) -> Content:
    row = protocols.catalogue.conditions[code]
    coding = [{"system": SNOMED, "code": each, "display": text} for each, text in row.snomed.items()]
    coding += [{"system": ICD10CM, "code": each, "display": text} for each, text in row.icd10cm.items()]
    return {"coding": coding, "text": row.display}


def _published(resource_type: str, logical_id: str, title: str, description: str) -> dict[str, Any]:
    systems = (SNOMED, ICD10CM) if resource_type == "PlanDefinition" else ()
    found = published(
        resource_type,
        logical_id,
        title=title,
        description=description,
        purpose=_SIGN_OFF,
        systems=systems,
        is_signed_off=False,
    )
    return found | {"version": VERSION}


def _unique(found: Iterable[Content]) -> list[Content]:
    listed: list[Content] = []
    for each in found:
        if each not in listed:
            listed.append(each)
    return listed
