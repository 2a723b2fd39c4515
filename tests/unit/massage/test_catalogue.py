"""The rows of the catalogue, one by one, and the resources that are made of them."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from service.fhir import codec, definitions
from service.fhir.code_systems import CPT, ICD10CM, LOINC, SNOMED
from service.fhir.outcome import CANONICAL
from service.fhir.validation import Validator
from service.massage import catalogue
from service.massage.catalogue.published import SIGN_OFF, VERSION
from service.massage.catalogue.rows import FOLDER
from service.massage.cycle.tables import business_status, status_reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Json = dict[str, Any]

ROWS = catalogue.load()
RESOURCES = {f"{each['resourceType']}/{each['id']}": each for each in catalogue.resources()}
R4 = definitions.load()
TASK_STATUSES = {"requested", "received", "accepted", "rejected", "in-progress", "on-hold", "cancelled", "failed"}
TASK_STATUSES |= {"completed"}
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
ICD = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?(-[A-Z][0-9][0-9A-Z])?")


def rows() -> list[Any]:
    """Every row with its table and code."""
    return [
        pytest.param(table, code, row, id=f"{table}/{code}")
        for table in ROWS.__struct_fields__
        for code, row in getattr(ROWS, table).items()
    ]


def concepts(resource: Json) -> Iterator[Json]:
    """Every concept of a CodeSystem, nested ones included."""
    waiting = list(resource["concept"])
    while waiting:
        concept = waiting.pop()
        yield concept
        waiting += concept.get("concept", ())


def values(content: Any, key: str) -> Iterator[Any]:
    """All values of a key, however deep."""
    if isinstance(content, dict):
        for name, value in content.items():
            if name == key:
                yield value
            yield from values(value, key)
    elif isinstance(content, list | tuple):
        for each in content:
            yield from values(each, key)


def check_digit_holds(code: str) -> bool:
    """Whether a SNOMED CT identifier ends with its Verhoeff digit."""
    permuted = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    for _ in range(6):
        permuted.append([permuted[-1][permuted[1][digit]] for digit in range(10)])
    check = 0
    for place, digit in enumerate(reversed(code)):
        check = dihedral(check, permuted[place % 8][int(digit)])
    return check == 0


def dihedral(one: int, other: int) -> int:
    """The product of two elements of the dihedral group of a pentagon."""
    if one < 5:
        return (one + other) % 5 if other < 5 else (one + other - 5) % 5 + 5
    return (one - 5 - other) % 5 + 5 if other < 5 else (one - other) % 5


@pytest.mark.parametrize("name", list(RESOURCES))
def test_every_resource_is_valid_without_a_warning(name: str) -> None:
    """By the validator that clients' resources go through."""
    content = codec.decode(codec.encode(RESOURCES[name]))
    assert Validator(R4).issues(content, content["resourceType"], warnings=True) == []


@pytest.mark.parametrize("name", list(RESOURCES))
def test_every_resource_is_published_under_the_canonical_root_with_version_and_licence(name: str) -> None:
    """By the id that it is served under."""
    content = RESOURCES[name]
    assert (content["url"], content["version"]) == (f"{CANONICAL}/{name}", VERSION)
    assert content["copyright"]
    assert content["title"]


@pytest.mark.parametrize("table,code,row", rows())
def test_every_row_names_sources_that_are_described(table: str, code: str, row: Any) -> None:
    """In the row and within it."""
    named = {source for sources in values(msgspec.to_builtins(row), "sources") for source in sources}
    assert table == "sources" or named
    assert named <= ROWS.sources.keys()


@pytest.mark.parametrize("table,code,row", rows())
def test_every_code_has_a_form(table: str, code: str, row: Any) -> None:
    """Lower case and hyphens for ours; SNOMED CT with its check digit; ICD-10-CM as categories, codes and ranges."""
    if table not in {"sources", "body_sites", "provider_roles"}:
        assert CODE.fullmatch(code)
    content = msgspec.to_builtins(row)
    snomed = [each for name in ("snomed", "wider", "procedures") for table in values(content, name) for each in table]
    if table == "body_sites":
        snomed.append(code)
    assert all(check_digit_holds(each) for each in snomed)
    assert all(ICD.fullmatch(each) for named in values(content, "icd10cm") for each in named)


@pytest.mark.parametrize("table,code,row", rows())
def test_a_row_says_nothing_that_has_no_source_but_is_called_certain(table: str, code: str, row: Any) -> None:
    """What is from memory or our own reading has confidence C."""
    for each in [row, *getattr(row, "stricter", ())]:
        if table == "contraindications" and set(each.sources) <= {"memory", "none"}:
            assert each.confidence == "C"


@pytest.mark.parametrize("name", [name for name in RESOURCES if name.startswith("CodeSystem/")])
def test_every_code_of_a_code_system_is_unique_and_counted(name: str) -> None:
    """Nested or not."""
    found = [concept["code"] for concept in concepts(RESOURCES[name])]
    assert len(found) == len(set(found)) == RESOURCES[name]["count"]


@pytest.mark.parametrize(
    "system,table",
    [
        ("massage-technique", "techniques"),
        ("treated-condition-group", "conditions"),
        ("contraindication", "contraindications"),
        ("massage-outcome", "outcome_measures"),
        ("referral-business-status", "business_statuses"),
        ("referral-status-reason", "status_reasons"),
        ("referral-task-io", "task_inputs_and_outputs"),
        ("therapist-qualification", "qualifications"),
        ("override-reason", "override_reasons"),
        ("progress-class", "progress_classes"),
        ("referral-task-code", "task_codes"),
    ],
)
def test_a_code_system_has_one_concept_for_each_row(system: str, table: str) -> None:
    """With the row's display."""
    told = {each["code"]: each["display"] for each in concepts(RESOURCES[f"CodeSystem/{system}"])}
    assert told == {code: row.display for code, row in getattr(ROWS, table).items()}


