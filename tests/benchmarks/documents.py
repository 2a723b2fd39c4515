"""What a document costs: a report of two pages from what is read to the PDF, and how long the event loop waits."""

from __future__ import annotations

import asyncio
import io
import time
from statistics import median

from pypdf import PdfReader

from service.documents.page import page
from service.documents.press import Press
from service.documents.report import report_paper
from tests.benchmarks.goals import Goal
from tests.builders import documents

_PAGES = 2
_TICK_SECONDS = 0.001


def document_goals(*, repeats: int) -> list[Goal]:
    """The median time of a PDF, and the longest that anything else on the event loop had to wait meanwhile."""
    seconds, stalls = zip(*(asyncio.run(_printed()) for _ in range(repeats)), strict=True)
    return [
        Goal(name="report of two pages as HTML and PDF, from an episode", value=median(seconds), unit="s", limit=1.5),
        Goal(name="longest wait of the event loop meanwhile", value=1e3 * median(stalls), unit="ms", limit=50),
    ]


async def _printed() -> tuple[float, float]:
    """The seconds of one report, and the longest stall meanwhile."""
    case, done = documents.case(), asyncio.Event()
    waiting = asyncio.create_task(_longest_stall(done))
    await asyncio.sleep(0)
    began = time.perf_counter()
    paper = report_paper(case, "progress-report", ["Four more sessions, one a week."])
    page(paper)
    pdf = await Press().pdf(paper, documents.NOW)
    seconds = time.perf_counter() - began
    done.set()
    pages = len(PdfReader(io.BytesIO(pdf)).pages)
    if pages != _PAGES:
        raise ValueError(f"the report has {pages} pages")
    return seconds, await waiting


async def _longest_stall(done: asyncio.Event) -> float:
    """How much later than it asked for this task was called at worst, in seconds."""
    worst = 0.0
    while not done.is_set():
        began = time.perf_counter()
        await asyncio.sleep(_TICK_SECONDS)
        worst = max(worst, time.perf_counter() - began - _TICK_SECONDS)
    return worst
