"""The edition of ICD-10-CM that comes with the service: that it is the library's, and what it says of codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.massage import catalogue, diagnosis
from service.massage.diagnosis import compiler
from service.massage.screening.index import prefixes_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEPT = diagnosis.load()
ROWS = catalogue.load()


def prefixes() -> Iterator[tuple[str, str]]:
    """The rows of contraindications with each of their prefixes and ranges."""
    for code, row in ROWS.contraindications.items():
        for entry in (*row.icd10cm, *(row.if_confirmed.icd10cm if row.if_confirmed else ())):
            yield code, entry


@pytest.fixture(scope="module")
def library() -> Any:
    """simple-icd-10-cm, which takes more than a second to import."""
    return compiler.library()


def test_the_facts_are_those_of_the_pinned_library(library: Any, tmp_path: Path) -> None:
    compiler.compile_library(tmp_path)
    assert diagnosis.load(tmp_path) == KEPT


def test_every_code_of_a_condition_is_a_billable_leaf_with_its_title(library: Any) -> None:
    listed = [(code, title) for row in ROWS.conditions.values() for code, title in row.icd10cm.items()]
    assert len(listed) > 90
    assert [code for code, title in listed if not (library.is_leaf(code) and KEPT.is_billable(code))] == []
    assert [code for code, title in listed if library.get_description(code) != title] == []


def test_every_prefix_of_a_contraindication_is_a_code_and_a_range_has_ends(library: Any) -> None:
    listed = list(prefixes())
    assert len(listed) > 100
    wrong = [
        (row, entry)
        for row, entry in listed
        if not all(library.is_category_or_subcategory(each) for each in entry.split("-"))
        or not any(KEPT.has(each) for each in prefixes_of(row, [entry]))
    ]
    assert wrong == []


def test_whether_a_code_is_billable_is_told_as_by_the_library(library: Any) -> None:
    codes = [each for each in library.get_all_codes() if library.is_category_or_subcategory(each)][::7]
    assert [each for each in codes if KEPT.is_billable(each) != library.is_leaf(each)] == []


@pytest.mark.parametrize("code", ["M54.50", "m5450", "I10", "G35.D", "S13.4XXA"])
def test_a_leaf_is_billable_however_it_is_written(code: str) -> None:
    assert KEPT.is_billable(code)


@pytest.mark.parametrize("code", ["M54", "M54.5", "G35", "G20", "G44.2", "M26.60", "I71.4", "S13.4"])
def test_a_heading_is_a_code_and_not_billable(code: str) -> None:
    assert KEPT.has(code)
    assert not KEPT.is_billable(code)


def test_a_code_without_its_seventh_character_is_none_but_others_begin_so() -> None:
    assert not KEPT.has("S13.4XX")
    assert KEPT.begins("S13.4XX")
    assert list(KEPT.billable_below("S13.4XX")) == ["S13.4XXA", "S13.4XXD", "S13.4XXS"]


@pytest.mark.parametrize("code", ["M54.99", "ZZZ", "Z9Z.1", "", "M5", "I10.1"])
def test_what_is_no_code_is_not_there(code: str) -> None:
    assert not KEPT.has(code)
    assert not KEPT.is_billable(code)


@pytest.mark.parametrize("other", ["M54.41", "M51.26", "S39.012A", "M51.360", "M51.370"])
def test_low_back_pain_is_not_coded_with_what_causes_it(other: str) -> None:
    assert KEPT.exclude("M54.50", other)
    assert KEPT.exclude(other, "M54.50")


@pytest.mark.parametrize("other", ["M54.2", "M54.50", "M51.362", "S39.011A", "G43.909"])
def test_other_diagnoses_are_coded_with_low_back_pain(other: str) -> None:
    assert not KEPT.exclude("M54.50", other)


@pytest.mark.parametrize(
    "note, beginnings",
    [
        ("lumbago with sciatica (M54.4-)", ["M544"]),
        ("low back strain (S39.012)", ["S39012"]),
        ("malignant neoplasm (C77.-, C79)", ["C77", "C79"]),
        ("injury (S00-S02)", ["S00", "S01", "S02"]),
        ("diabetes (E08-E13 with .52)", []),
        ("traumatic (old) tear", []),
    ],
)
def test_a_note_names_beginnings_of_codes(note: str, beginnings: list[str]) -> None:
    assert list(compiler.excluded([note], list(KEPT.categories))) == beginnings
