"""The code systems that others publish, by their URIs. https://hl7.org/fhir/R4/terminologies-systems.html"""

from __future__ import annotations

from typing import Final

SNOMED: Final = "http://snomed.info/sct"
LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
ICD10CM: Final = "http://hl7.org/fhir/sid/icd-10-cm"
CPT: Final = "http://www.ama-assn.org/go/cpt"
NUCC: Final = "http://nucc.org/provider-taxonomy"
ATC: Final = "http://www.whocc.no/atc"
BSER: Final = "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS"

ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONDITION_CLINICAL: Final = "http://terminology.hl7.org/CodeSystem/condition-clinical"
GOAL_ACHIEVEMENT: Final = "http://terminology.hl7.org/CodeSystem/goal-achievement"
OBSERVATION_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
