"""``make pictures``: the pictures of the README, of a clinic that is made up; each is kept small.

They stand beside the tests that visit the same pages, because the service has no use for them.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from service.assembly import compile_standard
from service.store.embedded import Embedded
from service.store.migration import migrate
from tests.browser.chromium import Chromium, installed
from tests.browser.clinic import fill
from tests.browser.serving import site_on

if TYPE_CHECKING:
    from tests.browser.clinic import Clinic

FOLDER: Final = Path(__file__).parent / "pictures"
LARGEST_BYTES: Final = 200_000
_WIDTH, _HEIGHT = 1040, 1000


def pages(clinic: Clinic) -> dict[str, tuple[str, int]]:
    """File name → the page, and its height in pixels."""
    return {
        "work-list": ("worklist", 900),
        "referral": (clinic.treated.referral, 660),
        "safety": (clinic.dangerous.referral, 620),
        "outcomes": (f"{clinic.treated.referral}#outcomes", 1340),
        "search": ("ServiceRequest?_sort=-authored&_include=ServiceRequest:patient", 620),
    }


async def draw(program: str) -> None:
    """Write every picture."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, Embedded(Path(name) / "database", durable=False) as embedded:
        url = embedded.wait_until_ready()
        await migrate(url)
        async with site_on(url, compile_standard()) as site, Chromium(program, Path(name)) as browser:
            async with httpx.AsyncClient(base_url=f"{site}/fhir", timeout=60) as http:
                clinic = await fill(http, is_tame=True)
            page = await browser.page(width=_WIDTH, height=_HEIGHT)
            for file, (target, height) in pages(clinic).items():
                await page.resize(_WIDTH, height)
                await page.go(f"{site}/fhir/{target}")
                drawn = await page.picture()
                if len(drawn) > LARGEST_BYTES:
                    raise ValueError(f"{file}.png has {len(drawn)} bytes")
                (FOLDER / f"{file}.png").write_bytes(drawn)


def main() -> None:
    """Draw, or say what is missing."""
    program = installed()
    if program is None:
        sys.exit("Chromium is not on this machine: apt-get install chromium")
    asyncio.run(draw(program))


if __name__ == "__main__":
    main()
