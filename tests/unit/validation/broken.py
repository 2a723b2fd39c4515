"""Contents that break the invariants of R4, each by one change to its smallest valid resource."""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

CONDITION_CLINICAL: Final = "http://terminology.hl7.org/CodeSystem/condition-clinical"
CONDITION_VERIFICATION: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
ALLERGY: Final = "http://terminology.hl7.org/CodeSystem/allergyintolerance"
TEXT: Final[Json] = {"text": "text"}
REFERENCE: Final[Json] = {"reference": "Patient/1"}
PATIENT: Final[Json] = {"resourceType": "Patient"}
ITEM: Final[Json] = {"linkId": "1", "type": "string"}
ELEMENT: Final[Json] = {"id": "Patient", "path": "Patient"}
SNAPSHOT: Final[Json] = {
    "id": "Patient",
    "path": "Patient",
    "definition": "text",
    "min": 0,
    "max": "*",
    "base": {"path": "Patient", "min": 0, "max": "*"},
}
CHILD: Final[Json] = {**SNAPSHOT, "id": "Patient.a", "path": "Patient.a"}


def coded(system: str, code: str) -> Json:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code}]}


def held(property_name: str, value: Any) -> Json:
    """Content of a Basic that holds a value of a data type in an extension."""
    return {"extension": [{"url": "http://example.org/x", property_name: value}]}


def item(**changes: Any) -> Json:
    """Content of a Questionnaire with one item."""
    return {"item": [ITEM | changes]}


def differential(**changes: Any) -> Json:
    """Content of a StructureDefinition with one element in its differential."""
    return {"differential": {"element": [ELEMENT | changes]}}


def snapshot(*elements: Json, **changes: Any) -> Json:
    """Content of a StructureDefinition with a snapshot of the root element and others."""
    return {"snapshot": {"element": [SNAPSHOT | changes, *elements]}}


