"""What a browser is shown: the same answers as pages, with the same statuses and headers, and for nobody else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.pages.desk import Markup

if TYPE_CHECKING:
    import httpx

CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
BROWSER = {"Accept": CHROMIUM}
HTML = "text/html; charset=utf-8"


@pytest.fixture(scope="module")
async def stored(client: httpx.AsyncClient) -> str:
    """A patient with two versions, and one that was deleted."""
    content = {"resourceType": "Patient", "id": "ann", "name": [{"family": "Example"}], "birthDate": "1980-02-29"}
    await client.put("Patient/ann", json=content)
    await client.put("Patient/ann", json=content | {"gender": "female"})
    await client.put("Patient/gone", json={"resourceType": "Patient", "id": "gone"})
    await client.delete("Patient/gone")
    for number in range(3):
        await client.put(f"Patient/p{number}", json={"resourceType": "Patient", "id": f"p{number}", "active": True})
    return "Patient/ann"


async def page(client: httpx.AsyncClient, target: str, status: int = 200, **headers: str) -> Markup:
    """A page as a browser gets it."""
    answered = await client.get(target, headers=BROWSER | headers)
    assert (answered.status_code, answered.headers["content-type"]) == (status, HTML), answered.text
    return Markup.of(answered.content)


@pytest.mark.parametrize(
    "target",
    [
        "Patient/ann",
        "Patient/ann/_history/1",
        "Patient/ann/_history",
        "Patient/_history",
        "_history",
        "Patient",
        "Patient?name=exam&_summary=true",
        "?_type=Patient",
        "Patient/ann/*",
        "Patient/ann/$everything",
        "metadata",
        "worklist",
    ],
)
async def test_whatever_is_read_is_shown_as_a_page(client: httpx.AsyncClient, stored: str, target: str) -> None:
    shown = await page(client, target)
    assert shown.open == []
    assert [tag for tag, _ in shown.elements].count("h1") == 1
    assert not {"script", "style", "iframe", "object", "form"} & {tag for tag, _ in shown.elements}


@pytest.mark.parametrize("accept", [CHROMIUM, FIREFOX, "text/html", "text/html, application/json;q=0.9"])
async def test_a_browser_is_who_prefers_html(client: httpx.AsyncClient, stored: str, accept: str) -> None:
    assert (await client.get(stored, headers={"Accept": accept})).headers["content-type"] == HTML


@pytest.mark.parametrize(
    "accept", ["*/*", "", "application/fhir+json", "application/json", "application/json, text/html;q=0.9", "*/*;q=0.8"]
)
async def test_everybody_else_gets_json(client: httpx.AsyncClient, stored: str, accept: str) -> None:
    answered = await client.get(stored, headers={"Accept": accept})
    assert answered.json()["resourceType"] == "Patient"
    assert answered.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("form", ["html", "text/html"])
async def test_a_page_can_be_asked_for_by_format(client: httpx.AsyncClient, stored: str, form: str) -> None:
    answered = await client.get(stored, params={"_format": form}, headers={"Accept": "application/json"})
    assert answered.headers["content-type"] == HTML


async def test_a_page_has_the_version_headers_of_the_resource(client: httpx.AsyncClient, stored: str) -> None:
    shown = await client.get(stored, headers=BROWSER)
    told = await client.get(stored)
    for name in ("etag", "last-modified", "vary"):
        assert shown.headers[name] == told.headers[name]


@pytest.mark.parametrize("target", ["Patient/ann", "Patient", "Patient/nobody", "worklist"])
async def test_a_page_is_kept_by_nobody_and_runs_nothing(client: httpx.AsyncClient, stored: str, target: str) -> None:
    headers = (await client.get(target, headers=BROWSER)).headers
    assert headers["cache-control"] == "no-store"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_who_has_the_version_is_told_so(client: httpx.AsyncClient, stored: str) -> None:
    answered = await client.get(stored, headers=BROWSER | {"If-None-Match": 'W/"2"'})
    assert (answered.status_code, answered.content) == (304, b"")


async def test_head_answers_with_the_headers_of_the_page(client: httpx.AsyncClient, stored: str) -> None:
    answered = await client.head(stored, headers=BROWSER)
    assert (answered.status_code, answered.headers["content-type"], answered.content) == (200, HTML, b"")
    assert int(answered.headers["content-length"]) > 1000


@pytest.mark.parametrize(
    "target, status, code",
    [
        ("Patient/nobody", 404, "not-found"),
        ("Patient/gone", 410, "deleted"),
        ("Patient?nonsense=1", 400, "parameter-unknown"),
        ("Patient?_count=x", 400, "parameter-value"),
        ("Patients", 404, "type-unknown"),
        ("Patient/a b", 400, "id-invalid"),
        ("", 404, "not-found"),
        ("worklist?x=1", 400, "parameter-unknown"),
        ("worklist?clinic=x", 400, "parameter-value"),
        ("worklist?clinic=Organization/1&clinic=Organization/2", 400, "parameter-value"),
        ("worklist?show=all", 400, "parameter-value"),
        ("worklist?after=x", 400, "parameter-value"),
        ("worklist?show=open&after=x", 400, "cursor-invalid"),
        ("worklist/x", 404, "type-unknown"),
    ],
)
async def test_a_refusal_is_a_page_too(
    client: httpx.AsyncClient, stored: str, target: str, status: int, code: str
) -> None:
    """With the status, the stable code and the words of the OperationOutcome."""
    told = await client.get(target, headers={"Accept": "application/json"})
    if "worklist" in target:
        shown = await page(client, target, status)
    else:
        assert told.status_code == status
        issue = told.json()["issue"][0]
        assert issue["details"]["coding"][0]["code"] == code
        shown = await page(client, target, status)
        assert " ".join(issue["diagnostics"].split()) in shown.text
    assert f"Code {code}" in shown.text


async def test_a_write_answers_in_json_whatever_is_accepted(client: httpx.AsyncClient) -> None:
    """A page shows what is read; what a browser's form could send is no FHIR."""
    answered = await client.post("Patient", json={"resourceType": "Patient"}, headers=BROWSER)
    assert answered.json()["resourceType"] == "Patient"
    refused = await client.post("Patient", json={"resourceType": "Nobody"}, headers=BROWSER)
    assert refused.json()["resourceType"] == "OperationOutcome"


