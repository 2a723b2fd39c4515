"""The work list is complete: what does not fit on a page is a link away, and so is what nobody screened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.pages import work_searches
from tests.loop.story import begin
from tests.loop.test_pages import BROWSER, narrow, page
from tests.unit.pages.desk import Markup

if TYPE_CHECKING:
    import pytest

    from tests.api.auth.conftest import Workers
    from tests.loop.side import Side
    from tests.loop.story import Network, Story

UNKNOWN = {"text": "Pain somewhere"}
"""A diagnosis that no rule can judge."""


async def referred(network: Network, name: str, *, is_known: bool = True) -> Story:
    """A referral to the clinic of a patient of that name."""
    story = begin(network)
    await story.refer(patient={"name": [{"text": name}]})
    if not is_known:
        await story.referrer.does(story.condition, code=UNKNOWN)
    return story


def unscreened(shown: Markup) -> str:
    """The group of referrals that nobody screened."""
    return shown.text.partition("No diagnosis of the patient that you see")[2].partition("Sent and not decided yet")[0]


async def all_pages(side: Side, target: str) -> list[Markup]:
    """The work list with all of its further pages, each once."""
    found, wanted, seen = [], [target], {target}
    while wanted:
        answered = await side("GET", wanted.pop(0), **BROWSER)
        assert answered.status_code == 200, answered.text
        shown = Markup.of(answered.content)
        found.append(shown)
        for each in shown.all("href"):
            if "after=" in str(each) and each not in seen:
                seen.add(str(each))
                wanted.append(f"http://testserver{each}")
    return found


async def test_every_task_is_on_one_of_the_pages(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    stories = [await referred(network, f"Waiting {number}") for number in range(5)]
    monkeypatch.setattr(work_searches, "MOST", 2)
    pages = await all_pages(network.clinic, "worklist?show=open")
    assert len(pages) > 2
    shown = [{str(each) for each in one.all("href")} for one in pages]
    for story in stories:
        assert sum(f"/fhir/{story.referral}" in each for each in shown) == 1


async def test_the_first_page_leads_to_what_does_not_fit(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        await referred(network, f"Waiting longer {number}")
    monkeypatch.setattr(work_searches, "MOST", 1)
    first = await page(network.clinic, "worklist")
    assert "More Tasks need somebody" in first.text
    (link,) = [str(each) for each in first.all("href") if "show=open" in str(each)]
    further = await page(network.clinic, f"http://testserver{link}")
    assert "A further page of the work list" in further.text
    assert "/fhir/worklist" in set(further.all("href"))


async def test_a_referral_that_nobody_screened_is_listed_as_such(network: Network) -> None:
    await referred(network, "Nobody Knows", is_known=False)
    await referred(network, "Well Known")
    texts = [unscreened(each) for each in await all_pages(network.clinic, "worklist")]
    assert any("Nobody Knows" in each for each in texts)
    assert not any("Well Known" in each for each in texts)


async def test_nor_is_it_forgotten_once_a_visit_is_scheduled(network: Network) -> None:
    story = await referred(network, "Booked Unseen", is_known=False)
    await story.accept()
    await story.draw_up()
    await story.book(1)
    texts = [unscreened(each) for each in await all_pages(network.clinic, "worklist")]
    assert any("Booked Unseen" in each for each in texts)


async def test_the_page_of_a_referral_says_that_it_is_not_screened(network: Network) -> None:
    story = await referred(network, "Nobody Asked", is_known=False)
    shown = (await page(network.clinic, story.referral)).text
    assert "Not screened. No diagnosis that you can see" in shown
    assert "No safety issue stands" not in shown


async def test_without_the_scope_for_diagnoses_the_page_says_what_it_leaves_out(
    network: Network, workers: Workers
) -> None:
    story = await referred(network, "Nobody May Say", is_known=False)
    types = ("Task", "ServiceRequest", "Patient", "DetectedIssue", "Appointment")
    side = await narrow(workers, story, " ".join(f"system/{each}.rs" for each in types))
    shown = await page(side, "worklist")
    assert "which referrals are not screened is not shown" in shown.text
    assert unscreened(shown) == ""
