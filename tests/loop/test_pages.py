"""Pages of referrals, plans and work: what they tell, to whom, and that all of it is on record."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from service.massage.cycle.terms import BUSINESS_STATUS
from tests.loop.story import THROMBOSIS, begin, day, now
from tests.loop.test_outcomes import DISABILITY, PAIN, measured
from tests.unit.pages.desk import Markup

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers
    from tests.loop.side import Side
    from tests.loop.story import Network, Story

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
async def treated(network: Network) -> Story:
    """Two of six sessions, pain 7 then 3, disability 42 then 40 %, a goal, a visit to come."""
    story = begin(network)
    await story.refer(order=story.order(authoredOn=day(0)))
    await story.accept()
    await story.draw_up(title="Release and heat")
    pain = {"coding": [{"system": "http://loinc.org", "code": PAIN}]}
    target = {"measure": pain, "detailQuantity": measured(story, PAIN, 0, 4)["valueQuantity"], "dueDate": day(12)}
    await story.clinic.does(story.goal, target=[target], description={"text": "Pain of 4 or less"})
    for number in (1, 2):
        await story.deliver(number)
    await story.book(3, now() + timedelta(days=3))
    for code, weeks, value in ((PAIN, 4, 3), (PAIN, 0, 7), (DISABILITY, 0, 42), (DISABILITY, 4, 40)):
        await story.clinic.post(measured(story, code, weeks, value))
    return story


@pytest.fixture(scope="module")
async def dangerous(network: Network) -> Story:
    """A referral that is held for a thrombosis; older than those of other stories, which may fill the work list."""
    story = begin(network)
    first = (now() - timedelta(days=20)).isoformat(timespec="seconds")
    return await story.refer(THROMBOSIS, task=story.coordination(authoredOn=first))


async def page(side: Side, target: str, status: int = 200) -> Markup:
    """A page that a side is shown."""
    answered = await side("GET", target, **BROWSER)
    assert (answered.status_code, answered.headers["content-type"]) == (status, "text/html; charset=utf-8")
    return Markup.of(answered.content)


async def test_the_page_of_a_referral_tells_its_story(treated: Story) -> None:
    """State, visits, goals, measures, sessions and what happened, each once and in words."""
    shown = await page(treated.referrer, treated.referral)
    for told in (
        "Visit scheduled Task: treatment under way",
        "ordered 6",
        "delivered 2",
        "booked 1",
        "left 4",
        "Pain of 4 or less achieved",
        "Pain, numeric rating from 0 to 10 Better",
        "Oswestry Disability Index No meaningful change",
        "Session Session delivered",
        "Visit Visit booked to come",
        "Referral: accepted by the clinic",
        "No safety issue stands",
    ):
        assert told in shown.text, told


async def test_each_measure_has_a_chart_and_its_values_as_a_table(treated: Story) -> None:
    """A picture alone tells nothing to who does not see it."""
    shown = await page(treated.clinic, treated.referral)
    pictures = [attributes for tag, attributes in shown.elements if tag == "img"]
    assert len(pictures) == 2
    for each in pictures:
        assert str(each["src"]).startswith("data:image/svg+xml;base64,")
        assert each["alt"]
    assert "Values of Oswestry Disability Index" in shown.text


@pytest.mark.parametrize("name", ["plan", "task"])
async def test_the_pages_of_plan_and_task_tell_it_as_well(treated: Story, name: str) -> None:
    shown = await page(treated.clinic, getattr(treated, name))
    assert "left 4" in shown.text
    assert f"/fhir/{treated.patient}" in set(shown.all("href"))


async def test_the_report_is_a_page_with_its_pdf(treated: Story) -> None:
    """One link away from the plan."""
    plan = await page(treated.clinic, treated.plan)
    target = f"/fhir/{treated.plan}/$progress-report"
    assert target in set(plan.all("href"))
    shown = await page(treated.clinic, f"http://testserver{target}")
    assert "Progress report" in shown.text
    assert "Pain, numeric rating" in shown.text
    assert list(shown.all("download")) == ["document.pdf"]
    assert {"table", "caption", "img"} <= {tag for tag, _ in shown.elements}


async def test_a_referral_tells_since_when_its_report_is_due_and_leads_to_it(network: Network) -> None:
    story = begin(network)
    await story.refer()
    await story.accept()
    await story.draw_up()
    report = f"/fhir/{story.plan}/$progress-report"
    assert report in set((await page(story.clinic, story.referral)).all("href"))
    for number in range(1, 7):
        await story.deliver(number)
    shown = await page(story.clinic, story.referral)
    assert "Progress report due since" in shown.text
    assert "Report Progress report due" in shown.text
    assert [attributes for tag, attributes in shown.elements if attributes.get("href") == report] == [
        {"href": report}
    ] * 3
    await story.report()
    assert "Progress report due" not in (await page(story.clinic, story.referral)).text


async def test_the_packet_for_the_payer_is_a_page_with_its_charts(treated: Story) -> None:
    shown = await page(treated.clinic, f"{treated.referral}/$necessity-packet")
    assert [tag for tag, _ in shown.elements].count("img") == 2
    assert list(shown.all("download")) == ["document.pdf"]


async def test_a_danger_that_stands_is_told_with_its_severity(dangerous: Story) -> None:
    shown = await page(dangerous.clinic, dangerous.referral)
    assert "Deep vein thrombosis, acute" in shown.text
    assert "Absolute: no massage until it is cleared" in shown.text
    assert "Safety hold" in shown.text
    # the condition by its name, as a link, and no id of it
    condition = dangerous.condition
    assert f"/fhir/{condition}" in set(shown.all("href"))
    assert f"cleared {condition}" not in shown.text


async def test_a_danger_that_is_gone_is_not_told_as_one(network: Network) -> None:
    """Its cause was resolved, so screening withdrew it."""
    story = await begin(network).refer(THROMBOSIS)
    condition = await story.referrer.read(story.condition)
    resolved = {"coding": [{**condition["clinicalStatus"]["coding"][0], "code": "resolved"}]}
    await story.referrer.does(story.condition, clinicalStatus=resolved)
    assert "No safety issue stands" in (await page(story.clinic, story.referral)).text


async def test_the_work_list_groups_referrals_by_what_is_to_be_done(network: Network, dangerous: Story) -> None:
    """The oldest come first, before those of other stories, which may fill the list."""
    first = (now() - timedelta(days=20)).isoformat(timespec="seconds")
    story = begin(network)
    await story.refer(
        task=story.coordination(authoredOn=first), patient={"name": [{"given": ["Newly"], "family": "Sent"}]}
    )
    ends = (now() + timedelta(days=3)).date().isoformat()
    expiring = begin(network)
    await expiring.refer(
        order=expiring.order(occurrencePeriod={"end": ends}),
        task=expiring.coordination(authoredOn=first),
        patient={"name": [{"text": "Soon Over"}]},
    )
    shown = await page(network.clinic, "worklist")
    sections = parted(shown.text)
    assert "Deep vein thrombosis, acute" in sections["Held for safety"]
    assert "Newly Sent" in sections["New referrals"]
    assert "Newly Sent" not in sections["Orders about to expire"]
    assert "Soon Over" in sections["Orders about to expire"]
    assert f"/fhir/{story.referral}" in set(shown.all("href"))


async def test_the_work_list_can_be_that_of_one_clinic(network: Network, dangerous: Story) -> None:
    own = await page(network.referrer, "worklist?clinic=Organization/clinic")
    other = await page(network.referrer, "worklist?clinic=Organization/other")
    assert f"/fhir/{dangerous.referral}" in set(own.all("href"))
    assert f"/fhir/{dangerous.referral}" not in set(other.all("href"))


async def test_the_work_list_has_the_visits_of_the_day(network: Network) -> None:
    story = begin(network)
    await story.refer(patient={"name": [{"text": "Comes Today"}]})
    await story.accept()
    await story.draw_up()
    start = now().replace(hour=12, minute=0, second=0, microsecond=0)
    times = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
    await story.clinic.post(story.visit(0, **times))
    shown = await page(network.clinic, "worklist")
    assert "12:00 UTC Comes Today" in shown.text


async def test_a_missed_visit_stays_in_the_work_list_until_another_is_booked(network: Network) -> None:
    """Whatever the last business status says."""
    first = (now() - timedelta(days=30)).isoformat(timespec="seconds")
    story = begin(network)
    await story.refer(task=story.coordination(authoredOn=first), patient={"name": [{"text": "Did Not Come"}]})
    await story.accept()
    await story.draw_up()
    start = now() - timedelta(days=1)
    times = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
    await story.clinic.does(await story.clinic.post(story.visit(1, **times)), status="noshow")
    due = {"coding": [{"system": BUSINESS_STATUS, "code": "progress-report-due"}]}
    await story.clinic.does(story.task, businessStatus=due)

    async def text() -> str:
        shown = (await page(network.clinic, "worklist")).text
        return shown.partition("Report to the referrer before")[2]

    reports, _, rest = (await text()).partition("The last visit did not take place")
    missed, _, unbooked = rest.partition("Book the next visit.")
    assert all("Did Not Come" in each for each in (reports, missed, unbooked))
    await story.book(2, now() + timedelta(days=2))
    shown = (await page(network.clinic, "worklist")).text
    for hint in ("The last visit did not take place", "Book the next visit."):
        assert "Did Not Come" not in shown.partition(hint)[2].partition("All sessions are delivered")[0]


async def test_a_search_names_the_patients_whom_it_does_not_include(treated: Story) -> None:
    """For who may read them, and on record like all else."""
    administrator = treated.network.administrator
    named = treated.patient.partition("/")[2]
    before = await recorded(administrator, treated.patient)
    shown = await page(treated.clinic, f"ServiceRequest?patient={named}")
    after = await recorded(administrator, treated.patient)
    patient = await treated.clinic.read(treated.patient)
    assert patient["name"][0]["family"] in shown.text.partition("JSON")[0]
    assert sorted(after[len(before) :]).count("search-type") == 3


async def test_an_operation_is_called_by_what_it_tells(treated: Story) -> None:
    """With a way back to what it tells of."""
    shown = await page(treated.clinic, f"{treated.referral}/$visits")
    assert "Referral Visits" in shown.text
    assert f"/fhir/{treated.referral}" in set(shown.all("href"))


async def test_nobody_is_shown_what_is_not_theirs(treated: Story, dangerous: Story) -> None:
    """Another clinic sees no page and no line of the list."""
    for target in (treated.referral, treated.task, treated.plan, treated.patient):
        shown = await page(treated.network.other, target, 404)
        assert "There is nothing here" in shown.text
    listed = await page(treated.network.other, "worklist")
    assert not {f"/fhir/{dangerous.referral}", f"/fhir/{dangerous.patient}"} & set(listed.all("href"))


async def test_without_a_token_there_is_no_page(workers: Workers, treated: Story) -> None:
    for target in (treated.referral, "worklist", "Patient"):
        answered = await workers.one.get(target, headers=BROWSER)
        assert (answered.status_code, answered.headers["content-type"]) == (401, "text/html; charset=utf-8")
        assert answered.headers["www-authenticate"].startswith("Bearer")
        assert "Please identify yourself" in Markup.of(answered.content).text


async def narrow(workers: Workers, story: Story, scope: str) -> Side:
    """The clinic with a token of less scope."""
    side = story.clinic
    return type(side)(side.http, await workers.bearer("clinic", scope), side.organisation)


async def test_scopes_leave_out_of_a_page_what_they_leave_out_of_answers(workers: Workers, treated: Story) -> None:
    """And the page says so."""
    side = await narrow(workers, treated, "system/ServiceRequest.r system/Task.rs")
    shown = await page(side, treated.referral)
    assert "Your scopes leave some kinds of resources out" in shown.text
    assert f"/fhir/{treated.sessions[0]}" not in set(shown.all("href"))
    assert "delivered not said" in shown.text
    assert "Session delivered" not in shown.text


async def test_a_work_list_without_the_scope_for_others_has_tasks_alone(workers: Workers, treated: Story) -> None:
    side = await narrow(workers, treated, "system/Task.rs")
    shown = await page(side, "worklist")
    assert "only Tasks are shown" in shown.text
    assert "Your scopes do not let you read visits." in shown.text
    assert "Patient/" not in "".join(each for each in shown.all("href") if "_include" not in each) or (
        "Example" not in shown.text
    )


async def test_a_work_list_without_the_scope_for_tasks_is_refused(workers: Workers, treated: Story) -> None:
    side = await narrow(workers, treated, "system/Patient.rs")
    shown = await page(side, "worklist", 403)
    assert "Code forbidden" in shown.text


async def test_all_that_a_page_shows_is_on_record(treated: Story) -> None:
    """The read, and the $everything that the page is made of beside it; both searches of a work list."""
    administrator = treated.network.administrator
    before = await recorded(administrator, treated.patient)
    await page(treated.clinic, treated.referral)
    after = await recorded(administrator, treated.patient)
    # beside them the search for the records before
    assert sorted(after[len(before) :]) == ["operation", "read", "search-type"]


async def recorded(administrator: Side, patient: str) -> list[str]:
    """The interactions that concerned a patient, the oldest first."""
    events = await administrator.found(f"AuditEvent?patient={patient}&_count=1000")
    return [each["subtype"][0]["code"] for each in reversed(events)]


def parted(text: str) -> dict[str, str]:
    """The text of a work list by the titles of its groups."""
    titles = ("Held for safety", "New referrals", "Orders about to expire")
    rest = text.partition("Visits today")[2]
    held = text.partition("A contraindication stands.")[2].partition("Visits today")[0]
    new = rest.partition("Sent and not decided yet")[2].partition("They end soon")[0]
    ending = rest.partition("They end soon")[2].partition("Progress reports due")[0]
    return dict(zip(titles, (held, new, ending), strict=True))