BROKEN: Final[list[tuple[str, str, Json]]] = [
    ("age-1", "Basic", held("valueAge", {"value": 3, "unit": "a"})),
    ("ait-1", "AllergyIntolerance", {"clinicalStatus": None}),
    ("ait-2", "AllergyIntolerance", {"verificationStatus": coded(f"{ALLERGY}-verification", "entered-in-error")}),
    ("app-1", "Appointment", {"participant": [{"status": "accepted"}]}),
    ("app-2", "Appointment", {"start": "2026-01-09T10:00:00Z"}),
    ("app-3", "Appointment", {"status": "booked"}),
    ("app-4", "Appointment", {"cancelationReason": TEXT}),
    ("apr-1", "AppointmentResponse", {"participantType": None}),
    ("att-1", "Basic", held("valueAttachment", {"data": "aGVsbG8="})),
    ("bdl-1", "Bundle", {"total": 1}),
    ("bdl-2", "Bundle", {"entry": [{"resource": PATIENT, "search": {"mode": "match"}}]}),
    ("bdl-3", "Bundle", {"entry": [{"resource": PATIENT, "request": {"method": "GET", "url": "Patient/1"}}]}),
    ("bdl-4", "Bundle", {"entry": [{"resource": PATIENT, "response": {"status": "200"}}]}),
    ("bdl-5", "Bundle", {"entry": [{"fullUrl": "http://example.org/Patient/1"}]}),
    ("bdl-7", "Bundle", {"entry": [{"fullUrl": "urn:x:1", "resource": PATIENT}] * 2}),
    ("bdl-8", "Bundle", {"entry": [{"fullUrl": "http://x.org/Patient/1/_history/1", "resource": PATIENT}]}),
    ("bdl-9", "Bundle", {"type": "document"}),
    ("bdl-10", "Bundle", {"type": "document"}),
    ("bdl-11", "Bundle", {"type": "document", "entry": [{"resource": PATIENT}]}),
    ("bdl-12", "Bundle", {"type": "message", "entry": [{"resource": PATIENT}]}),
    (
        "ces-1",
        "CoverageEligibilityResponse",
        {"insurance": [{"coverage": {"reference": "Coverage/1"}, "item": [{"name": "a"}]}]},
    ),
    ("cmd-1", "ConceptMap", {"group": [{"element": [{"target": [{"equivalence": "narrower"}]}]}]}),
    ("cmd-2", "ConceptMap", {"group": [{"element": [{"code": "a"}], "unmapped": {"mode": "fixed"}}]}),
    ("cmd-3", "ConceptMap", {"group": [{"element": [{"code": "a"}], "unmapped": {"mode": "other-map"}}]}),
    ("cmp-1", "Composition", {"section": [{"title": "text"}]}),
    ("cmp-2", "Composition", {"section": [{"entry": [REFERENCE], "emptyReason": TEXT}]}),
    ("cnt-3", "Basic", held("valueCount", {"value": 3, "unit": "1"})),
    ("con-1", "Condition", {"stage": [{"type": TEXT}]}),
    ("con-2", "Condition", {"evidence": [{"extension": [{"url": "http://example.org/x", "valueCode": "a"}]}]}),
    ("con-4", "Condition", {"clinicalStatus": coded(CONDITION_CLINICAL, "active"), "abatementString": "text"}),
    (
        "con-5",
        "Condition",
        {
            "clinicalStatus": coded(CONDITION_CLINICAL, "active"),
            "verificationStatus": coded(CONDITION_VERIFICATION, "entered-in-error"),
        },
    ),
    ("cpb-1", "CapabilityStatement", {"rest": None}),
    ("cpb-2", "CapabilityStatement", {"description": None}),
    (
        "cpb-3",
        "CapabilityStatement",
        {"messaging": [{"endpoint": [{"protocol": {"code": "http"}, "address": "http://x.org"}]}]},
    ),
    ("cpb-7", "CapabilityStatement", {"document": [{"mode": "producer", "profile": "http://example.org/p"}] * 2}),
    ("cpb-9", "CapabilityStatement", {"rest": [{"mode": "server", "resource": [{"type": "Patient"}] * 2}]}),
    (
        "cpb-12",
        "CapabilityStatement",
        {
            "rest": [
                {
                    "mode": "server",
                    "resource": [{"type": "Patient", "searchParam": [{"name": "a", "type": "token"}] * 2}],
                }
            ]
        },
    ),
    ("cpb-14", "CapabilityStatement", {"kind": "instance"}),
    ("cpb-15", "CapabilityStatement", {"kind": "capability"}),
    ("cpb-16", "CapabilityStatement", {"software": {"name": "text"}}),
    ("cpl-3", "CarePlan", {"activity": [{"detail": {"status": "scheduled"}, "reference": {"reference": "Task/1"}}]}),
    ("cpt-2", "Basic", held("valueContactPoint", {"value": "+43 1"})),
    ("csd-1", "CodeSystem", {"concept": [{"code": "a", "concept": [{"code": "a"}]}]}),
    (
        "ctm-1",
        "CareTeam",
        {"participant": [{"member": REFERENCE, "onBehalfOf": {"reference": "Organization/1"}}]},
    ),
    ("dis-1", "Basic", held("valueDistance", {"value": 3})),
    (
        "dom-2",
        "Basic",
        {
            "contained": [
                {
                    **PATIENT,
                    "id": "p",
                    "contained": [{"resourceType": "Basic", "id": "b", "code": TEXT, "subject": {"reference": "#"}}],
                }
            ],
            "subject": {"reference": "#p"},
        },
    ),
    ("dom-3", "Basic", {"contained": [{**PATIENT, "id": "p"}]}),
    (
        "dom-4",
        "Basic",
        {"contained": [{**PATIENT, "id": "p", "meta": {"versionId": "1"}}], "subject": {"reference": "#p"}},
    ),
    (
        "dom-5",
        "Basic",
        {"contained": [{**PATIENT, "id": "p", "meta": {"security": [{"code": "R"}]}}], "subject": {"reference": "#p"}},
    ),
    ("drq-1", "Basic", held("valueDataRequirement", {"type": "Patient", "codeFilter": [{"code": [{"code": "a"}]}]})),
    ("drq-2", "Basic", held("valueDataRequirement", {"type": "Patient", "dateFilter": [{"valueDateTime": "2026"}]})),
    ("drt-1", "Basic", held("valueDuration", {"value": 3, "code": "h"})),
    ("eld-1", "StructureDefinition", differential(slicing={"rules": "open"})),
    ("eld-2", "StructureDefinition", differential(min=2, max="1")),
    ("eld-3", "StructureDefinition", differential(max="-1")),
    ("eld-4", "StructureDefinition", differential(type=[{"code": "string", "aggregation": ["contained"]}])),
    ("eld-5", "StructureDefinition", differential(contentReference="#Patient.link", maxLength=3)),
    ("eld-6", "StructureDefinition", differential(fixedString="a", type=[{"code": "string"}, {"code": "code"}])),
    ("eld-7", "StructureDefinition", differential(patternString="a", type=[{"code": "string"}, {"code": "code"}])),
    ("eld-8", "StructureDefinition", differential(patternString="a", fixedString="a")),
    ("eld-12", "StructureDefinition", differential(binding={"strength": "required", "valueSet": "ValueSet/1"})),
    ("eld-13", "StructureDefinition", differential(type=[{"code": "string"}, {"code": "string"}])),
    (
        "eld-14",
        "StructureDefinition",
        differential(constraint=[{"key": "a-1", "severity": "error", "human": "text", "expression": "true"}] * 2),
    ),
    ("eld-15", "StructureDefinition", differential(defaultValueString="a", meaningWhenMissing="text")),
    ("eld-16", "StructureDefinition", differential(sliceName="a b")),
    ("eld-17", "StructureDefinition", differential(type=[{"code": "string", "targetProfile": ["http://x.org/p"]}])),
    ("eld-18", "StructureDefinition", differential(isModifier=True)),
    ("eld-19", "StructureDefinition", differential(path="Pa tient")),
    ("eld-22", "StructureDefinition", differential(sliceIsConstraining=True)),
    ("ele-1", "Basic", {"code": {"id": "a"}}),
    ("exp-1", "Basic", held("valueExpression", {"language": "text/cql"})),
    ("ext-1", "Basic", {"extension": [{"url": "http://example.org/x"}]}),
    ("fhs-1", "FamilyMemberHistory", {"ageString": "text", "bornString": "text"}),
    ("fhs-2", "FamilyMemberHistory", {"estimatedAge": True}),
    ("gol-1", "Goal", {"target": [{"detailString": "text"}]}),
    ("grp-1", "Group", {"actual": False, "member": [{"entity": REFERENCE}]}),
    ("imm-1", "Immunization", {"education": [{"publicationDate": "2026"}]}),
    ("inv-1", "Task", {"authoredOn": "2026-01-09", "lastModified": "2026-01-08"}),
    ("lst-1", "List", {"emptyReason": TEXT, "entry": [{"item": REFERENCE}]}),
    ("lst-2", "List", {"mode": "working", "entry": [{"item": REFERENCE, "deleted": True}]}),
    ("lst-3", "List", {"mode": "changes", "entry": [{"item": REFERENCE, "date": "2026"}]}),
    ("mad-1", "MedicationAdministration", {"dosage": TEXT}),
    ("nsd-1", "NamingSystem", {"kind": "root", "uniqueId": [{"type": "uuid", "value": "a"}]}),
    ("nsd-2", "NamingSystem", {"uniqueId": [{"type": "uri", "value": "a", "preferred": True}] * 2}),
    ("obs-3", "Observation", {"referenceRange": [{"type": TEXT}]}),
    ("obs-6", "Observation", {"valueString": "text", "dataAbsentReason": TEXT}),
    (
        "obs-7",
        "Observation",
        {"code": coded("urn:x", "a"), "valueString": "b", "component": [{"code": coded("urn:x", "a")}]},
    ),
    ("opd-1", "OperationDefinition", {"parameter": [{"name": "a", "use": "in", "min": 0, "max": "1"}]}),
    (
        "opd-2",
        "OperationDefinition",
        {"parameter": [{"name": "a", "use": "in", "min": 0, "max": "1", "type": "code", "searchType": "token"}]},
    ),
    (
        "opd-3",
        "OperationDefinition",
        {
            "parameter": [
                {"name": "a", "use": "in", "min": 0, "max": "1", "type": "code", "targetProfile": ["http://x.org/p"]}
            ]
        },
    ),
    ("org-1", "Organization", {"name": None}),
    ("org-2", "Organization", {"address": [{"use": "home"}]}),
    ("org-3", "Organization", {"telecom": [{"use": "home"}]}),
    ("pat-1", "Patient", {"contact": [{"gender": "other"}]}),
    ("per-1", "Basic", held("valuePeriod", {"start": "2026-01-02", "end": "2026-01-01"})),
    ("ppc-1", "Consent", {"policyRule": None}),
    ("ppc-2", "Consent", {"scope": coded("something", "patient-privacy")}),
    ("ppc-3", "Consent", {"scope": coded("something", "research")}),
    ("ppc-4", "Consent", {"scope": coded("something", "adr")}),
    ("ppc-5", "Consent", {"scope": coded("something", "treatment")}),
    ("prr-1", "ServiceRequest", {"orderDetail": [TEXT]}),
    (
        "qrs-1",
        "QuestionnaireResponse",
        {"item": [{"linkId": "1", "answer": [{"valueString": "a"}], "item": [{"linkId": "2"}]}]},
    ),
    ("qty-3", "Basic", held("valueQuantity", {"value": 1, "code": "kg"})),
    ("que-1", "Questionnaire", item(type="group")),
    ("que-2", "Questionnaire", {"item": [ITEM, ITEM]}),
    ("que-3", "Questionnaire", item(type="display", code=[{"code": "a"}])),
    ("que-4", "Questionnaire", item(answerOption=[{"valueString": "a"}], answerValueSet="http://example.org/v")),
    ("que-5", "Questionnaire", item(type="boolean", answerValueSet="http://example.org/v")),
    ("que-6", "Questionnaire", item(type="display", required=True)),
    ("que-7", "Questionnaire", item(enableWhen=[{"question": "1", "operator": "exists", "answerString": "a"}])),
    ("que-8", "Questionnaire", item(type="display", initial=[{"valueString": "a"}])),
    ("que-9", "Questionnaire", item(type="display", readOnly=True)),
    ("que-10", "Questionnaire", item(type="date", maxLength=3)),
    ("que-11", "Questionnaire", item(answerOption=[{"valueString": "a"}], initial=[{"valueString": "a"}])),
    ("que-12", "Questionnaire", item(enableWhen=[{"question": "1", "operator": "exists", "answerBoolean": True}] * 3)),
    ("que-13", "Questionnaire", item(initial=[{"valueString": "a"}, {"valueString": "b"}])),
    ("ras-1", "RiskAssessment", {"prediction": [{"probabilityRange": {"low": {"value": 1}}}]}),
    ("ras-2", "RiskAssessment", {"prediction": [{"probabilityDecimal": 101}]}),
    ("rat-1", "Basic", held("valueRatio", {"numerator": {"value": 1}})),
    ("ref-1", "Basic", {"subject": {"reference": "#nobody"}}),
    ("rng-2", "Basic", held("valueRange", {"low": {"value": 2}, "high": {"value": 1}})),
    ("sdf-1", "StructureDefinition", snapshot(CHILD, {**CHILD, "id": "Patient.b"})),
    ("sdf-2", "StructureDefinition", {"mapping": [{"identity": "a"}]}),
    ("sdf-3", "StructureDefinition", snapshot(definition=None)),
    ("sdf-4", "StructureDefinition", {"abstract": False}),
    (
        "sdf-5",
        "StructureDefinition",
        {"type": "Extension", "differential": {"element": [{"id": "Extension", "path": "Extension"}]}},
    ),
    ("sdf-6", "StructureDefinition", {"differential": None}),
    ("sdf-8", "StructureDefinition", snapshot({**SNAPSHOT, "id": "Group.name", "path": "Group.name"})),
    ("sdf-8a", "StructureDefinition", {"type": "Group"}),
    ("sdf-8b", "StructureDefinition", snapshot(base=None)),
    ("sdf-9", "StructureDefinition", differential(label="text")),
    ("sdf-10", "StructureDefinition", snapshot(binding={"strength": "required"})),
    ("sdf-14", "StructureDefinition", differential(id=None)),
    ("sdf-15", "StructureDefinition", snapshot(type=[{"code": "Patient"}])),
    ("sdf-15a", "StructureDefinition", differential(type=[{"code": "Patient"}])),
    ("sdf-16", "StructureDefinition", snapshot(CHILD, {**CHILD, "path": "Patient.b"})),
    ("sdf-17", "StructureDefinition", {"differential": {"element": [ELEMENT, CHILD, CHILD]}}),
    ("sdf-18", "StructureDefinition", {"contextInvariant": ["true"]}),
    (
        "sdf-19",
        "StructureDefinition",
        {
            "url": "http://hl7.org/fhir/StructureDefinition/x",
            "differential": {"element": [ELEMENT, {"id": "Patient.a", "path": "Patient.a", "type": [{"code": "x:y"}]}]},
        },
    ),
    ("sdf-20", "StructureDefinition", differential(slicing={"rules": "open", "description": "text"})),
    ("sdf-21", "StructureDefinition", differential(defaultValueString="a")),
    (
        "sdf-22",
        "StructureDefinition",
        {"url": "http://hl7.org/fhir/StructureDefinition/x", **differential(defaultValueString="a")},
    ),
    ("sdf-23", "StructureDefinition", differential(sliceName="a")),
    ("sev-1", "AuditEvent", {"entity": [{"name": "a", "query": "aGVsbG8="}]}),
    ("spd-1", "SearchParameter", {"xpath": "f:a"}),
    ("spd-2", "SearchParameter", {"type": "string", "chain": ["a"]}),
    ("sqty-1", "Basic", held("valueRange", {"low": {"value": 2, "comparator": "<"}})),
    ("tim-1", "Basic", held("valueTiming", {"repeat": {"duration": 1}})),
    ("tim-2", "Basic", held("valueTiming", {"repeat": {"period": 1}})),
    ("tim-4", "Basic", held("valueTiming", {"repeat": {"duration": -1, "durationUnit": "h"}})),
    ("tim-5", "Basic", held("valueTiming", {"repeat": {"period": -1, "periodUnit": "d"}})),
    ("tim-6", "Basic", held("valueTiming", {"repeat": {"periodMax": 1}})),
    ("tim-7", "Basic", held("valueTiming", {"repeat": {"durationMax": 1}})),
    ("tim-8", "Basic", held("valueTiming", {"repeat": {"countMax": 1}})),
    ("tim-9", "Basic", held("valueTiming", {"repeat": {"offset": 1}})),
    ("tim-10", "Basic", held("valueTiming", {"repeat": {"timeOfDay": ["10:00:00"], "when": ["MORN"]}})),
    (
        "trd-1",
        "Basic",
        held("valueTriggerDefinition", {"type": "data-added", "data": [{"type": "Patient"}], "timingDate": "2026"}),
    ),
    (
        "trd-2",
        "Basic",
        held(
            "valueTriggerDefinition",
            {"type": "named-event", "name": "a", "condition": {"language": "text/cql", "expression": "a"}},
        ),
    ),
    ("trd-3", "Basic", held("valueTriggerDefinition", {"type": "named-event"})),
    (
        "txt-1",
        "Basic",
        {"text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script>a</script></div>'}},
    ),
    ("txt-2", "Basic", {"text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"> </div>'}}),
    ("vsd-1", "ValueSet", {"compose": {"include": [{"version": "1"}]}}),
    (
        "vsd-2",
        "ValueSet",
        {"compose": {"include": [{"valueSet": ["http://example.org/v"], "concept": [{"code": "a"}]}]}},
    ),
    (
        "vsd-3",
        "ValueSet",
        {
            "compose": {
                "include": [
                    {
                        "system": "urn:x",
                        "concept": [{"code": "a"}],
                        "filter": [{"property": "a", "op": "=", "value": "b"}],
                    }
                ]
            }
        },
    ),
    ("vsd-6", "ValueSet", {"expansion": {"timestamp": "2026", "contains": [{"abstract": True}]}}),
    ("vsd-9", "ValueSet", {"expansion": {"timestamp": "2026", "contains": [{"display": "text"}]}}),
    ("vsd-10", "ValueSet", {"expansion": {"timestamp": "2026", "contains": [{"code": "a"}]}}),
]
"""An invariant, a type, and what to change in its smallest valid resource (None takes away) so that it is broken."""

CANNOT_BE_BROKEN: Final = {
    "sdf-11": "what breaks it breaks sdf-8, which stands on an element inside and is reported first",
    "eld-11": "its select(...) gives true or false for every type, which exists either way",
}
