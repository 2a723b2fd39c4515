"""What a page takes: of a referral with a long episode, of a full work list, of a search, each to the last byte."""

from __future__ import annotations

from statistics import quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Final

import httpx

from tests.benchmarks.client import HOST
from tests.benchmarks.goals import Goal
from tests.benchmarks.serving import the_service
from tests.browser.clinic import PAIN, Clinic, fill, measured
from tests.loop.story import begin

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmarks.size import Size

LIMIT_MILLISECONDS: Final = 100.0
_BROWSER: Final = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
_MOST_REFERRALS: Final = 100


async def page_goals(folder: Path, *, workers: int, size: Size) -> list[Goal]:
    """How long each kind of page takes, as the 95th percentile of one client."""
    service = the_service(folder, workers=workers, access_log=False, log_level="error", audit="on")
    async with service, httpx.AsyncClient(base_url=f"http://{HOST}:{service.port}/fhir", timeout=60) as http:
        measurements = min(size.observations // 100, 200)
        clinic = await _filled(http, measurements, min(size.patients // 20, _MOST_REFERRALS))
        times = 10 if size.requests else 60
        pages = {
            f"page of a referral with {measurements} measurements": clinic.treated.referral,
            "page of a work list": "worklist",
            "page of a search, 50 referrals with their patients": "ServiceRequest?_include=ServiceRequest:patient",
        }
        return [
            Goal(name=name, value=await _p95(http, target, times), unit="ms", limit=LIMIT_MILLISECONDS)
            for name, target in pages.items()
        ]


async def _filled(http: httpx.AsyncClient, measurements: int, referrals: int) -> Clinic:
    clinic = await fill(http)
    story = clinic.treated
    for number in range(measurements):
        await story.clinic.post(measured(story, PAIN, number % 30 - 35, number % 10))
    for _ in range(referrals):
        await begin(story.network).refer()
    return clinic


async def _p95(http: httpx.AsyncClient, target: str, times: int) -> float:
    """Milliseconds; the first answers, which compile templates and statements, do not count."""
    found = []
    for number in range(times + 3):
        began = perf_counter()
        answered = await http.get(target, headers=_BROWSER)
        found.append((perf_counter() - began) * 1e3)
        if answered.status_code != httpx.codes.OK or b"</html>" not in answered.content:
            raise RuntimeError(f"{target} answered {answered.status_code}")
        if number < 3:
            found.clear()
    return quantiles(found, n=20)[-1]
