"""The pages in Chromium: reached by keyboard alone, readable to all, and with nothing for the policy to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.clinic import HOSTILE

if TYPE_CHECKING:
    from tests.browser.chromium import Page
    from tests.browser.conftest import Site

_FOCUSED = "document.activeElement.getAttribute('href')"
TARGETS = (
    "worklist",
    "{treated.referral}",
    "{treated.plan}",
    "{treated.plan}/$progress-report",
    "{treated.task}/_history",
    "{dangerous.referral}",
    "{hostile.patient}",
    "ServiceRequest?_sort=-authored",
    "Patient/nobody",
)


def target_of(site: Site, target: str) -> str:
    """The address of a page that may be about somebody of the clinic."""
    return site(target.format(**{name: getattr(site.clinic, name) for name in ("treated", "dangerous", "hostile")}))


async def test_the_keyboard_leads_from_the_work_list_to_a_referral(page: Page, site: Site) -> None:
    """Past the navigation by the first link, then along the links, which can be seen to have the focus."""
    await page.go(site("worklist"))
    await page.press("Tab")
    assert await page.evaluate(_FOCUSED) == "#content"
    await page.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "content"
    wanted = f"/fhir/{site.clinic.dangerous.referral}"
    for _ in range(30):
        await page.press("Tab")
        if await page.evaluate(_FOCUSED) == wanted:
            break
    assert await page.evaluate(_FOCUSED) == wanted
    assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    await page.press("Enter")
    await page.loaded()
    assert await page.evaluate("location.pathname") == wanted
    assert "Deep vein thrombosis, acute" in await page.evaluate(
        "document.querySelector('#safety').parentNode.innerText"
    )
    assert page.complaints == []


@pytest.mark.parametrize("target", TARGETS)
async def test_a_page_is_accessible_and_keeps_its_policy(page: Page, site: Site, target: str) -> None:
    """No serious finding of axe, no word on the console, nothing from elsewhere."""
    await page.go(target_of(site, target))
    assert await page.accessibility() == []
    # the status of the page itself is told on the console, too
    assert [each for each in page.complaints if "status of 404" not in each] == []
    assert all(each.startswith((site.address, "data:image/svg+xml;base64,")) for each in page.requested)


@pytest.mark.parametrize("target", TARGETS)
async def test_a_narrow_page_is_not_scrolled_sideways(page: Page, site: Site, target: str) -> None:
    """Tables and JSON scroll by themselves."""
    await page.resize(320, 900)
    await page.go(target_of(site, target))
    for width in (320, 800):
        await page.resize(width, 900)
        assert await page.evaluate("document.documentElement.scrollWidth") == width


async def test_the_charts_are_drawn(page: Page, site: Site) -> None:
    """The policy lets their pictures in, and they have a size."""
    await page.go(site(site.clinic.treated.referral))
    sizes = await page.evaluate("[...document.querySelectorAll('img.chart')].map(each => each.naturalWidth)")
    assert len(sizes) == 2
    assert all(width > 300 for width in sizes)


async def test_a_hostile_name_runs_nothing(page: Page, site: Site) -> None:
    """It is there to be read, with the character that turned it around named."""
    await page.go(site(site.clinic.hostile.patient))
    assert await page.evaluate("document.querySelectorAll('script, img').length") == 0
    shown = await page.evaluate("document.querySelector('h1').innerText")
    assert shown == HOSTILE.replace("\u202e", "[U+202E]")


async def test_the_policy_would_stop_a_script(page: Page, site: Site) -> None:
    """That no page complains means something: one that is put in does not run, and the browser says so."""
    await page.go(site("worklist"))
    await page.evaluate(
        "const made = document.createElement('script'); made.textContent = 'window.ran = true'; "
        "document.body.append(made)"
    )
    assert await page.evaluate("window.ran === undefined")
    assert any("Content Security Policy" in each for each in page.complaints)


@pytest.mark.parametrize("target", ["worklist", "{treated.referral}", "{treated.plan}/$progress-report"])
async def test_a_narrow_page_shows_every_cell_of_its_tables(page: Page, site: Site, target: str) -> None:
    """Rows are stacked, each value below the name of its column: which danger it is, is not scrolled away."""
    await page.resize(360, 900)
    await page.go(target_of(site, target))
    cells = "[...document.querySelectorAll('.stacks td')]"
    assert await page.evaluate(f"{cells}.length") > 0
    assert await page.evaluate(f"{cells}.every(each => each.getBoundingClientRect().right <= innerWidth)")
    label = f"getComputedStyle({cells}.find(each => each.dataset.label), '::before').content"
    assert len(await page.evaluate(label)) > len('"": ""')
    assert await page.accessibility() == []


async def test_a_chart_stays_readable_on_a_narrow_page(page: Page, site: Site) -> None:
    """It keeps a width, and the keyboard reaches what scrolls it."""
    await page.resize(360, 900)
    await page.go(site(site.clinic.treated.referral))
    assert await page.evaluate("document.querySelector('img.chart').width") > 500
    assert await page.evaluate("document.querySelector('img.chart').parentNode.tabIndex") == 0


@pytest.mark.parametrize("width", [800, 1040, 1280, 1600])
async def test_no_chart_is_cut_where_there_is_room(page: Page, site: Site, width: int) -> None:
    await page.resize(width, 900)
    await page.go(site(site.clinic.treated.referral))
    charts = "[...document.querySelectorAll('img.chart')]"
    assert await page.evaluate(f"{charts}.every(each => each.width <= each.parentNode.clientWidth)")
