"""What is sent to the operations on what was measured, and what comes back."""

from __future__ import annotations

from typing import Any, Final

from service.fhir.statistic import SYSTEM as STATISTICS

Json = dict[str, Any]

_PAIN: Final[Json] = {"system": "http://loinc.org", "code": "72514-3"}
_LASTN: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "patient", "valueString": "Patient/example"},
        {"name": "code", "valueString": "http://loinc.org|72514-3"},
        {"name": "max", "valuePositiveInt": 3},
    ],
}
_STATS: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "subject", "valueUri": "Patient/example"},
        {"name": "coding", "valueCoding": _PAIN},
        {"name": "period", "valuePeriod": {"start": "2026-01-01", "end": "2026-01-31"}},
        {"name": "statistic", "valueCode": "average"},
    ],
}
_STATISTICS: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [
        {
            "name": "statistics",
            "resource": {
                "resourceType": "Observation",
                "status": "final",
                "code": {"coding": [_PAIN]},
                "subject": {"reference": "Patient/example"},
                "effectivePeriod": {"start": "2026-01-01", "end": "2026-01-31"},
                "component": [
                    {
                        "code": {"coding": [{"system": STATISTICS, "code": "average"}]},
                        "valueQuantity": {"value": 4.5, "system": "http://unitsofmeasure.org", "code": "{score}"},
                    }
                ],
            },
        }
    ],
}
_OUTCOME_SUMMARY: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [{"name": "asOf", "valueDate": "2026-03-01"}],
}
_OUTCOMES: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "asOf", "valueInstant": "2026-03-01T23:59:59.999Z"},
        {"name": "narrative", "valueString": "Nothing that counts was measured in this episode."},
    ],
}
_OUTCOME_MEASURES: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [{"name": "periodStart", "valueString": "2026-01"}, {"name": "periodEnd", "valueString": "2026-06"}],
}
_ACCOUNT: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "organization", "valueReference": {"reference": "Organization/example"}},
        {"name": "periodStart", "valueDate": "2026-01"},
        {"name": "periodEnd", "valueDate": "2026-06"},
        {"name": "smallestGroup", "valueInteger": 5},
        {
            "name": "withheld",
            "valueString": "Fewer than 5 referrals were asked for in the period, as far as you see them: nothing is "
            "told of them.",
        },
    ],
}
OUTCOME_EXAMPLES: Final[Json] = {
    "lastn": {"summary": "The three latest scores of pain", "value": _LASTN},
    "stats": {"summary": "The average score of pain in a month", "value": _STATS},
    "statistics": {"summary": "One statistic of one code", "value": _STATISTICS},
    "outcome-measures": {"summary": "Of half a year", "value": _OUTCOME_MEASURES},
    "account": {"summary": "Too few referrals to tell of", "value": _ACCOUNT},
    "outcome-summary": {"summary": "As it was on a day", "value": _OUTCOME_SUMMARY},
    "outcomes": {"summary": "Nothing was measured yet", "value": _OUTCOMES},
}
"""The entries of ``components/examples``."""
