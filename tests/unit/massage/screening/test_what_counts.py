"""What of a record counts today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.code_systems import ATC, SNOMED
from tests.builders.resources import TERMINOLOGY, concept
from tests.builders.screening import allergy, condition, diagnosis, found, medication, observation, surgery

if TYPE_CHECKING:
    Json = dict[str, Any]

THROMBOSIS = "I82.402"


def _verified(status: str) -> Json:
    return {"verificationStatus": concept(f"{TERMINOLOGY}/condition-ver-status", status)}


@pytest.mark.parametrize(
    "changes, counts",
    [
        ({}, True),
        ({"status": "recurrence"}, True),
        ({"status": "relapse"}, True),
        ({"status": "inactive"}, False),
        ({"status": "remission"}, False),
        ({"status": "resolved"}, False),
        (_verified("confirmed"), True),
        (_verified("provisional"), True),
        (_verified("refuted"), False),
        (_verified("entered-in-error"), False),
        ({"status": None}, True),
        ({"status": None, "abatementDateTime": "2026-02-01"}, False),
        ({"status": None, "abatementDateTime": "2026-09-01"}, True),
        ({"status": None, "abatementPeriod": {"start": "2025", "end": "2026-01"}}, False),
        ({"status": None, "abatementString": "last year"}, False),
        ({"abatementDateTime": "2026-02-01"}, True),
        ({"status": "misspelt"}, True),
        ({"clinicalStatus": "not a concept"}, True),
    ],
)
def test_conditions_count_while_they_are_there(changes: Json, counts: bool) -> None:
    """By their statuses, by their abatement where they have none, and in doubt."""
    assert ("dvt" in found(diagnosis(THROMBOSIS, **changes))) == counts


@pytest.mark.parametrize(
    "changes, counts",
    [
        ({}, True),
        ({"status": "completed"}, False),
        ({"status": "cancelled"}, False),
        ({"status": "on-hold"}, False),
        ({"status": "draft"}, False),
        ({"status": "unknown"}, True),
        ({"intent": "proposal"}, False),
        ({"intent": "plan"}, False),
        ({"doNotPerform": True}, False),
        ({"resourceType": "MedicationStatement"}, True),
        ({"resourceType": "MedicationStatement", "status": "intended"}, True),
        ({"resourceType": "MedicationStatement", "status": "not-taken"}, False),
        ({"resourceType": "MedicationStatement", "status": "stopped"}, False),
        ({"resourceType": "MedicationStatement", "effectivePeriod": {"end": "2026-02-01"}}, False),
        ({"resourceType": "MedicationStatement", "effectivePeriod": {"end": "2026-09"}}, True),
    ],
)
def test_medications_count_while_they_are_taken(changes: Json, counts: bool) -> None:
    """Or are about to be."""
    assert ("anticoagulant-therapy" in found(medication("Warfarin 5 mg", **changes))) == counts


@pytest.mark.parametrize(
    "changes",
    [
        {"medicationCodeableConcept": {"coding": [{"display": "apixaban 5 MG Oral Tablet"}]}},
        {"medicationCodeableConcept": concept(ATC, "B01AF02")},
        {"medicationReference": {"reference": "Medication/x", "display": "Eliquis"}},
        {"medicationReference": {"reference": "Medication/med1"}},
        {"medicationReference": {"reference": "https://ehr.example.org/fhir/Medication/med1"}},
        {
            "contained": [{"resourceType": "Medication", "id": "med", "code": {"text": "Apixaban"}}],
            "medicationReference": {"reference": "#med"},
        },
    ],
)
def test_a_medicine_is_known_wherever_it_is_named(changes: Json) -> None:
    """In the statement, in the reference's display, in the Medication that it refers to."""
    taken = medication(**changes)
    if "medicationReference" in changes:
        del taken["medicationCodeableConcept"]
    kept = {"resourceType": "Medication", "id": "med1", "code": {"coding": [{"display": "Apixaban 5 mg"}]}}
    assert found(taken, kept)["anticoagulant-therapy"].evidence == ("MedicationRequest/m1",)


def test_a_medicine_is_a_drug_alert() -> None:
    """And the same by a diagnosis, or by both, is one of a condition."""
    by_medicine, by_code = medication("heparin"), diagnosis("Z79.01")
    assert found(by_medicine)["anticoagulant-therapy"].alert == "DRG"
    assert found(by_code)["anticoagulant-therapy"].alert == "COND"
    assert found(by_medicine, by_code)["anticoagulant-therapy"].alert == "COND"


