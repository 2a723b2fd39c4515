"""The pages hold what they need: nothing is fetched from elsewhere, nothing is linked that is not there."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette

import service.pages
from service.pages.routes import ASSETS, routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FOLDER = Path(service.pages.__path__[0])
DOCUMENT = b'{"openapi":"3.1.0","info":{"title":"synthetic","version":"1"},"paths":{}}'
ELSEWHERE = ("/fhir/metadata", "/fhir/worklist", "/health/ready")
"""What the pages link to and other parts of the service answer."""

LINK = re.compile(r'(?:href|src)="([^"]*)"')


class Counted:
    """A document that counts how often it is made."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> bytes:
        self.made += 1
        return DOCUMENT


@pytest.fixture
def document() -> Counted:
    return Counted()


@pytest.fixture
async def browser(document: Counted) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=routes(document=document, version="1.2.3"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://testserver") as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_everything_that_a_page_refers_to_is_there(browser: httpx.AsyncClient, path: str) -> None:
    page = await browser.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = LINK.findall(page.text)
    assert links
    for link in links:
        target = httpx.URL(f"http://testserver{path}").join(link)
        assert target.host == "testserver"
        if target.path not in ELSEWHERE:
            assert (await browser.get(target)).status_code == 200, link


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", *(f"/assets/{name}" for name in ASSETS)])
async def test_a_browser_is_told_to_load_nothing_from_elsewhere(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["landing.html", "docs.html"])
def test_a_page_has_no_inline_script_or_style(name: str) -> None:
    """The policy would not run them."""
    source = (FOLDER / "templates" / name).read_text("utf-8")
    assert not re.search(r"<style|<script(?! src=)|\sstyle=|\son[a-z]+=", source)


async def test_the_landing_page_names_the_version(browser: httpx.AsyncClient) -> None:
    assert "massage-fhir 1.2.3" in (await browser.get("/")).text


async def test_the_document_is_made_once_and_only_when_asked_for(browser: httpx.AsyncClient, document: Counted) -> None:
    await browser.get("/docs")
    assert document.made == 0
    for _ in range(2):
        assert (await browser.get("/openapi.json")).content == DOCUMENT
    assert document.made == 1


async def test_the_document_goes_compressed_to_whoever_takes_it(browser: httpx.AsyncClient) -> None:
    """And uncompressed to whoever does not."""
    for accepted, expected in (("gzip, br", True), ("gzip;q=0", False), ("identity", False)):
        request = browser.build_request("GET", "/openapi.json", headers={"Accept-Encoding": accepted})
        answer = await browser.send(request, stream=True)
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
        assert (answer.headers.get("content-encoding") == "gzip") is expected
        assert (gzip.decompress(raw) if expected else raw) == DOCUMENT


async def test_a_browser_that_has_the_document_is_told_so(browser: httpx.AsyncClient) -> None:
    etag = (await browser.get("/openapi.json")).headers["etag"]
    for sent, status in ((etag, 304), (f'"other", {etag}', 304), ('"other"', 200)):
        answer = await browser.get("/openapi.json", headers={"If-None-Match": sent})
        assert answer.status_code == status
        assert bool(answer.content) is (status == 200)


async def test_head_is_answered_without_a_body(browser: httpx.AsyncClient) -> None:
    answer = await browser.head("/docs")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_only_the_assets_that_are_listed_can_be_fetched(browser: httpx.AsyncClient) -> None:
    for path in ("/assets/swagger-ui/LICENSE", "/assets/../routes.py", "/assets/"):
        assert (await browser.get(path)).status_code == 404


def test_the_bundled_files_are_the_ones_that_their_source_names() -> None:
    folder = FOLDER / "assets" / "swagger-ui"
    listed = dict(re.findall(r"^ +([0-9a-f]{64})  (\S+)$", (folder / "SOURCE.md").read_text(), re.MULTILINE))
    served = {name.removeprefix("swagger-ui/") for name in ASSETS if name.startswith("swagger-ui/")}
    assert set(listed.values()) == served
    for digest, name in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
