"""The report back to the referrer, over HTTP: every number worked out by hand."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.api.outcome import assert_outcome
from tests.builders import loop
from tests.builders.resources import reference
from tests.loop.documents import (
    PAIN,
    asked,
    begun,
    course,
    document,
    form,
    on,
    only,
    printed,
    treated,
)
from tests.loop.later import look
from tests.loop.side import Side, state
from tests.loop.story import ACHIEVED, begin, new, now

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers
    from tests.loop.side import Json
    from tests.loop.story import Network, Story

HOSTILE: Final = "<script>alert(1)</script> #let x = read(1) $a$ *b*"


@pytest.fixture(scope="module")
async def told(network: Network) -> Story:
    """A course of which reports are made that change nothing."""
    return await course(begin(network))


async def report_on(story: Story, side: Side, **values: Any) -> Json:
    return document(await side("POST", f"{story.plan}/$progress-report", asked(**values)))


async def test_a_report_tells_what_is_on_record_in_numbers(told: Story) -> None:
    bundle = await report_on(told, told.clinic, recommendation=["Three more sessions.", "Exercises at home."])
    (report,) = only(bundle, "DiagnosticReport")
    text = printed(form(report["presentedForm"], "application/pdf"))
    for said in (
        f"Patient Example{told.number} Born 1980-02-29 Order ORDER-{told.number}",
        "Pain, numeric rating from 0 to 10: improved; the goal is met.",
        "Oswestry Disability Index: improved; the goal is met.",
        "The clinic recommends: Three more sessions. Exercises at home.",
        f"7 on {on(1)}, then 3 on {on(3)}, in points; 3 measurements, the best 3 (lower is better).",
        "It has fallen by 4 (57.1 %)",
        f"42 on {on(1)}, then 26 on {on(3)}, in %",
        "Ordered 6 Authorised by the payer not known Completed 3 Missed without notice 0",
        "Remaining 3, none of them booked",
        "Technique Sessions Deep tissue massage 3",
        "Together 180 minutes and 12 timed units of 15 minutes.",
        "Sessions delivered: 3",
        "Thea Ravn",
        "between 5 and 9 the change since the baseline is too small to count",
    ):
        assert said in text, f"{said} is not in {text}"


async def test_html_and_pdf_and_narratives_say_the_same(told: Story) -> None:
    bundle = document(await told.clinic("GET", f"{told.plan}/$progress-report?recommendation=Rest"))
    (report,) = only(bundle, "DiagnosticReport")
    html = form(report["presentedForm"], "text/html").decode()
    text = printed(form(report["presentedForm"], "application/pdf"))
    (composition,) = only(bundle, "Composition")
    for section in composition["section"]:
        assert section["title"] in text
        assert f"<h2>{section['title']}</h2>" in html
    for said in ("Rest", "Together 180 minutes and 12 timed units of 15 minutes."):
        assert said in text
        assert said in html
        assert any(said in each["text"]["div"] for each in composition["section"])
    assert html.count("<svg ") == 2
    assert "<script" not in html


async def test_what_a_document_refers_to_is_in_it(told: Story) -> None:
    bundle = await report_on(told, told.clinic)
    urls = {each["fullUrl"] for each in bundle["entry"]}
    assert len(urls) == len(bundle["entry"])
    composition, report = (only(bundle, kind)[0] for kind in ("Composition", "DiagnosticReport"))
    named = [*report["result"], *report["basedOn"], report["subject"], composition["subject"]]
    named += [each for section in composition["section"] for each in section.get("entry", ())]
    assert {each["reference"] for each in named} <= urls
    assert len(report["result"]) == 6
    assert [len(only(bundle, kind)) for kind in ("Observation", "Procedure", "Goal")] == [6, 3, 2]


async def test_a_report_that_is_not_filed_is_preliminary_and_stored_nowhere(told: Story) -> None:
    bundle = await report_on(told, told.referrer)
    assert [only(bundle, kind)[0]["status"] for kind in ("Composition", "DiagnosticReport")] == ["preliminary"] * 2
    assert await told.referrer.everything("DiagnosticReport", told.referral) == []
    assert await told.referrer.everything("Communication", told.referral) == []


async def test_filing_stores_the_report_and_offers_it_to_the_referrer(story: Story) -> None:
    await course(story)
    bundle = await report_on(story, story.clinic, file=True)
    (report,) = only(bundle, "DiagnosticReport")
    name = f"DiagnosticReport/{report['id']}"
    stored = await story.referrer.read(name)
    assert (stored["status"], stored["presentedForm"]) == ("final", report["presentedForm"])
    task = await story.referrer.read(story.task)
    assert loop.output("progress-report", name) in task["output"]
    (message,) = await story.referrer.everything("Communication", story.referral)
    assert message["recipient"] == [reference("Organization/referrer")]
    assert {"contentReference": reference(name)} in message["payload"]
    events = await story.network.administrator.found(f"AuditEvent?entity={story.plan}")
    assert [each["subtype"][0]["code"] for each in events].count("operation") == 1
    events = await story.network.administrator.found(f"AuditEvent?entity={name}&action=C")
    assert [each["subtype"][0]["code"] for each in events] == ["create"]
    assert only(bundle, "Composition")[0]["status"] == "final"


async def test_a_report_that_was_due_is_due_no_more_once_it_is_filed(story: Story, workers: Workers) -> None:
    await begun(story)
    await treated(story, 1, 7, 42)
    await look(workers, timedelta(days=31))
    assert await story.stands() == ("in-progress", "progress-report-due")
    await report_on(story, story.clinic, file=True)
    assert await story.stands() == ("in-progress", "visit-completed")


async def test_s1_the_final_report_closes_the_loop(story: Story) -> None:
    await course(story)
    bundle = await report_on(story, story.clinic, file=True, final=True, recommendation="No further sessions.")
    assert only(bundle, "Composition")[0]["type"]["coding"][0]["code"] == "11488-4"
    for goal in (each["id"] for each in only(bundle, "Goal")):
        await story.clinic.does(f"Goal/{goal}", achievementStatus=ACHIEVED)
    await story.clinic.does(story.plan, status="completed", activity=[{"detail": {"status": "completed"}}])
    task = await story.clinic.does(story.task, status="completed")
    assert state(task) == ("completed", "closed-loop")
    refused = await story.clinic("POST", f"{story.plan}/$progress-report", asked(file=True))
    assert_outcome(refused, 422, "guard-task")


async def test_s12_work_that_failed_ends_with_a_report_of_what_was_reached(story: Story) -> None:
    await begun(story)
    await treated(story, 1, 7, 42)
    bundle = await report_on(story, story.clinic, file=True, final=True)
    text = printed(form(only(bundle, "DiagnosticReport")[0]["presentedForm"], "application/pdf"))
    assert "Pain, numeric rating from 0 to 10: measured once, so nothing is known of a change" in text
    assert "The clinic has sent no recommendation with this report." in text
    task = await story.clinic.does(story.task, status="failed", statusReason=loop.reason("lost-to-follow-up"))
    assert state(task) == ("failed", "discontinued")


async def test_only_the_clinic_files_and_else_nothing_is_stored(told: Story) -> None:
    refused = await told.referrer("POST", f"{told.plan}/$progress-report", asked(file=True))
    assert_outcome(refused, 403, "wrong-actor")
    assert await told.referrer.everything("DiagnosticReport", told.referral) == []
    assert await told.referrer.everything("Communication", told.referral) == []
    got = await told.clinic("GET", f"{told.plan}/$progress-report?file=true")
    assert_outcome(got, 400, "parameter-value")


async def test_what_an_operation_stores_is_no_part_of_a_transaction(story: Story) -> None:
    """It would be committed though the transaction fails; in a batch each entry stands by itself."""
    await begun(story)
    url = f"{story.plan}/$progress-report"
    filing = {"resource": asked(file=True), "request": {"method": "POST", "url": url}}
    refused = await story.clinic.send(filing)
    assert_outcome(refused, 400, "bundle-entry", "Bundle.entry[0]")
    assert await story.clinic.everything("DiagnosticReport", story.referral) == []
    batch = await story.clinic("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": [filing]})
    assert batch.json()["entry"][0]["response"]["status"] == "200 OK"
    assert len(await story.clinic.everything("DiagnosticReport", story.referral)) == 1


async def test_two_reports_that_are_filed_at_once_do_not_lose_one_another(story: Story) -> None:
    await begun(story)
    filing = [story.clinic("POST", f"{story.plan}/$progress-report", asked(file=True)) for _ in range(3)]
    answers = await asyncio.gather(*filing)
    assert {each.status_code for each in answers} <= {200, 409, 412}
    filed = sum(1 for each in answers if each.status_code == 200)
    task = await story.clinic.read(story.task)
    assert len(await story.clinic.everything("DiagnosticReport", story.referral)) == filed >= 1
    assert len(task["output"]) == filed


IDENTIFIER: Final = {"system": "https://clinic.example.org/reports", "value": "7"}


async def filed(story: Story) -> tuple[int, ...]:
    """How many reports, messages and outputs there are."""
    found = [len(await story.clinic.everything(kind, story.referral)) for kind in ("DiagnosticReport", "Communication")]
    outputs = (await story.clinic.read(story.task)).get("output", ())
    return (*found, sum(1 for each in outputs if "DiagnosticReport/" in str(each)))


async def test_a_report_that_is_sent_again_is_filed_once(story: Story) -> None:
    await course(story)
    values: Json = {"file": True, "recommendation": ["Rest.", "Walk."], "identifier": IDENTIFIER}
    first, again = [await report_on(story, story.clinic, **values) for _ in range(2)]
    (report,), (same,) = only(first, "DiagnosticReport"), only(again, "DiagnosticReport")
    assert (report["identifier"], report["id"], report["presentedForm"]) == (
        [IDENTIFIER],
        same["id"],
        same["presentedForm"],
    )
    (composition,) = only(again, "Composition")
    assert composition["status"] == "final"
    assert "Recommendation: Rest. Recommendation: Walk." in composition["section"][0]["text"]["div"]
    assert composition["section"][0]["entry"] == [reference(again["entry"][1]["fullUrl"])]
    assert await filed(story) == (1, 1, 1)
    others: tuple[Json, ...] = ({"recommendation": ["Rest."]}, {"recommendation": []}, {"final": True})
    for other in others:
        refused = await story.clinic("POST", f"{story.plan}/$progress-report", asked(**values | other))
        assert_outcome(refused, 409, "duplicate", "http.identifier")
    assert await filed(story) == (1, 1, 1)


async def test_of_reports_under_one_identifier_at_once_one_is_filed(story: Story) -> None:
    await begun(story)
    bundles = await asyncio.gather(
        *(report_on(story, story.clinic, file=True, identifier=IDENTIFIER) for _ in range(3))
    )
    assert len({only(each, "DiagnosticReport")[0]["id"] for each in bundles}) == 1
    assert await filed(story) == (1, 1, 1)


async def test_after_the_final_report_none_is_filed_and_the_refusal_names_it(story: Story) -> None:
    await course(story)
    values: Json = {"file": True, "final": True, "identifier": IDENTIFIER}
    (report,) = only(await report_on(story, story.clinic, **values), "DiagnosticReport")
    for more in ({"final": True}, {}, {"identifier": IDENTIFIER | {"value": "8"}}):
        refused = await story.clinic("POST", f"{story.plan}/$progress-report", asked(file=True, **more))
        issue = assert_outcome(refused, 422, "guard-report", "Task.output")
        assert f"DiagnosticReport/{report['id']}" in issue["diagnostics"]
    (same,) = only(await report_on(story, story.clinic, **values), "DiagnosticReport")
    assert same["id"] == report["id"]
    assert await filed(story) == (1, 1, 1)
    assert only(await report_on(story, story.clinic), "DiagnosticReport")[0]["status"] == "preliminary"


async def test_an_identifier_is_that_of_a_report_that_is_filed(told: Story) -> None:
    for values in ({"identifier": IDENTIFIER}, {"file": True, "identifier": {"value": "7"}}):
        refused = await told.clinic("POST", f"{told.plan}/$progress-report", asked(**values))
        assert_outcome(refused, 400, "parameter-value", "http.identifier")


async def test_a_plan_that_is_not_seen_has_no_report_and_a_referral_no_packet(told: Story) -> None:
    for path in (f"{told.plan}/$progress-report", f"{told.referral}/$necessity-packet"):
        unseen = assert_outcome(await told.network.other("GET", path), 404, "not-found")
        kind, _, operation = path.partition("/")
        missing = await told.network.other("GET", f"{kind}/nothing/{operation.partition('/')[2]}")
        assert unseen == assert_outcome(missing, 404, "not-found")


async def test_what_belongs_to_another_referral_of_the_patient_is_not_in_it(told: Story) -> None:
    placer = told.order()["identifier"][0] | {"value": f"ORDER-{told.number}-shoulder"}
    second = await told.referrer.post(told.order(identifier=[placer], performer=[reference("Organization/other")]))
    elsewhere = {
        "resourceType": "Observation",
        "status": "final",
        "code": PAIN,
        "subject": reference(told.patient),
        "basedOn": [reference(second)],
        "effectiveDateTime": now().isoformat(timespec="seconds"),
        "valueInteger": 9,
    }
    hidden = await told.network.other.post(elsewhere)
    body = (await told.clinic("GET", f"{told.plan}/$progress-report")).text
    assert hidden not in body
    assert f"ORDER-{told.number}-shoulder" not in body


async def test_a_name_is_text_whatever_it_looks_like(story: Story) -> None:
    await story.refer(patient={"name": [{"text": HOSTILE}]})
    await story.accept()
    await story.draw_up()
    bundle = await report_on(story, story.clinic, recommendation=f"Rest. {HOSTILE}")
    forms = only(bundle, "DiagnosticReport")[0]["presentedForm"]
    html, text = form(forms, "text/html").decode(), printed(form(forms, "application/pdf"))
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4
    assert text.count(HOSTILE) == 2


async def test_a_token_that_may_not_read_what_a_document_tells_gets_none(story: Story, workers: Workers) -> None:
    await begun(story)
    limited = await workers.bearer("clinic", scope="system/CarePlan.r system/ServiceRequest.r")
    side = Side(workers.one, limited, "Organization/clinic")
    for path in (f"{story.plan}/$progress-report", f"{story.referral}/$necessity-packet"):
        told = assert_outcome(await side("GET", path), 403, "forbidden")
        assert "Observation" in told["diagnostics"]


async def test_what_a_token_may_not_read_beside_is_named(story: Story, workers: Workers) -> None:
    await begun(story)
    types = "CarePlan Encounter Goal Observation Patient Procedure ServiceRequest Task Condition DiagnosticReport"
    scopes = " ".join(f"system/{each}.r" for each in types.split())
    side = Side(workers.one, await workers.bearer("clinic", scope=scopes), "Organization/clinic")
    bundle = document(await side("GET", f"{story.plan}/$progress-report"))
    text = printed(form(only(bundle, "DiagnosticReport")[0]["presentedForm"], "application/pdf"))
    assert "What is not in this document" in text
    assert "ClaimResponse" in text
    assert "Missed without notice not known" in text


async def test_a_plan_without_a_referral_has_no_report(story: Story) -> None:
    await begun(story)
    alone = new(loop.plan(), subject=reference(story.patient), supportingInfo=None, status="draft", goal=None)
    plan = await story.clinic.post(alone)
    refused = await story.clinic("GET", f"{plan}/$progress-report")
    assert_outcome(refused, 422, "guard-referral", "CarePlan.supportingInfo")


@pytest.mark.parametrize(
    "accept, query, is_pdf",
    [
        ("application/pdf", "", True),
        ("application/pdf, application/fhir+json;q=0.5", "", True),
        ("application/fhir+json, application/pdf;q=0.5", "", False),
        ("application/fhir+json, application/pdf", "", False),
        ("*/*", "?_format=pdf", True),
        ("*/*", "?_format=application/pdf", True),
        ("application/pdf", "?_format=json", False),
        ("*/*", "", False),
    ],
)
async def test_the_pdf_alone_goes_to_who_asks_for_it(told: Story, accept: str, query: str, *, is_pdf: bool) -> None:
    answered = await told.clinic("GET", f"{told.plan}/$progress-report{query}", accept=accept)
    assert answered.status_code == 200
    assert answered.headers["content-type"].startswith("application/pdf" if is_pdf else "application/fhir+json")
    assert answered.content.startswith(b"%PDF") is is_pdf
    if is_pdf:
        assert answered.headers["content-disposition"] == 'attachment; filename="progress-report.pdf"'
        assert answered.headers["cache-control"] == "no-store"


async def test_who_asks_for_a_pdf_is_refused_in_json(told: Story) -> None:
    for path in (f"{told.plan}/$progress-report", f"{told.referral}/$necessity-packet"):
        unseen = await told.network.other("GET", path, accept="application/pdf")
        assert_outcome(unseen, 404, "not-found")
    assert_outcome(await told.clinic("GET", told.plan, accept="application/pdf"), 406, "not-acceptable")