@pytest.mark.parametrize(
    "value, unit, status, is_fever",
    [
        (38.5, "Cel", "final", True),
        (38, "Cel", "final", False),
        (101.3, "[degF]", "amended", True),
        (100.3, "[degF]", "final", False),
        (38.5, "Cel", "preliminary", True),
        (38.5, "Cel", "cancelled", False),
        (38.5, "kg", "final", False),
        (38.5, "no unit", "final", False),
    ],
)
def test_readings_count_in_any_unit(value: float, unit: str, status: str, is_fever: bool) -> None:
    """Units of UCUM convert; a reading in another kind of unit says nothing."""
    assert ("fever" in found(observation("8310-5", value, unit, status=status))) == is_fever


def test_the_latest_reading_counts() -> None:
    """A fever that has gone is none."""
    before = observation("8310-5", 39, "Cel", 1, effectiveDateTime="2026-02-28T20:00:00Z")
    after = observation("8310-5", 36.8, "Cel", 2, effectiveDateTime="2026-03-01T08:00:00Z")
    assert "fever" not in found(before, after)
    assert "fever" not in found(after, before)
    assert found(before)["fever"].evidence == ("Observation/o1",)


def test_a_reading_without_a_time_counts() -> None:
    """To leave it out is the dangerous mistake; any reading with a time is later."""
    undated = observation("8310-5", 39, "Cel", 1)
    del undated["effectiveDateTime"]
    assert "fever" in found(undated)
    assert "fever" not in found(observation("8310-5", 36.8, "Cel", 2), undated)


def test_blood_pressure_counts_by_its_parts() -> None:
    """Either of systolic and diastolic is enough."""
    panel = observation("85354-9", 0, "mm[Hg]")
    del panel["valueQuantity"]
    upper, lower = observation("8480-6", 150, "mm[Hg]"), observation("8462-4", 120, "mm[Hg]")
    panel["component"] = [{"code": each["code"], "valueQuantity": each["valueQuantity"]} for each in (upper, lower)]
    assert found(panel)["severe-hypertension"].severity == "absolute"
    panel["component"] = panel["component"][:1]
    assert "severe-hypertension" not in found(panel)


def test_a_platelet_count_counts_in_other_units() -> None:
    """10*9/L is 10*3/uL."""
    assert "thrombocytopenia-severe" in found(observation("777-3", 42, "10*9/L"))
    assert "thrombocytopenia-severe" not in found(observation("777-3", 142, "10*9/L"))


def test_bruises_count_for_three_days() -> None:
    """From the onset that the condition names."""
    bruises = concept(SNOMED, "373600006")
    assert "acute-injury" in found(condition(bruises, onsetDateTime="2026-02-27"))
    assert "acute-injury" not in found(condition(bruises, onsetDateTime="2026-02-20"))


def test_surgery_counts_for_six_weeks() -> None:
    """From the day on which it was done."""
    assert "recent-surgery" in found(surgery("2026-01-20"))
    assert "recent-surgery" not in found(surgery("2026-01-10"))


@pytest.mark.parametrize("said", ["Latex", "Natural rubber latex (substance)"])
def test_allergies_are_known_by_words(said: str) -> None:
    """In the code, or in what the patient reacted to."""
    reacted = allergy("Gloves", reaction=[{"substance": {"text": said}, "manifestation": [{"text": "Rash"}]}])
    assert "latex-allergy" in found(allergy(said))
    assert "latex-allergy" in found(reacted)


@pytest.mark.parametrize("code", ["S72.001", "S72.001A", "s72001a"])
def test_a_fracture_of_an_unknown_stage_is_unhealed(code: str) -> None:
    """A code that leaves its seventh character out is taken for the worst."""
    assert "fracture-unhealed" in found(diagnosis(code))


def test_codes_are_known_by_the_names_of_their_systems() -> None:
    """An OID is as good as a URI."""
    assert "dvt" in found(condition(concept("urn:oid:2.16.840.1.113883.6.90", THROMBOSIS)))
    assert "dvt" in found(condition(concept("urn:oid:2.16.840.1.113883.6.96", "128053003")))