@pytest.mark.parametrize("code", list(ROWS.contraindications))
def test_a_contraindication_is_published_with_severity_scope_and_sources(code: str) -> None:
    """As the row has them."""
    row = ROWS.contraindications[code]
    (concept,) = [each for each in concepts(RESOURCES["CodeSystem/contraindication"]) if each["code"] == code]
    told = {each["code"]: each for each in concept["property"]}
    assert (told["severity"]["valueCode"], told["scope"]["valueCode"]) == (row.severity, row.scope)
    named = [each["valueString"] for each in concept["property"] if each["code"] == "source"]
    assert named == [ROWS.sources[each].display for each in row.sources]


@pytest.mark.parametrize("name", ["CodeSystem/contraindication", "ValueSet/absolute-contraindication"])
def test_contraindications_say_that_a_clinician_must_sign_them_off(name: str) -> None:
    """And are a draft until then."""
    content = RESOURCES[name]
    assert SIGN_OFF in content["description"]
    assert (content["status"], content["experimental"]) == ("draft", True)


@pytest.mark.parametrize("code", list(ROWS.business_statuses))
def test_a_business_status_stands_beside_statuses_of_a_task(code: str) -> None:
    """At least one; and it is mapped to BSeR or not, but not by halves."""
    row = ROWS.business_statuses[code]
    assert row.allowed
    assert set(row.allowed) <= TASK_STATUSES
    assert (row.bser is None) == (row.mapping is None)


def test_the_life_cycles_go_by_the_business_statuses_of_the_catalogue() -> None:
    """Beside the same statuses of a Task."""
    assert {code: frozenset(row.allowed) for code, row in ROWS.business_statuses.items()} == business_status.ALLOWED


def test_the_life_cycles_go_by_the_status_reasons_of_the_catalogue() -> None:
    """No more and no less."""
    assert ROWS.status_reasons.keys() == status_reason.REASONS.keys()


@pytest.mark.parametrize("code", list(ROWS.conditions))
def test_a_condition_names_techniques_and_outcomes_of_the_catalogue(code: str) -> None:
    """So that nothing hangs in the air."""
    row = ROWS.conditions[code]
    assert set(row.techniques) <= ROWS.techniques.keys()
    assert set(row.outcomes) <= ROWS.outcome_measures.keys()


@pytest.mark.parametrize("code", list(ROWS.contraindications))
def test_a_contraindication_names_techniques_of_the_catalogue(code: str) -> None:
    """Where it is about some of them only."""
    row = ROWS.contraindications[code]
    named = {*row.clearance_for, *(each for one in row.stricter for each in one.techniques)}
    assert named <= ROWS.techniques.keys()


@pytest.mark.parametrize("code", list(ROWS.outcome_measures))
def test_a_measure_that_tells_a_change_tells_its_source_and_direction(code: str) -> None:
    """And a range has its ends in order."""
    row = ROWS.outcome_measures[code]
    assert row.change is None or (row.changes and row.direction and row.values)
    ends = [(each.low, each.high) for each in row.values] + [(each.low, each.high) for each in row.bands]
    assert all(low is None or high is None or low < high for low, high in ends)
    assert bool(row.loinc) == (row.confidence is not None)


def displays(system: str) -> Iterable[str]:
    """What is shipped as the display of codes of a system."""
    for content in RESOURCES.values():
        for part in content.get("compose", {}).get("include", ()):
            yield from (each.get("display", "") for each in part.get("concept", ()) if part["system"] == system)
        for group in content.get("group", ()):
            for element in group["element"]:
                yield from (
                    each.get("display", "")
                    for each in element["target"]
                    if "code" in each and group["target"] == system
                )
        yield from (each.get("display", "") for each in values(content, "valueCoding") if each["system"] == system)


@pytest.mark.parametrize("system", [CPT, LOINC])
def test_no_descriptor_of_a_protected_system_is_shipped(system: str) -> None:
    """Codes only."""
    assert set(displays(system)) == {""}


@pytest.mark.parametrize("system", [SNOMED, ICD10CM])
def test_codes_of_free_systems_are_shipped_with_their_names(system: str) -> None:
    """As their owners write them."""
    assert "" not in set(displays(system))


def test_a_technique_is_never_mapped_to_neuromuscular_reeducation() -> None:
    """Which payers take for another service."""
    (group,) = RESOURCES["ConceptMap/technique-to-cpt"]["group"]
    assert "97112" not in {each.get("code") for element in group["element"] for each in element["target"]}


def test_a_row_with_an_unknown_column_is_refused(tmp_path: Path) -> None:
    """Rather than being left out of the rules."""
    for path in FOLDER.glob("*.toml"):
        shutil.copy(path, tmp_path)
    with (tmp_path / "techniques.toml").open("a", encoding="utf-8") as file:
        file.write('\n[extra]\ndisplay = "x"\ndefinition = "x"\nsources = ["S-0"]\npresure = "deep"\n')
    with pytest.raises(ValueError, match=r"techniques\.toml.*presure"):
        catalogue.load(tmp_path)


def test_the_fingerprint_changes_with_a_row(tmp_path: Path) -> None:
    """So that the next start publishes it."""
    for path in FOLDER.glob("*.toml"):
        shutil.copy(path, tmp_path)
    before = catalogue.fingerprint(tmp_path)
    with (tmp_path / "techniques.toml").open("a", encoding="utf-8") as file:
        file.write("# another word\n")
    assert catalogue.fingerprint(tmp_path) != before
