"""The report back to the referrer and the documentation for a payer, over HTTP: every number worked out by hand."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest
from pypdf import PdfReader

from service.fhir.definitions import load
from service.fhir.validation import Validator
from service.massage.catalogue.published import canonical
from tests.api.outcome import assert_outcome
from tests.builders import loop
from tests.builders.resources import concept, reference
from tests.loop.later import look
from tests.loop.side import Side, entry, state
from tests.loop.story import ACHIEVED, begin, new, now

if TYPE_CHECKING:
    import httpx

    from tests.api.auth.conftest import Workers
    from tests.loop.side import Json
    from tests.loop.story import Network, Story

LOINC: Final = "http://loinc.org"
PAIN: Final = concept(LOINC, "72514-3")
DISABILITY: Final = concept(LOINC, "97909-6")
UCUM: Final = "http://unitsofmeasure.org"
TECHNIQUE: Final = canonical("CodeSystem", "massage-technique")
HOSTILE: Final = "<script>alert(1)</script> #let x = read(1) $a$ *b*"


@cache
def validator() -> Validator:
    return Validator(load())


def on(number: int) -> str:
    """The day of the n-th session."""
    return f"{now() - timedelta(days=20 - number):%Y-%m-%d}"


def asked(**values: Any) -> Json:
    """Parameters; a list repeats a parameter."""
    kinds = {bool: "valueBoolean", str: "valueString"}
    pairs = [(name, each) for name, value in values.items() for each in (value if isinstance(value, list) else [value])]
    parameters = [{"name": name, kinds[type(each)]: each} for name, each in pairs]
    return {"resourceType": "Parameters"} | ({"parameter": parameters} if parameters else {})


async def begun(story: Story, **order: Any) -> Story:
    """An accepted referral of three weeks ago, with a plan."""
    before = (now() - timedelta(days=21)).isoformat(timespec="seconds")
    await story.refer(order=story.order(authoredOn=before, **order))
    return await planned(story)


async def planned(story: Story) -> Story:
    """The referral accepted, with a therapist and a plan that has two goals in numbers."""
    await story.accept()
    due = f"{now() + timedelta(days=30):%Y-%m-%d}"
    wanted = (("pain", "Less pain", PAIN, 5, "{score}"), ("work", "Back to work", DISABILITY, 32, "%"))
    goals = [
        new(
            loop.goal(),
            description={"text": text},
            subject=reference(story.patient),
            addresses=[reference(story.referral)],
            target=[
                {
                    "measure": measure,
                    "detailQuantity": {"value": value, "system": UCUM, "code": unit},
                    "dueDate": due,
                }
            ],
        )
        for _, text, measure, value, unit in wanted
    ]
    plan = new(
        loop.plan(),
        subject=reference(story.patient),
        supportingInfo=story.based_on,
        addresses=[reference(story.condition)],
        goal=[reference(story.url(name)) for name, *_ in wanted],
        activity=[{"detail": {"status": "in-progress", "description": "Massage of the lower back, once a week"}}],
    )
    entries = [entry(goal, full_url=story.url(row[0])) for goal, row in zip(goals, wanted, strict=True)]
    answered = await story.clinic.send(*entries, entry(plan, full_url=story.url("plan")))
    assert answered.status_code == 200, answered.text
    made = [each["response"]["location"].partition("/fhir/")[2] for each in answered.json()["entry"]]
    story.goal, _, story.plan = (each.partition("/_history")[0] for each in made)
    licence = {"code": {"text": "Licence"}, "period": {"start": "2020-01-01"}}
    person = {
        "resourceType": "Practitioner",
        "name": [{"given": ["Thea"], "family": "Ravn"}],
        "qualification": [licence],
    }
    story.therapist = await story.clinic.post(person)
    return story


async def treated(story: Story, number: int, pain: int, disability: int, **technique: Any) -> None:
    """The n-th session with its technique, and what was measured before it."""
    session = await story.deliver(number)
    await story.clinic.does(session, bodySite=[{"text": "Lower back"}])
    kneading = {"system": TECHNIQUE, "code": "deep-tissue", "display": "Deep tissue massage"}
    within: Json = {
        "resourceType": "Procedure",
        "status": "completed",
        "subject": reference(story.patient),
        "partOf": [reference(session)],
        "code": {"coding": [kneading]},
        "performedDateTime": story.begins(number).isoformat(timespec="seconds"),
    }
    await story.clinic.post(within | technique)
    measured = ((PAIN, {"valueInteger": pain}), (DISABILITY, {"valueQuantity": _percent(disability)}))
    for code, value in measured:
        observation: Json = {
            "resourceType": "Observation",
            "status": "final",
            "code": code,
            "subject": reference(story.patient),
            "basedOn": story.based_on,
            "effectiveDateTime": story.begins(number).isoformat(timespec="seconds"),
        }
        await story.clinic.post(observation | value)


def _percent(value: int) -> Json:
    return {"value": value, "unit": "%", "system": UCUM, "code": "%"}


async def course(story: Story) -> Story:
    """Three sessions of an hour: pain 7, 5, 3, disability 42, 36, 26 %."""
    await begun(story)
    for number, (pain, disability) in enumerate(((7, 42), (5, 36), (3, 26)), 1):
        await treated(story, number, pain, disability)
    return story


@pytest.fixture(scope="module")
async def told(network: Network) -> Story:
    """A course of which reports are made that change nothing."""
    return await course(begin(network))


def document(answered: httpx.Response) -> Json:
    """The Bundle, which is a valid document."""
    assert answered.status_code == 200, answered.text
    bundle: Json = answered.json()
    assert validator().issues(bundle, "Bundle") == []
    assert (bundle["type"], bundle["entry"][0]["resource"]["resourceType"]) == ("document", "Composition")
    assert bundle["identifier"]["value"].startswith("urn:uuid:")
    return bundle


def only(bundle: Json, kind: str) -> list[Json]:
    return [each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == kind]


def form(attachments: list[Json], media_type: str) -> bytes:
    """The data of a form, which are as long as they are said to be."""
    (found,) = [each for each in attachments if each["contentType"] == media_type]
    data = base64.b64decode(found["data"])
    digest = hashlib.sha1(data, usedforsecurity=False).digest()
    assert (found["size"], found["hash"]) == (len(data), base64.b64encode(digest).decode())
    return data


def printed(pdf: bytes) -> str:
    """The text of a PDF without the last line of each page, with each run of white space as one blank."""
    pages = [each.extract_text().rpartition("\n") for each in PdfReader(io.BytesIO(pdf)).pages]
    assert all("Page " in last for _, _, last in pages)
    return " ".join(" ".join(text for text, _, _ in pages).split())


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
        "It has changed by -4 (-57.1 %)",
        f"42 on {on(1)}, then 26 on {on(3)}, in %",
        "Ordered 6 Authorised by the payer not known Completed 3 Missed without notice 0 Booked 0 Remaining 3",
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


async def test_two_reports_that_are_filed_at_once_do_not_lose_one_another(story: Story) -> None:
    await begun(story)
    filing = [story.clinic("POST", f"{story.plan}/$progress-report", asked(file=True)) for _ in range(3)]
    answers = await asyncio.gather(*filing)
    assert {each.status_code for each in answers} <= {200, 409, 412}
    filed = sum(1 for each in answers if each.status_code == 200)
    task = await story.clinic.read(story.task)
    assert len(await story.clinic.everything("DiagnosticReport", story.referral)) == filed >= 1
    assert len(task["output"]) == filed


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


async def packet(story: Story) -> Json:
    return document(await story.referrer("GET", f"{story.referral}/$necessity-packet"))


def attachments(bundle: Json) -> list[Json]:
    return [each["attachment"] for each in only(bundle, "DocumentReference")[0]["content"]]


async def test_a_packet_says_what_is_missing_and_what_would_be_accepted(story: Story) -> None:
    await begun(story)
    bundle = await packet(story)
    assert only(bundle, "Composition")[0]["status"] == "preliminary"
    (outcome,) = only(bundle, "OperationOutcome")
    titles = [each["details"]["text"] for each in outcome["issue"]]
    assert titles == [
        "The signature on the order",
        "How many visits, over which time",
        "Deficits that are measured, against goals with a date",
        "Coverage that is in force on each day of service",
        "The payer's authorisation",
    ]
    assert all(" Accepted is " in each["diagnostics"] for each in outcome["issue"])
    text = printed(form(attachments(bundle), "application/pdf"))
    assert "The documentation is not complete: 5 of what is asked for is missing." in text
    assert "An active Coverage in ServiceRequest.insurance whose period includes each session" in text


async def complete(story: Story) -> Story:
    """A referral with all that a payer asks for."""
    person = story.url("patient")
    payer = reference("Organization/payer")
    coverage = {
        "resourceType": "Coverage",
        "status": "active",
        "beneficiary": reference(person),
        "payor": [payer | {"display": "Example Insurance"}],
        "subscriberId": "S-77",
        "period": {"start": "2020-01-01", "end": "2040-01-01"},
    }
    answer = {
        "resourceType": "ClaimResponse",
        "status": "active",
        "type": concept("http://terminology.hl7.org/CodeSystem/claim-type", "professional"),
        "use": "preauthorization",
        "patient": reference(person),
        "created": "2026-01-01",
        "insurer": payer,
        "outcome": "complete",
        "preAuthRef": "AUTH-12",
        "preAuthPeriod": {"start": "2020-01-01", "end": "2040-01-01"},
        "addItem": [
            {
                "itemSequence": [1],
                "productOrService": {"text": "Massage"},
                "quantity": {"value": 6},
                "adjudication": [{"category": {"text": "allowed"}}],
            }
        ],
    }
    script = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": reference(person),
        "content": [{"attachment": {"contentType": "text/plain", "data": "eA=="}}],
    }
    beside = [
        entry(each, full_url=story.url(name))
        for name, each in (("coverage", coverage), ("answer", answer), ("script", script))
    ]
    order = story.order(
        authoredOn=(now() - timedelta(days=21)).isoformat(timespec="seconds"),
        insurance=[reference(story.url("coverage")), reference(story.url("answer"))],
        supportingInfo=[reference(story.url("script"))],
        occurrencePeriod={"start": "2026-01-01", "end": "2040-01-01"},
    )
    answered = await story.referrer.send(*story.entries("M54.50", order=order), *beside)
    assert answered.status_code == 200, answered.text
    for each in answered.json()["entry"]:
        made = each["response"]["location"].partition("/fhir/")[2].partition("/_history")[0]
        attributes = {"Patient": "patient", "Condition": "condition", "ServiceRequest": "referral", "Task": "task"}
        if attribute := attributes.get(made.partition("/")[0]):
            setattr(story, attribute, made)
    return await planned(story)


async def test_a_packet_that_lacks_nothing_says_so(story: Story) -> None:
    await complete(story)
    for number, (pain, disability) in enumerate(((7, 42), (5, 36)), 1):
        await treated(story, number, pain, disability)
    bundle = await packet(story)
    assert only(bundle, "OperationOutcome") == []
    assert only(bundle, "Composition")[0]["status"] == "final"
    text = printed(form(attachments(bundle), "application/pdf"))
    for told in (
        "Everything that is asked for is in this document.",
        "M54.50",
        "AUTH-12 2020-01-01 to 2040-01-01 6",
        "Example Insurance S-77 2020-01-01 to 2040-01-01",
        "Massage of the lower back, once a week",
        "Ordered 6 Authorised by the payer 6 Completed 2 Missed without notice 0 Booked 0 Remaining 4",
        "Together 120 minutes and 8 timed units of 15 minutes.",
        "97140",
        "Less pain Pain, numeric rating from 0 to 10, in points 5 or less by",
    ):
        assert told in text, f"{told} is not in {text}"


async def test_a_packet_names_the_session_that_lacks_something(story: Story) -> None:
    await complete(story)
    await treated(story, 1, 7, 42)
    session = await story.deliver(2)
    bundle = await packet(story)
    (outcome,) = only(bundle, "OperationOutcome")
    (issue,) = outcome["issue"]
    assert issue["expression"] == ["Procedure"]
    assert f"{session} ({on(2)}) has no technique, region." in issue["diagnostics"]


async def test_a_packet_counts_sessions_beyond_the_authorisation_and_days_without_coverage(story: Story) -> None:
    await complete(story)
    await treated(story, 1, 7, 42)
    order = await story.referrer.read(story.referral)
    coverage, answer = (each["reference"] for each in order["insurance"])
    await story.referrer.does(coverage, period={"start": "2020-01-01", "end": "2020-12-31"})
    await story.referrer.does(answer, preAuthPeriod=None)
    (outcome,) = only(await packet(story), "OperationOutcome")
    told = [each["diagnostics"] for each in outcome["issue"]]
    assert f"No coverage was in force on {on(1)}." in told[0]
    assert "No answer of the payer has its number, its period and the number of visits together." in told[1]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_documents_take_only_their_parameters(story: Story, method: str) -> None:
    await begun(story)
    refused = await story.clinic(method, f"{story.referral}/$necessity-packet?file=true")
    assert_outcome(refused, 400, "parameter-unknown")
    refused = await story.clinic(method, f"{story.plan}/$progress-report?recommendation={'x' * 4001}")
    assert_outcome(refused, 400, "parameter-value")
    wrong = await story.clinic(method, f"{story.referral}/$progress-report")
    assert_outcome(wrong, 404, "operation-unknown")


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
