"""$expand of a value set: https://hl7.org/fhir/R4/valueset-operation-expand.html"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir import codec
from service.fhir.outcome import CANONICAL
from service.massage import catalogue
from tests.api.codes.conftest import PAIN, PLACES, SET, posted
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    import httpx

    from service.assembly import Standard

Json = dict[str, Any]
BACK = ["pain", "back", "low-back", "lumbago", "Neck"]


def codes(answer: httpx.Response) -> list[str]:
    """The codes of the page, in order."""
    assert answer.status_code == 200, answer.text
    return [each["code"] for each in answer.json()["expansion"].get("contains", ())]


@pytest.mark.parametrize(
    "query,expected",
    [
        ("", BACK),
        ("offset=1&count=2", BACK[1:3]),
        ("offset=4", BACK[4:]),
        ("offset=9", []),
        ("count=0", []),
        ("count=100", BACK),
        ("filter=back", ["back", "low-back"]),
        ("filter=PAIN lo", ["low-back"]),
        ("filter=rucken", ["back"]),
        ("filter=ain", []),
        ("filter=--", BACK),
        ("activeOnly=true", ["pain", "back", "low-back", "Neck"]),
        ("excludeNotForUI=true", BACK[1:]),
        (f"exclude-system={PLACES}", BACK[:4]),
        (f"exclude-system={PAIN}|2", ["Neck"]),
        (f"exclude-system={PAIN}|1", BACK),
        ("excludeNested=false&excludePostCoordinated=true", BACK),
        (f"system-version={PAIN}|2", BACK),
        (f"check-system-version={PAIN}|2", BACK),
        (f"force-system-version={PAIN}|2", BACK),
    ],
)
@pytest.mark.parametrize("where", ["ValueSet/set/$expand?", f"ValueSet/$expand?url={SET}&"])
async def test_the_codes_that_are_asked_for_are_listed(
    client: httpx.AsyncClient, where: str, query: str, expected: list[str]
) -> None:
    """Of the instance or by canonical URL, in the order of the value set and of its code systems."""
    assert codes(await client.get(f"{where}{query}")) == expected


@pytest.mark.parametrize(
    "query,total", [("count=0", 5), ("offset=9", 5), ("filter=back&count=1", 2), ("activeOnly=true&count=1", 4)]
)
async def test_the_total_is_of_all_pages(client: httpx.AsyncClient, query: str, total: int) -> None:
    """After the filter."""
    assert (await client.get(f"ValueSet/set/$expand?{query}")).json()["expansion"]["total"] == total


async def test_an_expansion_says_when_and_by_what_it_was_made(client: httpx.AsyncClient) -> None:
    """The parameters that changed it, and the versions of code systems."""
    answered = (await client.get("ValueSet/set/$expand?count=2&filter=pain")).json()
    told = answered["expansion"]
    assert told["parameter"] == [
        {"name": "filter", "valueString": "pain"},
        {"name": "count", "valueInteger": 2},
        {"name": "version", "valueUri": f"{PAIN}|2"},
    ]
    assert told["offset"] == 0
    assert told["timestamp"].endswith("Z")
    assert "compose" not in answered


async def test_equal_expansions_have_the_same_identifier_and_others_have_not(client: httpx.AsyncClient) -> None:
    """By what they are made of, and how."""
    found = [
        (await client.get(f"ValueSet/{query}")).json()["expansion"]["identifier"]
        for query in ("set/$expand", "set/$expand", "set/$expand?count=1", "twice/$expand")
    ]
    assert found[0] == found[1]
    assert len(set(found)) == 3


async def test_the_definition_comes_along_when_it_is_asked_for(client: httpx.AsyncClient) -> None:
    """And only then."""
    answered = (await client.get("ValueSet/set/$expand?includeDefinition=true")).json()
    assert [each["system"] for each in answered["compose"]["include"]] == [PAIN, PLACES]


@pytest.mark.parametrize(
    "query,expected",
    [
        ("includeDesignations=true", ["de", "fr-CH"]),
        ("designation=de", ["de"]),
        ("designation=urn:ietf:bcp:47|fr-CH&designation=de", ["de", "fr-CH"]),
        ("designation=it", []),
        ("", []),
    ],
)
async def test_designations_come_along_when_they_are_asked_for(
    client: httpx.AsyncClient, query: str, expected: list[str]
) -> None:
    """All of them, or those of a language or use."""
    (entry,) = (await client.get(f"ValueSet/set/$expand?filter=rücken&{query}")).json()["expansion"]["contains"]
    assert [each["language"] for each in entry.get("designation", ())] == expected


@pytest.mark.parametrize(
    "language,display", [("de", "Rückenschmerz"), ("fr", "Mal de dos"), ("it", "Back pain"), ("d", "Back pain")]
)
async def test_displays_are_in_the_language_that_is_asked_for(
    client: httpx.AsyncClient, language: str, display: str
) -> None:
    """Where there is one."""
    answered = (await client.get(f"ValueSet/set/$expand?filter=rücken&displayLanguage={language}")).json()
    assert [each["display"] for each in answered["expansion"]["contains"]] == [display]


async def test_what_is_abstract_or_out_of_use_is_marked(client: httpx.AsyncClient) -> None:
    """In the list of everything."""
    listed = (await client.get("ValueSet/set/$expand")).json()["expansion"]["contains"]
    assert {each["code"] for each in listed if each.get("abstract")} == {"pain"}
    assert {each["code"] for each in listed if each.get("inactive")} == {"lumbago"}


async def test_a_value_set_that_is_listed_takes_names_from_the_code_system(client: httpx.AsyncClient) -> None:
    """Even if that is a fragment."""
    listed = (await client.get("ValueSet/set/$expand?filter=neck")).json()["expansion"]["contains"]
    assert listed == [{"system": PLACES, "code": "Neck", "display": "The neck"}]


SENT: Json = {
    "resourceType": "ValueSet",
    "status": "draft",
    "compose": {"include": [{"valueSet": [SET]}, {"system": PAIN, "filter": []}]},
}
SENT["compose"]["include"][1] = {"system": PAIN, "filter": [{"property": "code", "op": "regex", "value": "st.*"}]}


@pytest.mark.parametrize("wrapped", [True, False])
async def test_a_value_set_that_is_sent_along_is_expanded(client: httpx.AsyncClient, wrapped: bool) -> None:
    """In Parameters or alone; what it imports is looked up."""
    body = posted(valueSet=SENT) if wrapped else SENT
    assert codes(await client.post("ValueSet/$expand", json=body)) == [*BACK, "stress"]


async def test_a_value_set_that_is_sent_along_is_not_taken_for_a_stored_one(client: httpx.AsyncClient) -> None:
    """Even if it carries the id and the version of one."""
    stored = (await client.get("ValueSet/twice")).json()
    sent = stored | {"compose": {"include": [{"system": PAIN, "concept": [{"code": "stress"}]}]}}
    assert codes(await client.post("ValueSet/$expand", json=posted(valueSet=sent))) == ["stress"]
    assert codes(await client.get("ValueSet/twice/$expand")) == BACK[:4]


async def test_parameters_are_taken_from_the_body_and_the_url(client: httpx.AsyncClient) -> None:
    """Together."""
    answered = await client.post("ValueSet/$expand?count=2", json=posted(url=SET, offset=3, exclude_system=[PLACES]))
    assert codes(answered) == ["lumbago"]


async def test_of_several_versions_the_one_that_is_named_is_expanded(client: httpx.AsyncClient) -> None:
    """Behind the URL or by valueSetVersion."""
    many = "http://sets.example.org/many"
    assert codes(await client.get(f"ValueSet/$expand?url={many}|2")) == ["back", "2"]
    assert codes(await client.get(f"ValueSet/$expand?url={many}&valueSetVersion=1")) == ["back", "1"]


@pytest.mark.parametrize("name", [each["id"] for each in catalogue.resources() if each["resourceType"] == "ValueSet"])
async def test_every_value_set_of_the_catalogue_expands_to_valid_content(
    client: httpx.AsyncClient, standard: Standard, name: str
) -> None:
    """Page by page."""
    answered = await client.get(f"ValueSet/{name}/$expand?count=60")
    assert codes(answered)
    assert standard.validator.issues(codec.decode(answered.content), "ValueSet") == []


async def test_a_new_version_of_a_code_system_changes_the_expansion(client: httpx.AsyncClient) -> None:
    """What was worked out before is not told again."""
    url = "http://codes.example.org/growing"
    system: Json = {"resourceType": "CodeSystem", "id": "growing", "url": url, "status": "active"}
    system |= {"content": "complete", "concept": [{"code": "a"}]}
    sent: Json = {"resourceType": "ValueSet", "id": "growing", "status": "active"}
    sent |= {"compose": {"include": [{"system": url}]}}
    await client.put("CodeSystem/growing", json=system)
    await client.put("ValueSet/growing", json=sent)
    assert codes(await client.get("ValueSet/growing/$expand")) == ["a"]
    system["concept"].append({"code": "b"})
    await client.put("CodeSystem/growing", json=system)
    assert codes(await client.get("ValueSet/growing/$expand")) == ["a", "b"]


@pytest.mark.parametrize(
    "url,status,code,expression",
    [
        ("ValueSet/$expand", 400, "parameter-required", "http.url"),
        ("ValueSet/$expand?url=http://sets.example.org/none", 404, "not-found", None),
        (f"ValueSet/$expand?url={SET}|9", 404, "not-found", None),
        ("ValueSet/none/$expand", 404, "not-found", None),
        ("ValueSet/$expand?url=http://sets.example.org/many", 412, "multiple-matches", None),
        ("ValueSet/lost/$expand", 422, "codes-untold", None),
        ("ValueSet/places/$expand", 422, "codes-untold", None),
        (f"ValueSet/set/$expand?force-system-version={PAIN}|1", 422, "codes-untold", None),
        (f"ValueSet/$expand?url={CANONICAL}/ValueSet/treated-condition", 422, "codes-too-many", "http.count"),
        (f"ValueSet/$expand?url={CANONICAL}/ValueSet/treated-condition&count=61", 422, "codes-too-many", "http.count"),
        ("ValueSet/set/$expand?count=-1", 400, "parameter-value", "http.count"),
        ("ValueSet/set/$expand?count=1&count=2", 400, "parameter-value", "http.count"),
        ("ValueSet/set/$expand?activeOnly=yes", 400, "parameter-value", "http.activeOnly"),
        ("ValueSet/set/$expand?filter=", 400, "parameter-value", "http.filter"),
        ("ValueSet/set/$expand?system-version=1", 400, "parameter-value", "http.system-version"),
        ("ValueSet/set/$expand?valueSet=x", 400, "parameter-value", "http.valueSet"),
        ("ValueSet/set/$expand?context=x", 400, "parameter-unsupported", "http.context"),
        ("ValueSet/set/$expand?date=2020", 400, "parameter-unsupported", "http.date"),
        ("ValueSet/set/$expand?nonsense=x", 400, "parameter-unknown", "http.nonsense"),
        ("CodeSystem/$expand?url=x", 404, "operation-unknown", None),
        ("$expand?url=x", 404, "operation-unknown", None),
    ],
)
async def test_what_cannot_be_expanded_is_refused(
    client: httpx.AsyncClient, url: str, status: int, code: str, expression: str | None
) -> None:
    """Each failure with its status."""
    assert_outcome(await client.get(url), status, code, *([expression] if expression else []))


@pytest.mark.parametrize(
    "body,code",
    [
        (posted(valueSet=SENT, url=SET), "parameter-value"),
        (posted(valueSet={"resourceType": "Patient"}), "type-mismatch"),
        ({"resourceType": "Patient"}, "type-mismatch"),
        ({"resourceType": "ValueSet", "status": "unheard-of"}, "code-invalid"),
        (posted(count="2"), "parameter-value"),
        ({"resourceType": "Parameters", "parameter": [{"name": "url"}]}, "invariant"),
    ],
)
async def test_a_body_that_is_no_request_is_refused(client: httpx.AsyncClient, body: Json, code: str) -> None:
    """With 400."""
    assert_outcome(await client.post("ValueSet/$expand", json=body), 400, code)
