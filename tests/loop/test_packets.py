"""The documentation for a payer, over HTTP: complete, or it says what is missing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.api.outcome import assert_outcome
from tests.builders.resources import concept, reference
from tests.loop.documents import (
    begun,
    document,
    form,
    on,
    only,
    planned,
    printed,
    treated,
)
from tests.loop.side import entry
from tests.loop.story import now

if TYPE_CHECKING:
    from tests.loop.side import Json
    from tests.loop.story import Story


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
    assert "The documentation is not complete: 5 things that are asked for are missing." in text
    assert "An active Coverage in ServiceRequest.insurance whose period includes each session" in text


def papers(story: Story) -> dict[str, Json]:
    """Coverage, authorisation and signed order of the patient, by the names of their URLs."""
    person = story.url("patient")
    payer = reference("Organization/payer")
    coverage = {
        "resourceType": "Coverage",
        "status": "active",
        "beneficiary": reference(person),
        "payor": [payer | {"display": "Example Insurance"}],
        "subscriberId": "S-77",
        "relationship": concept("http://terminology.hl7.org/CodeSystem/subscriber-relationship", "self"),
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
    return {"coverage": coverage, "answer": answer, "script": script}


async def complete(story: Story) -> Story:
    """A referral with all that a payer asks for."""
    beside = [entry(each, full_url=story.url(name)) for name, each in papers(story).items()]
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
        "Ordered 6 Authorised by the payer 6 Completed 2 Missed without notice 0 Remaining 4, none of them booked",
        "Together 120 minutes and 8 timed units of 15 minutes.",
        "97140",
        "Less pain Pain, numeric rating from 0 to 10, in points 5 or less by",
    ):
        assert told in text, f"{told} is not in {text}"


async def test_a_packet_names_the_session_that_lacks_something(story: Story) -> None:
    await complete(story)
    await treated(story, 1, 7, 42)
    await story.deliver(2)
    bundle = await packet(story)
    (outcome,) = only(bundle, "OperationOutcome")
    (issue,) = outcome["issue"]
    assert issue["expression"] == ["Procedure"]
    assert f"The session ({on(2)}) has no technique, region." in issue["diagnostics"]


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
    assert "takes no parameters." in assert_outcome(refused, 400, "parameter-unknown")["diagnostics"]
    refused = await story.clinic(method, f"{story.referral}/$necessity-packet?_format=exe")
    assert "pdf" in assert_outcome(refused, 406, "not-acceptable", "http._format")["diagnostics"]
    refused = await story.clinic(method, f"{story.plan}/$progress-report?recommendation={'x' * 4001}")
    assert_outcome(refused, 400, "parameter-value")
    wrong = await story.clinic(method, f"{story.referral}/$progress-report")
    assert_outcome(wrong, 404, "operation-unknown")
