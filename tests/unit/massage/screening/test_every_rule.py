"""Each row of the table, and each thing that it looks at: what it finds, and what is next to it and is not found."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.code_systems import ATC, ICD10CM, SNOMED
from service.massage.catalogue.rows import FOLDER
from tests.builders.resources import TERMINOLOGY, concept
from tests.builders.screening import (
    allergy,
    condition,
    diagnosis,
    found,
    medication,
    observation,
    order,
    screened,
    surgery,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    Json = dict[str, Any]

TABLE = tomllib.loads((FOLDER / "contraindications.toml").read_text(encoding="utf-8"))
NEVER_MATCHED = {"unstable-angina", "intoxication"}
"""Rows without anything to look at, as the table says of them."""

_REFUTED = concept(f"{TERMINOLOGY}/condition-ver-status", "refuted")


def _diagnoses(row: Json) -> list[str]:
    """A full code for every prefix, and for both ends of a range; of every stage that the row is limited to."""
    codes = []
    for prefix in row.get("icd10cm", ()):
        for each in prefix.split("-"):
            for stage in row.get("seventh", [""]):
                plain = each.replace(".", "")
                codes.append(f"{plain[:3]}.{(plain[3:] + '001')[:3]}{stage}" if stage else each)
    return codes


def _beyond(row: Json, by: float) -> float:
    """A value on the wrong side of a threshold by so much; on the right side where that is negative."""
    if "below" in row:
        return float(row["below"]) - by
    return float(row["from"] if "from" in row else row["above"]) + by


def _present(row: Json) -> Iterator[tuple[str, Json]]:
    """What a row finds, each with the column that it comes from."""
    yield from _coded(row)
    for word in row.get("medicines", ()):
        yield f"medicine {word}", medication(f"{word.title()} 5 MG Oral Tablet")
    for prefix in row.get("atc", ()):
        yield f"atc {prefix}", medication(medicationCodeableConcept=concept(ATC, prefix.ljust(7, "9")))
    for word in row.get("substances", ()):
        yield f"substance {word}", allergy(word.upper())
    for each in row.get("observations", ()):
        code = each["code"].partition("|")[2]
        yield f"observation {code}", observation(code, _beyond(each, 0.5), each["unit"])
    for code in row.get("procedures", ()):
        yield f"procedure {code}", surgery("2026-02-20")


def _coded(row: Json) -> Iterator[tuple[str, Json]]:
    """The conditions that a row finds."""
    for code in row.get("snomed", ()):
        yield f"snomed {code}", condition(concept(SNOMED, code))
    for code in _diagnoses(row):
        yield f"icd10cm {code}", diagnosis(code)
    unconfirmed = row.get("if_confirmed", {})
    for word in unconfirmed.get("words", ()):
        for code in unconfirmed["snomed"]:
            yield f"confirmed {code}", condition(concept(SNOMED, code), note=[{"text": f"An acute {word}."}])
        for code in unconfirmed["icd10cm"]:
            yield f"confirmed {code}", diagnosis(code, note=[{"text": f"{word.title()} since Monday"}])


def _absent(row: Json) -> Iterator[tuple[str, Json]]:
    """What is next to what a row finds."""
    for code in row.get("snomed", ()):
        yield f"resolved {code}", condition(concept(SNOMED, code), status="resolved")
        yield f"refuted {code}", condition(concept(SNOMED, code), verificationStatus=_REFUTED)
        yield f"another system {code}", condition(concept("https://codes.example.org", code))
    for code in _diagnoses(row):
        yield f"inactive {code}", diagnosis(code, status="inactive")
        yield f"another system {code}", condition(concept("https://codes.example.org", code))
        if "seventh" in row:
            yield f"sequela {code}", diagnosis(f"{code[:-1]}S")
    for word in row.get("medicines", ()):
        yield f"stopped {word}", medication(word, status="stopped")
        yield f"another word {word}", medication(f"un{word}")
    for word in row.get("substances", ()):
        yield f"refuted {word}", allergy(word, verificationStatus=_REFUTED)
    for each in row.get("observations", ()):
        code, value = each["code"].partition("|")[2], _beyond(each, 0.5)
        yield f"within {code}", observation(code, _beyond(each, -0.5), each["unit"])
        yield f"old {code}", observation(code, value, each["unit"], effectiveDateTime="2025-06-01T08:00:00Z")
        yield f"in error {code}", observation(code, value, each["unit"], status="entered-in-error")
    for code in row.get("procedures", ()):
        yield f"long ago {code}", surgery("2025-06-01")
        yield f"not done {code}", surgery("2026-02-20", status="not-done")
    unconfirmed = row.get("if_confirmed", {})
    for code in unconfirmed.get("snomed", ()):
        yield f"unconfirmed {code}", condition(concept(SNOMED, code), note=[{"text": "Quiet."}])
    for code in unconfirmed.get("icd10cm", ()):
        yield f"unconfirmed {code}", diagnosis(code)


@pytest.mark.parametrize("rule", TABLE)
def test_everything_in_a_row_is_found(rule: str) -> None:
    """With the severity of the table, where nothing is known of where and how."""
    severity, flag = TABLE[rule]["severity"], TABLE[rule].get("emergency", False)
    for name, resource in _present(TABLE[rule]):
        finding = found(resource).get(rule)
        assert finding is not None, name
        assert (finding.severity, finding.red_flag) == (severity, flag), name
        assert finding.evidence == (f"{resource['resourceType']}/{resource['id']}",), name


@pytest.mark.parametrize("rule", TABLE)
def test_what_is_next_to_a_row_is_not_found(rule: str) -> None:
    """Neither what is over, denied, old or within bounds, nor the same code of another system."""
    mistaken = [name for name, resource in _absent(TABLE[rule]) if rule in found(resource)]
    assert mistaken == []


@pytest.mark.parametrize("rule", TABLE)
def test_every_row_has_something_to_be_found_by(rule: str) -> None:
    """Or says itself that it has not."""
    row = TABLE[rule]
    assert (any(True for _ in _present(row)) or row.get("without_reason", False)) == (rule not in NEVER_MATCHED)


@pytest.mark.parametrize("rule", [rule for rule, row in TABLE.items() if row.get("without_reason")])
def test_a_referral_without_a_reason_is_found(rule: str) -> None:
    """And one with a reason is not."""
    referral = order()
    del referral["reasonCode"]
    assert rule in found(referral=referral)
    assert rule not in found(referral=order())


_STRICTER = [
    (rule, technique, each["severity"])
    for rule, row in TABLE.items()
    for each in row.get("stricter", ())
    if "when" not in each
    for technique in each["techniques"]
]


@pytest.mark.parametrize("rule, technique, severity", _STRICTER)
def test_a_technique_makes_it_graver(rule: str, technique: str, severity: str) -> None:
    """Where the referral asks for it."""
    _, resource = next(_present(TABLE[rule]))
    finding = found(resource, referral=order(technique))[rule]
    assert finding.severity == severity
    assert finding.techniques[0] == technique


@pytest.mark.parametrize(
    "rule, technique", [(rule, each) for rule, row in TABLE.items() for each in row.get("clearance_for", ())]
)
def test_techniques_that_need_clearance_are_named(rule: str, technique: str) -> None:
    """First the one that the referral asks for."""
    _, resource = next(_present(TABLE[rule]))
    assert found(resource, referral=order(technique))[rule].techniques[0] == technique


@pytest.mark.parametrize("rule", [rule for rule, row in TABLE.items() if any(True for _ in _diagnoses(row))])
def test_a_reason_of_the_referral_is_found(rule: str) -> None:
    """What a physician refers for is as good as what is on the list of problems."""
    code = _diagnoses(TABLE[rule])[0]
    finding = found(referral=order(reasonCode=[concept(ICD10CM, code)]))[rule]
    assert finding.evidence == ("ServiceRequest/r1",)


def test_low_back_pain_alone_is_nothing() -> None:
    """The commonest referral is screened, and nothing is found."""
    screening = screened(diagnosis("M54.50"))
    assert (screening.basis, screening.findings) == ("screened", ())
