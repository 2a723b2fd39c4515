"""$lookup, $validate-code and $subsumes: https://hl7.org/fhir/R4/codesystem-operations.html"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir import codec
from service.fhir.outcome import CANONICAL
from service.massage import catalogue
from tests.api.codes.conftest import PAIN, PLACES, SET, posted, told
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    import httpx

    from service.assembly import Standard

Json = dict[str, Any]
ROWS = catalogue.load()


def properties(answer: Json) -> list[tuple[str, Any]]:
    """The properties of a lookup, in order."""
    found = []
    for each in answer["parameter"]:
        if each["name"] == "property":
            parts = {part["name"]: part for part in each["part"]}
            value = next(value for key, value in parts["value"].items() if key.startswith("value"))
            found.append((parts["code"]["valueCode"], value))
    return found


async def looked_up(client: httpx.AsyncClient, query: str) -> Json:
    """The answer of a lookup that succeeds."""
    answered = await client.get(f"CodeSystem/$lookup?{query}")
    assert answered.status_code == 200, answered.text
    content: Json = answered.json()
    return content


async def test_a_lookup_tells_name_version_and_display(client: httpx.AsyncClient) -> None:
    """Of the code system and the code."""
    assert told(await looked_up(client, f"system={PAIN}&code=back")) == {
        "name": "Pain",
        "version": "2",
        "display": "Back pain",
    }


@pytest.mark.parametrize(
    "query,expected",
    [
        ("", ["definition", "parent", "child", "child", "region"]),
        ("&property=region", ["region"]),
        ("&property=parent&property=definition", ["definition", "parent"]),
        ("&property=url", ["url"]),
        ("&property=lang.de", []),
    ],
)
async def test_a_lookup_tells_the_properties_that_are_asked_for(
    client: httpx.AsyncClient, query: str, expected: list[str]
) -> None:
    """All of them where none is."""
    assert [name for name, _ in properties(await looked_up(client, f"system={PAIN}&code=back{query}"))] == expected


@pytest.mark.parametrize(
    "query,expected", [("", ["de", "fr-CH"]), ("&property=lang.de", ["de"]), ("&property=designation", ["de", "fr-CH"])]
)
async def test_a_lookup_tells_the_designations(client: httpx.AsyncClient, query: str, expected: list[str]) -> None:
    """Of all languages, or of those that are asked for."""
    answered = await looked_up(client, f"system={PAIN}&code=back{query}")
    listed = [each["part"][0]["valueCode"] for each in answered["parameter"] if each["name"] == "designation"]
    assert listed == expected


async def test_a_lookup_takes_a_coding_and_a_language(client: httpx.AsyncClient) -> None:
    """In Parameters."""
    body = posted(coding={"system": PAIN, "code": "back", "version": "2"}, displayLanguage="de")
    answered = await client.post("CodeSystem/$lookup", json=body)
    assert told(answered.json())["display"] == "Rückenschmerz"


async def test_a_code_without_a_name_is_called_by_itself(client: httpx.AsyncClient) -> None:
    """R4 demands a display. Case does not matter where the code system says so."""
    assert told(await looked_up(client, f"system={PLACES}&code=NECK"))["display"] == "The neck"


@pytest.mark.parametrize("code", list(ROWS.contraindications))
async def test_a_lookup_tells_how_severe_a_contraindication_is(client: httpx.AsyncClient, code: str) -> None:
    """For every row of the catalogue."""
    answered = await looked_up(client, f"system={CANONICAL}/CodeSystem/contraindication&code={code}")
    assert ("severity", ROWS.contraindications[code].severity) in properties(answered)


@pytest.mark.parametrize(
    "where,code,result",
    [
        (f"CodeSystem/$validate-code?url={PAIN}", "code=back", True),
        (f"CodeSystem/$validate-code?url={PAIN}", "code=Back", False),
        (f"CodeSystem/$validate-code?url={PAIN}", "code=none", False),
        (f"CodeSystem/$validate-code?url={PAIN}", "code=back&display=back  PAIN", True),
        (f"CodeSystem/$validate-code?url={PAIN}", "code=back&display=Rückenschmerz", True),
        (f"CodeSystem/$validate-code?url={PAIN}", "code=back&display=Pain", False),
        (f"CodeSystem/$validate-code?url={PAIN}", "code=back&version=2", True),
        (f"CodeSystem/$validate-code?url={PAIN}", "code=lumbago", True),
        (f"CodeSystem/$validate-code?url={PAIN}", "code=pain", True),
        (f"CodeSystem/$validate-code?url={PAIN}", "code=pain&abstract=true", True),
        (f"CodeSystem/$validate-code?url={PAIN}", "code=pain&abstract=false", False),
        (f"CodeSystem/$validate-code?url={PLACES}", "code=neck", True),
        ("CodeSystem/pain/$validate-code?", "code=neck", True),
        ("CodeSystem/pain/$validate-code?", "code=none", False),
        (f"ValueSet/$validate-code?url={SET}&system={PAIN}", "code=back", True),
        (f"ValueSet/$validate-code?url={SET}&system={PAIN}", "code=neck", False),
        (f"ValueSet/$validate-code?url={SET}&system={PLACES}", "code=Neck", True),
        (f"ValueSet/$validate-code?url={SET}&system={PLACES}", "code=back", False),
        (f"ValueSet/$validate-code?url={SET}&system={PAIN}", "code=back&systemVersion=1", False),
        (f"ValueSet/$validate-code?url={SET}&system={PAIN}", "code=back&systemVersion=2", True),
        (f"ValueSet/$validate-code?url={SET}&system={PAIN}", "code=back&display=Stress", False),
        (f"ValueSet/$validate-code?url={SET}&valueSetVersion=1&system={PAIN}", "code=back", True),
        (f"ValueSet/set/$validate-code?system={PAIN}", "code=pain&abstract=false", False),
    ],
)
async def test_whether_a_code_is_in_is_told(client: httpx.AsyncClient, where: str, code: str, result: bool) -> None:
    """With 200 either way, and a reason why not."""
    answered = await client.get(f"{where}&{code}")
    assert answered.status_code == 200, answered.text
    found = told(answered.json())
    assert found["result"] is result
    assert result or found["message"]


async def test_the_right_display_is_told_with_a_wrong_one(client: httpx.AsyncClient) -> None:
    """So that it can be put right."""
    answered = await client.get(f"CodeSystem/$validate-code?url={PAIN}&code=back&display=Pain")
    assert told(answered.json())["display"] == "Back pain"


async def test_that_a_code_is_out_of_use_is_mentioned(client: httpx.AsyncClient) -> None:
    """It is in, all the same."""
    answered = await client.get(f"CodeSystem/$validate-code?url={PAIN}&code=lumbago")
    assert "not in use" in told(answered.json())["message"]


@pytest.mark.parametrize("where", ["CodeSystem/pain/$validate-code", "ValueSet/set/$validate-code"])
@pytest.mark.parametrize(
    "codings,result",
    [
        ([{"system": PAIN, "code": "back"}], True),
        ([{"system": PAIN, "code": "none"}], False),
        ([{"system": PAIN, "code": "none"}, {"system": PAIN, "code": "back", "display": "Back pain"}], True),
        ([{"system": "http://codes.example.org/other", "code": "back"}], False),
    ],
)
async def test_of_several_codings_one_has_to_be_in(
    client: httpx.AsyncClient, where: str, codings: list[Json], result: bool
) -> None:
    """As codings of a concept."""
    answered = await client.post(where, json=posted(codeableConcept={"coding": codings}))
    assert told(answered.json())["result"] is result


async def test_what_is_sent_along_is_asked(client: httpx.AsyncClient) -> None:
    """In the place of what is held."""
    system: Json = {"resourceType": "CodeSystem", "url": PAIN, "status": "draft", "content": "complete"}
    system |= {"concept": [{"code": "mine"}]}
    value_set: Json = {"resourceType": "ValueSet", "status": "draft"}
    value_set |= {"compose": {"include": [{"system": PAIN, "concept": [{"code": "mine"}]}]}}
    coding = {"system": PAIN, "code": "mine"}
    for name, body in (
        ("CodeSystem", posted(codeSystem=system, coding=coding)),
        ("ValueSet", posted(valueSet=value_set, coding=coding)),
    ):
        assert told((await client.post(f"{name}/$validate-code", json=body)).json())["result"] is True


@pytest.mark.parametrize(
    "first,second,outcome",
    [
        ("pain", "lumbago", "subsumes"),
        ("lumbago", "pain", "subsumed-by"),
        ("back", "back", "equivalent"),
        ("neck", "back", "not-subsumed"),
    ],
)
@pytest.mark.parametrize("where", ["CodeSystem/pain/$subsumes?", f"CodeSystem/$subsumes?system={PAIN}&version=2&"])
async def test_whether_one_code_is_a_kind_of_another(
    client: httpx.AsyncClient, where: str, first: str, second: str, outcome: str
) -> None:
    """By the hierarchy of the code system."""
    answered = await client.get(f"{where}codeA={first}&codeB={second}")
    assert told(answered.json()) == {"outcome": outcome}


async def test_codings_are_held_against_each_other(client: httpx.AsyncClient) -> None:
    """They name their system themselves."""
    body = posted(codingA={"system": PAIN, "code": "back"}, codingB={"system": PAIN, "code": "low-back"})
    assert told((await client.post("CodeSystem/$subsumes", json=body)).json()) == {"outcome": "subsumes"}


VALIDATE = "CodeSystem/$validate-code"


@pytest.mark.parametrize(
    "url,status,code,expression",
    [
        ("CodeSystem/$lookup", 400, "parameter-required", "http.code"),
        ("CodeSystem/$lookup?code=back", 400, "parameter-required", "http.system"),
        (f"CodeSystem/$lookup?system={PAIN}", 400, "parameter-required", "http.code"),
        ("CodeSystem/$lookup?system=http://codes.example.org/none&code=a", 404, "not-found", None),
        (f"CodeSystem/$lookup?system={PAIN}&code=none", 404, "code-unknown", "http.code"),
        (f"CodeSystem/$lookup?system={PAIN}&code=back&version=1", 404, "not-found", None),
        (f"CodeSystem/$lookup?system={PAIN}&code=back&date=2020", 400, "parameter-unsupported", "http.date"),
        (f"CodeSystem/pain/$lookup?system={PAIN}&code=back", 404, "operation-unknown", None),
        ("ValueSet/$lookup?code=a&system=b", 404, "operation-unknown", None),
        (f"{VALIDATE}?url={PAIN}", 400, "parameter-required", "http.code"),
        (f"{VALIDATE}?url={PAIN}&display=Pain", 400, "parameter-required", "http.code"),
        (f"{VALIDATE}?code=back", 400, "parameter-required", "http.url"),
        (f"{VALIDATE}?url=http://codes.example.org/none&code=a", 404, "not-found", None),
        (f"{VALIDATE}?url={PLACES}&code=none", 422, "codes-untold", None),
        (f"{VALIDATE}?url={PAIN}&code=back&coding=x", 400, "parameter-value", "http.coding"),
        (f"{VALIDATE}?url={PAIN}&code=back&system={PAIN}", 400, "parameter-unknown", "http.system"),
        (f"ValueSet/$validate-code?url={SET}&code=back", 400, "parameter-required", "http.system"),
        (f"ValueSet/$validate-code?system={PAIN}&code=back", 400, "parameter-required", "http.url"),
        (f"ValueSet/$validate-code?url=http://none&system={PAIN}&code=back", 404, "not-found", None),
        ("ValueSet/lost/$validate-code?system=a&code=b", 422, "codes-untold", None),
        ("ValueSet/set/$validate-code?system=a&code=b&context=c", 400, "parameter-unsupported", "http.context"),
        ("ConceptMap/$validate-code?code=a", 404, "operation-unknown", None),
        (f"CodeSystem/$subsumes?system={PAIN}&codeA=back", 400, "parameter-required", "http.codeB"),
        ("CodeSystem/$subsumes?codeA=back&codeB=neck", 400, "parameter-required", "http.system"),
        (f"CodeSystem/$subsumes?system={PAIN}&codeA=back&codeB=none", 404, "code-unknown", "http.codeB"),
        ("CodeSystem/$subsumes?system=http://none&codeA=back&codeB=neck", 404, "not-found", None),
        (f"CodeSystem/pain/$subsumes?system={PLACES}&codeA=back&codeB=neck", 400, "parameter-value", "http.system"),
        ("CodeSystem/places/$subsumes?codeA=neck&codeB=Neck", 200, "", None),
    ],
)
async def test_what_cannot_be_told_is_refused(
    client: httpx.AsyncClient, url: str, status: int, code: str, expression: str | None
) -> None:
    """Each failure with its status; the last is none: a code is itself in any code system."""
    answered = await client.get(url)
    if status == 200:
        assert told(answered.json()) == {"outcome": "equivalent"}
    else:
        assert_outcome(answered, status, code, expression)


@pytest.mark.parametrize(
    "where,body",
    [
        ("CodeSystem/$validate-code", posted(url=PAIN, codeableConcept={"coding": [{"system": PAIN}]})),
        ("CodeSystem/$validate-code", posted(url=PAIN, coding={"system": PAIN, "display": "Pain"})),
        (
            "CodeSystem/$validate-code",
            posted(url=PAIN, coding={"system": PAIN, "code": "a"}, codeableConcept={"coding": [{"code": "a"}]}),
        ),
        ("CodeSystem/$subsumes", posted(codingA={"system": PAIN}, codingB={"system": PAIN, "code": "back"})),
        ("CodeSystem/$subsumes", posted(codeA="a", codingA={"system": PAIN, "code": "a"}, codeB="b")),
    ],
)
async def test_codes_that_are_none_are_refused(client: httpx.AsyncClient, where: str, body: Json) -> None:
    """With 400."""
    assert_outcome(await client.post(where, json=body), 400, "parameter-value")


async def test_codes_of_different_systems_are_not_compared(client: httpx.AsyncClient) -> None:
    """Nobody says how they relate."""
    body = posted(codingA={"system": PAIN, "code": "back"}, codingB={"system": PLACES, "code": "Neck"})
    assert_outcome(await client.post("CodeSystem/$subsumes", json=body), 422, "codes-untold")


@pytest.mark.parametrize(
    "url",
    [
        f"CodeSystem/$lookup?system={PAIN}&code=back",
        f"CodeSystem/$lookup?system={CANONICAL}/CodeSystem/massage-outcome&code=nprs",
        f"CodeSystem/$validate-code?url={PAIN}&code=back&display=x",
        f"CodeSystem/$subsumes?system={PAIN}&codeA=back&codeB=neck",
    ],
)
async def test_every_answer_is_valid(client: httpx.AsyncClient, standard: Standard, url: str) -> None:
    """By R4."""
    content = codec.decode((await client.get(url)).content)
    assert standard.validator.issues(content, "Parameters") == []


UNVALUED = {"extension": [{"url": "http://example.org/why", "valueString": "unknown"}]}


async def test_a_resource_with_extensions_for_values_is_told_or_refused(client: httpx.AsyncClient) -> None:
    """R4 lets an extension stand in for a value that it demands."""
    url = "http://codes.example.org/unvalued"
    concept: Json = {"code": "a", "designation": [{"language": "de", "_value": UNVALUED}]}
    system: Json = {"resourceType": "CodeSystem", "id": "unvalued", "url": url, "status": "active"}
    system |= {"content": "complete", "concept": [concept]}
    assert (await client.put("CodeSystem/unvalued", json=system)).is_success
    value_set: Json = {"resourceType": "ValueSet", "id": "unvalued", "status": "active"}
    value_set |= {"compose": {"include": [{"system": url}]}}
    assert (await client.put("ValueSet/unvalued", json=value_set)).is_success
    for path in (
        f"CodeSystem/$lookup?system={url}&code=a&displayLanguage=de",
        f"CodeSystem/$validate-code?url={url}&code=a&displayLanguage=de",
        f"ValueSet/unvalued/$validate-code?system={url}&code=a&displayLanguage=de",
        "ValueSet/unvalued/$expand?displayLanguage=de",
    ):
        assert_outcome(await client.get(path), 422, "codes-untold")


async def test_a_search_takes_the_codes_that_an_expansion_lists(client: httpx.AsyncClient) -> None:
    """By one way of telling them; the catalogue's value sets and hierarchies, too."""
    techniques = f"{CANONICAL}/CodeSystem/massage-technique"
    for code in ("deep-tissue", "assessment"):
        content: Json = {"resourceType": "Procedure", "id": code, "status": "completed"}
        content |= {"subject": {"reference": "Patient/p"}, "code": {"coding": [{"system": techniques, "code": code}]}}
        assert (await client.put(f"Procedure/{code}", json=content)).is_success, code
    for criteria in (f"code:in={CANONICAL}/ValueSet/massage-referral", f"code:below={techniques}|medical-massage"):
        found = (await client.get(f"Procedure?{criteria}")).json()
        assert [each["resource"]["id"] for each in found["entry"]] == ["deep-tissue"]
