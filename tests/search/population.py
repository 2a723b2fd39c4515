"""One small population for all tables: every id says what is special about its resource."""

from __future__ import annotations

from typing import Any, Final

from service.fhir.code_systems import LOINC, SNOMED

Json = dict[str, Any]

PLAN: Final = "https://clinic.example.org/PlanDefinition/neck"
ELSEWHERE: Final = "https://other.example.org/fhir/Patient/ann"
BASE: Final = "https://fhir.example.org/fhir"
LONG: Final = "long " * 100

EFFECTIVE: Final[dict[str, Json]] = {
    "year-2013": {"effectiveDateTime": "2013"},
    "jan-2013": {"effectiveDateTime": "2013-01"},
    "14-jan": {"effectiveDateTime": "2013-01-14"},
    "14-jan-midnight": {"effectiveInstant": "2013-01-14T00:00:00Z"},
    "14-jan-10h": {"effectiveDateTime": "2013-01-14T10:00:00Z"},
    "14-jan-10h-offset": {"effectiveDateTime": "2013-01-14T10:00:00-05:00"},
    "15-jan-midnight": {"effectiveDateTime": "2013-01-15T00:00:00Z"},
    "from-21-jan": {"effectivePeriod": {"start": "2013-01-21"}},
    "to-21-jan": {"effectivePeriod": {"end": "2013-01-21"}},
    "13-to-15-jan": {"effectivePeriod": {"start": "2013-01-13", "end": "2013-01-15"}},
    "timing-14-to-20": {"effectiveTiming": {"event": ["2013-01-20", "2013-01-14"]}},
    "undated": {},
}
"""Dates of the Observations with the code "dated"."""

CODES: Final[dict[str, Json]] = {
    "loinc-a": {"coding": [{"system": LOINC, "code": "a"}]},
    "snomed-a": {"coding": [{"system": SNOMED, "code": "a"}]},
    "plain-a": {"coding": [{"code": "a"}]},
    "loinc-b": {"coding": [{"system": LOINC, "code": "b"}]},
    "loinc-upper-a": {"coding": [{"system": LOINC, "code": "A"}]},
    "loinc-a-snomed-b": {"coding": [{"system": LOINC, "code": "a"}, {"system": SNOMED, "code": "b"}]},
    "separators": {"coding": [{"system": LOINC, "code": "x,y|z$\\"}]},
    "text-only": {"text": "a"},
    "uncoded": {},
}
"""Business status of the Tasks with the description "coded"."""

NAMES: Final[dict[str, list[Json]]] = {
    "smith": [{"family": "Smith", "given": ["Ann"]}],
    "smithson": [{"family": "Smithson"}],
    "blacksmith": [{"family": "Blacksmith"}],
    "mueller": [{"family": "Müller", "given": ["Änne"]}],
    "muller-upper": [{"family": "MULLER"}],
    "van-der-berg": [{"family": "van  der Berg"}],
    "two-names": [{"family": "Jones"}, {"family": "Smith", "use": "maiden"}],
    "text-smith": [{"text": "Smithers, Sam"}],
    "long-name": [{"family": LONG + "end"}],
    "nameless": [],
}
"""Names of the Patients."""

SUBJECTS: Final[dict[str, Json | None]] = {
    "relative": {"reference": "Patient/ann"},
    "absolute": {"reference": f"{BASE}/Patient/ann"},
    "versioned": {"reference": "Patient/ann/_history/2"},
    "elsewhere": {"reference": ELSEWHERE},
    "group": {"reference": "Group/ann"},
    "group-elsewhere": {"reference": "https://other.example.org/fhir/Group/ann"},
    "logical": {"identifier": {"value": "ann"}},
    "contained": {"reference": "#p"},
    "other": {"reference": "Patient/anna"},
    "no-subject": None,
}
"""Subjects of the CarePlans."""


def _observation(id_: str, effective: Json) -> Json:
    return {"resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "dated"}, **effective}


def _task(id_: str, status: Json) -> Json:
    task: Json = {"resourceType": "Task", "id": id_, "status": "requested", "intent": "order"}
    return task | ({"businessStatus": status} if status else {})


def _patient(id_: str, names: list[Json]) -> Json:
    patient: Json = {"resourceType": "Patient", "id": id_}
    return patient | ({"name": names} if names else {})


def _care_plan(id_: str, subject: Json | None) -> Json:
    plan: Json = {"resourceType": "CarePlan", "id": id_, "status": "active", "intent": "plan"}
    return plan | ({"subject": subject} if subject else {})


def _tagged(resource_type: str, system: str, meta: Json) -> Json:
    return {"resourceType": resource_type, "id": "tagged", "meta": {"tag": [{"system": system, "code": "t"}], **meta}}


POPULATION: Final[tuple[Json, ...]] = (
    *(_observation(*item) for item in EFFECTIVE.items()),
    *(_task(*item) for item in CODES.items()),
    *(_patient(*item) for item in NAMES.items()),
    *(_care_plan(*item) for item in SUBJECTS.items()),
    {
        "resourceType": "Goal",
        "id": "tagged",
        "meta": {"tag": [{"system": LOINC, "code": "t"}], "profile": [f"{PLAN}|2"]},
    },
    {"resourceType": "Flag", "id": "tagged", "meta": {"tag": [{"system": SNOMED, "code": "t"}], "source": PLAN}},
    {"resourceType": "PlanDefinition", "id": "neck", "url": PLAN, "version": "2", "status": "active"},
    {"resourceType": "PlanDefinition", "id": "neck-sub", "url": f"{PLAN}/sub", "status": "draft"},
    {"resourceType": "PlanDefinition", "id": "neck-upper", "url": PLAN.upper(), "status": "draft"},
)
