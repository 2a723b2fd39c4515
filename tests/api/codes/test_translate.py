"""$translate of concept maps: https://hl7.org/fhir/R4/conceptmap-operation-translate.html"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir import codec
from service.fhir.code_systems import BSER, CPT, ICD10CM, SNOMED
from service.fhir.outcome import CANONICAL
from service.massage import catalogue
from tests.api.codes.conftest import PAIN, PLACES, SET, posted, told
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    import httpx

    from service.assembly import Standard

Json = dict[str, Any]
ROWS = catalogue.load()
EQUAL = {"code": "2", "equivalence": "equal"}
MAP = "http://maps.example.org/pain-to-places"


def matches(answer: httpx.Response) -> list[tuple[str, str | None]]:
    """Equivalence and code of every match."""
    assert answer.status_code == 200, answer.text
    found: list[tuple[str, str | None]] = []
    for each in answer.json()["parameter"]:
        if each["name"] == "match":
            named = {part["name"]: part for part in each["part"]}
            code = named["concept"]["valueCoding"]["code"] if "concept" in named else None
            found.append((named["equivalence"]["valueCode"], code))
    return found


def parts(answer: httpx.Response) -> list[Json]:
    """What all matches consist of."""
    return [part for each in answer.json()["parameter"] for part in each.get("part", ())]


@pytest.mark.parametrize(
    "query,expected,result",
    [
        (f"system={PAIN}&code=neck", [("wider", "Neck")], True),
        (f"system={PAIN}&code=back", [("unmatched", None)], False),
        (f"system={PAIN}&code=stress", [("inexact", "Body")], True),
        (f"system={PAIN}&code=neck&targetsystem={PLACES}", [("wider", "Neck")], True),
        (f"system={PAIN}&code=neck&targetsystem=http://none", [], False),
        (f"system={PAIN}&code=neck&source={SET}|1", [("wider", "Neck")], True),
        (f"system={PAIN}&code=neck&source=http://none", [], False),
        (f"system={PLACES}&code=Neck", [], False),
        (f"system={PLACES}&code=Neck&reverse=true", [("narrower", "neck")], True),
        (f"system={PLACES}&code=Neck&reverse=true&target={SET}", [("narrower", "neck")], True),
        (f"system={PLACES}&code=Neck&reverse=true&target=http://none", [], False),
    ],
)
@pytest.mark.parametrize("where", ["ConceptMap/pain-to-places/$translate?", f"ConceptMap/$translate?url={MAP}|1&"])
async def test_a_code_is_translated(
    client: httpx.AsyncClient, where: str, query: str, expected: list[tuple[str, str | None]], result: bool
) -> None:
    """By one map, there and back."""
    answered = await client.get(f"{where}{query}")
    assert matches(answered) == expected
    assert told(answered.json())["result"] is result


async def test_a_mapping_that_depends_on_something_needs_it(client: httpx.AsyncClient) -> None:
    """And tells what else comes of it."""
    dependency = [
        {"name": "element", "valueUri": "http://example.org/side"},
        {"name": "concept", "valueCodeableConcept": {"coding": [{"code": "front"}]}},
    ]
    body = posted(coding={"system": PAIN, "code": "neck"}, dependency={"part": dependency})
    answered = await client.post("ConceptMap/pain-to-places/$translate", json=body)
    assert matches(answered) == [("wider", "Neck"), ("narrower", "Throat")]
    (product,) = [part for each in answered.json()["parameter"] for part in each.get("part", ()) if "part" in part]
    assert product["part"][1] == {"name": "concept", "valueCoding": {"code": "deep"}}


async def test_what_a_map_does_not_have_it_passes_on(client: httpx.AsyncClient) -> None:
    """To the map that it names."""
    where = f"ConceptMap/onwards/$translate?system={PAIN}&code="
    assert matches(await client.get(f"{where}stress")) == [("relatedto", "Mind")]
    assert matches(await client.get(f"{where}neck")) == [("wider", "Neck")]


async def test_without_a_map_all_of_them_are_asked(client: httpx.AsyncClient) -> None:
    """That are held for the system of the code; each match names its map."""
    answered = await client.get(f"ConceptMap/$translate?system={PAIN}&code=neck")
    sources = [
        part["valueUri"]
        for each in answered.json()["parameter"]
        for part in each.get("part", ())
        if part["name"] == "source"
    ]
    assert sources == [f"{MAP}|1"]
    assert matches(await client.get(f"ConceptMap/$translate?system={PLACES}&code=Neck&reverse=true")) == [
        ("narrower", "neck")
    ]


async def test_every_coding_of_a_concept_is_translated(client: httpx.AsyncClient) -> None:
    """By the same map."""
    concept = {"coding": [{"system": PAIN, "code": "neck"}, {"system": PAIN, "code": "stress"}]}
    answered = await client.post("ConceptMap/pain-to-places/$translate", json=posted(codeableConcept=concept))
    assert matches(answered) == [("wider", "Neck"), ("inexact", "Body")]


async def test_a_map_that_is_sent_along_is_asked(client: httpx.AsyncClient) -> None:
    """In the place of what is held."""
    element = {"code": "a", "target": [{"code": "b", "equivalence": "equal"}]}
    sent = {"resourceType": "ConceptMap", "status": "draft", "group": [{"source": PAIN, "element": [element]}]}
    body = posted(conceptMap=sent, coding={"system": PAIN, "code": "a"})
    assert matches(await client.post("ConceptMap/$translate", json=body)) == [("equal", "b")]


@pytest.mark.parametrize("code", list(ROWS.business_statuses))
async def test_a_business_status_is_exported_as_bser_has_it(client: httpx.AsyncClient, code: str) -> None:
    """For every row of the catalogue; those without a counterpart say so."""
    row = ROWS.business_statuses[code]
    system = f"{CANONICAL}/CodeSystem/referral-business-status"
    answered = await client.get(f"ConceptMap/$translate?system={system}&code={code}&targetsystem={BSER}")
    assert matches(answered) == [(row.mapping or "unmatched", row.bser)]


@pytest.mark.parametrize("code", list(ROWS.techniques))
async def test_a_technique_is_billed_by_cpt_codes(client: httpx.AsyncClient, code: str) -> None:
    """Without descriptors."""
    system = f"{CANONICAL}/CodeSystem/massage-technique"
    answered = await client.get(f"ConceptMap/technique-to-cpt/$translate?system={system}&code={code}")
    cpt = ROWS.techniques[code].cpt
    expected: list[tuple[str, str | None]] = [("relatedto", each) for each in cpt]
    assert matches(answered) == (expected or [("unmatched", None)])
    codings = [
        part["valueCoding"]
        for each in answered.json()["parameter"]
        for part in each.get("part", ())
        if "valueCoding" in part
    ]
    assert codings == [{"system": CPT, "code": each} for each in cpt]


@pytest.mark.parametrize(
    "url,status,code,expression",
    [
        ("ConceptMap/$translate", 400, "parameter-required", "http.code"),
        ("ConceptMap/$translate?code=a", 400, "parameter-required", "http.system"),
        ("ConceptMap/$translate?system=http://none&code=a", 404, "not-found", "http.system"),
        (f"ConceptMap/$translate?url=http://none&system={PAIN}&code=a", 404, "not-found", None),
        (f"ConceptMap/none/$translate?system={PAIN}&code=a", 404, "not-found", None),
        (f"ConceptMap/$translate?system={PAIN}&code=a&reverse=maybe", 400, "parameter-value", "http.reverse"),
        (f"ConceptMap/$translate?system={PAIN}&code=a&conceptMap=b", 400, "parameter-value", "http.conceptMap"),
        (f"ConceptMap/$translate?system={PAIN}&code=a&nonsense=b", 400, "parameter-unknown", "http.nonsense"),
        ("ValueSet/$translate?system=a&code=b", 404, "operation-unknown", None),
    ],
)
async def test_what_cannot_be_translated_is_refused(
    client: httpx.AsyncClient, url: str, status: int, code: str, expression: str | None
) -> None:
    """Each failure with its status."""
    assert_outcome(await client.get(url), status, code, expression)


async def test_a_dependency_without_its_parts_is_refused(client: httpx.AsyncClient) -> None:
    """With 400."""
    body = posted(coding={"system": PAIN, "code": "neck"}, dependency={"part": [{"name": "element", "valueUri": "a"}]})
    answered = await client.post("ConceptMap/pain-to-places/$translate", json=body)
    assert_outcome(answered, 400, "parameter-value", "http.dependency")


async def test_every_answer_is_valid(client: httpx.AsyncClient, standard: Standard) -> None:
    """By R4."""
    for code in ("neck", "back", "stress"):
        answered = await client.get(f"ConceptMap/pain-to-places/$translate?system={PAIN}&code={code}")
        assert standard.validator.issues(codec.decode(answered.content), "Parameters") == []


@pytest.mark.parametrize("code", ["low-back-pain", "sciatica", "sports-injury"])
@pytest.mark.parametrize("system, column", [(SNOMED, "snomed"), (ICD10CM, "icd10cm")])
async def test_a_condition_of_the_catalogue_is_translated_into_the_codes_of_its_row(
    client: httpx.AsyncClient, code: str, system: str, column: str
) -> None:
    query = f"system={CANONICAL}/CodeSystem/treated-condition&code={code}&targetsystem={system}"
    answer = await client.get(f"ConceptMap/$translate?{query}")
    listed = [("relatedto", each) for each in getattr(ROWS.conditions[code], column)]
    assert matches(answer) == (listed or [("unmatched", None)])


async def test_a_diagnosis_leads_back_to_the_condition_that_it_tells(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"ConceptMap/$translate?system={ICD10CM}&code=M54.50&reverse=true")
    assert matches(answer) == [("relatedto", "low-back-pain")]


async def test_a_map_that_was_sent_without_a_name_is_not_named(client: httpx.AsyncClient) -> None:
    group = {"source": "http://a", "target": "http://b", "element": [{"code": "1", "target": [EQUAL]}]}
    sent = {"resourceType": "ConceptMap", "status": "active", "group": [group]}
    named = {"name": "coding", "valueCoding": {"system": "http://a", "code": "1"}}
    body = {"resourceType": "Parameters", "parameter": [{"name": "conceptMap", "resource": sent}, named]}
    answer = await client.post("ConceptMap/$translate", json=body)
    assert matches(answer) == [("equal", "2")]
    assert [part for part in parts(answer) if part["name"] == "source"] == []
