"""The HTML of a document in Chromium, as a file that somebody has kept: readable to all, and loading nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.documents.necessity import missing
from service.documents.packet import packet_paper
from service.documents.page import page as html_of
from service.documents.report import report_paper
from tests.builders import documents

if TYPE_CHECKING:
    from pathlib import Path

    from service.documents.paper import Paper
    from tests.browser.chromium import Page


def papers() -> dict[str, Paper]:
    case = documents.case()
    return {
        "report": report_paper(case, "final-report", ["Four more sessions, one a week."]),
        "packet": packet_paper(case, missing(case)),
    }


@pytest.mark.parametrize("name", ["report", "packet"])
async def test_a_document_is_accessible_and_loads_nothing(page: Page, tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name}.html"
    file.write_text(html_of(papers()[name]), encoding="utf-8")
    page.requested.clear()
    await page.go(file.as_uri())
    assert await page.accessibility() == []
    assert page.complaints == []
    assert page.requested == [file.as_uri()]


async def test_a_narrow_document_is_not_scrolled_sideways(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "packet.html"
    file.write_text(html_of(papers()["packet"]), encoding="utf-8")
    for width in (320, 800):
        await page.resize(width, 900)
        await page.go(file.as_uri())
        assert await page.evaluate("document.documentElement.scrollWidth") == width