async def test_a_search_by_form_is_shown(client: httpx.AsyncClient, stored: str) -> None:
    answered = await client.post("Patient/_search", data={"family": "example"}, headers=BROWSER)
    assert answered.headers["content-type"] == HTML
    assert "1 found" in Markup.of(answered.content).text


async def test_a_search_is_paged_by_links(client: httpx.AsyncClient, stored: str) -> None:
    first = await page(client, "Patient?active=true&_count=2")
    assert "First page Next page" in first.text
    following = [each for each in first.all("href") if "_cursor" in each and "_format" not in each][-1]
    second = await page(client, f"http://testserver{following}")
    assert {"/fhir/Patient/p2", "/fhir/Patient/p1"} <= set(first.all("href"))
    assert "/fhir/Patient/p0" in set(second.all("href"))


async def test_a_history_links_to_the_versions(client: httpx.AsyncClient, stored: str) -> None:
    """But not to that which records a deletion: there is nothing to see."""
    shown = await page(client, "Patient/ann/_history")
    assert {f"/fhir/Patient/ann/_history/{number}" for number in (1, 2)} <= set(shown.all("href"))
    shown = await page(client, "Patient/gone/_history")
    assert "Version 2" in shown.text
    assert "/fhir/Patient/gone/_history/2" not in set(shown.all("href"))


async def test_every_link_of_a_page_leads_somewhere(client: httpx.AsyncClient, stored: str) -> None:
    """The style sheet, the icon and the JSON of the same among them."""
    shown = await page(client, stored)
    for href in set(shown.all("href")) - {"#content"}:
        answered = await client.get(f"http://testserver{href}")
        assert answered.status_code == 200, href


async def test_the_style_sheet_is_kept_by_its_digest(client: httpx.AsyncClient, stored: str) -> None:
    (href,) = [each for each in (await page(client, stored)).all("href") if each.endswith(".css")]
    assert re.fullmatch(r"/assets/fhir\.[0-9a-f]{16}\.css", href)
    answered = await client.get(f"http://testserver{href}")
    assert answered.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answered.headers["content-type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize("params, accept", [({}, "application/fhir+json"), ({"_format": "json"}, "*/*")])
async def test_the_work_list_is_a_page_alone(client: httpx.AsyncClient, params: Any, accept: str) -> None:
    answered = await client.get("worklist", params=params, headers={"Accept": accept})
    assert answered.status_code == 406
    assert answered.json()["issue"][0]["details"]["coding"][0]["code"] == "not-acceptable"


async def test_a_large_answer_is_not_made_a_page(client: httpx.AsyncClient) -> None:
    """It is one link away as JSON."""
    data = "A" * (3 << 20)
    await client.put("Binary/large", json={"resourceType": "Binary", "id": "large", "contentType": "x/y", "data": data})
    shown = await page(client, "Binary/large")
    assert "larger than what a page is made of" in shown.text
    assert "/fhir/Binary/large?_format=json&_pretty=true" in set(shown.all("href"))


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_the_work_list_is_no_entry_of_a_bundle(client: httpx.AsyncClient, kind: str) -> None:
    entry = {"request": {"method": "GET", "url": "worklist"}}
    answered = await client.post("", json={"resourceType": "Bundle", "type": kind, "entry": [entry]})
    told = answered.json()
    outcome = told["entry"][0]["response"]["outcome"] if kind == "batch" else told
    assert outcome["issue"][0]["details"]["coding"][0]["code"] == "bundle-entry"
    assert outcome["issue"][0]["expression"] == ["Bundle.entry[0].request.url"]
