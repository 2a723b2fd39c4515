"""A clinic on a service that listens, and a browser that visits it; skipped where no browser is installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.browser.chromium import Chromium, installed
from tests.browser.clinic import fill
from tests.browser.serving import site_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.assembly import Standard
    from tests.browser.chromium import Page
    from tests.browser.clinic import Clinic
    from tests.conftest import Cluster


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where the service is, and what is stored there."""

    address: str
    clinic: Clinic

    def __call__(self, target: str) -> str:
        return f"{self.address}/fhir/{target}"


@pytest.fixture(scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    """Chromium, as the machine has it."""
    program = installed()
    if program is None:
        pytest.skip("Chromium is not on this machine (apt-get install chromium): the pages are not tested in a browser")
    async with Chromium(program, tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture(scope="module")
async def site(browser: Chromium, cluster: Cluster, standard: Standard) -> AsyncIterator[Site]:
    """The service with a clinic's day."""
    async with cluster.clone() as url, site_on(url, standard) as address:
        async with httpx.AsyncClient(base_url=f"{address}/fhir", timeout=60) as http:
            clinic = await fill(http)
        yield Site(address=address, clinic=clinic)


@pytest.fixture(scope="module")
async def opened(browser: Chromium) -> Page:
    """The page that all tests use: opening one takes as long as a visit."""
    return await browser.page()


@pytest.fixture
async def page(opened: Page) -> Page:
    """A page of which nobody has complained yet."""
    opened.complaints.clear()
    opened.requested.clear()
    await opened.resize(1280, 900)
    return opened
