"""What a referral stands on: patient, reasons and payer are here, of one patient, and as an order needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api.outcome import assert_outcome
from tests.builders.resources import TERMINOLOGY, concept, reference
from tests.loop.side import entry

if TYPE_CHECKING:
    import httpx

    from tests.loop.side import Json
    from tests.loop.story import Story


def coverage(story: Story, **elements: Any) -> Json:
    """A Coverage of the story's patient that is fit to pay; elements that are None are left out."""
    given = {
        "resourceType": "Coverage",
        "status": "active",
        "subscriberId": "S-77",
        "relationship": concept(f"{TERMINOLOGY}/subscriber-relationship", "self"),
        "beneficiary": reference(story.url("patient")),
        "payor": [{"display": "Example Insurance"}],
    } | elements
    return {name: value for name, value in given.items() if value is not None}


async def insured(story: Story, code: str = "M54.50", **elements: Any) -> httpx.Response:
    """The answer to a referral with a Coverage."""
    order = story.order(insurance=[reference(story.url("coverage"))])
    paying = entry(coverage(story, **elements), full_url=story.url("coverage"))
    return await story.referrer.send(*story.entries(code, order=order), paying)


async def of_condition(story: Story, **elements: Any) -> httpx.Response:
    """The answer to a referral of which the reason has these elements."""
    entries = story.entries("M54.50")
    entries[1]["resource"] |= elements
    return await story.referrer.send(*entries)


@pytest.mark.parametrize("element", ["category", "authoredOn"])
async def test_an_order_says_its_category_and_when_it_was_ordered(story: Story, element: str) -> None:
    answered = await story.referrer.send(*story.entries("M54.50", order=story.order(**{element: None})))
    assert_outcome(answered, 422, "guard-referral", "Bundle.entry[2].resource.status")
    assert element in answered.text


@pytest.mark.parametrize("number", [0, -2, 2.5])
async def test_sessions_are_ordered_in_whole_numbers(story: Story, number: float) -> None:
    answered = await story.referrer.send(
        *story.entries("M54.50", order=story.order(quantityQuantity={"value": number, "unit": "sessions"}))
    )
    assert_outcome(answered, 422, "guard-referral", "Bundle.entry[2].resource.occurrence")


@pytest.mark.parametrize(
    "subject",
    [
        reference("https://elsewhere.example.org/fhir/Patient/1"),
        reference("Patient/nobody"),
        reference("Group/1"),
        {"identifier": {"system": "https://ehr.example.org/mrn", "value": "1"}},
    ],
)
async def test_a_patient_who_is_not_here_cannot_be_screened_and_is_not_referred(story: Story, subject: Json) -> None:
    answered = await story.referrer.send(*story.entries("M54.50", order=story.order(subject=subject), task={}))
    assert_outcome(answered, 422, "reference-not-found", "Bundle.entry[2].resource.subject")


async def test_a_contained_patient_is_not_referred(story: Story) -> None:
    order = story.order(subject=reference("#p"), contained=[{"resourceType": "Patient", "id": "p"}])
    answered = await story.referrer.send(*story.entries("M54.50", order=order, task={}))
    assert_outcome(answered, 422, "reference-not-found", "Bundle.entry[2].resource.subject")


@pytest.mark.parametrize("element", ["reasonReference", "insurance"])
async def test_what_a_referral_names_is_here(story: Story, element: str) -> None:
    kind = {"reasonReference": "Condition", "insurance": "Coverage"}[element]
    order = story.order(**{element: [reference(f"{kind}/nobody-has-it")]})
    answered = await story.referrer.send(*story.entries("M54.50", order=order))
    assert_outcome(answered, 422, "reference-not-found", f"Bundle.entry[2].resource.{element}[0]")


async def test_a_condition_that_the_referrer_does_not_see_is_as_if_it_were_not_there(story: Story) -> None:
    await story.refer()
    hidden = await story.network.other.post({"resourceType": "Condition", "subject": {"display": "somebody"}})
    answers = [
        await story.referrer.change(story.referral, reasonReference=[reference(each)])
        for each in (hidden, "Condition/nobody-has-it")
    ]
    assert [each.status_code for each in answers] == [422, 422]
    assert answers[0].json()["issue"] == answers[1].json()["issue"]


async def test_a_reason_is_of_the_referrals_patient(story: Story) -> None:
    another = await story.referrer.post({"resourceType": "Patient", "name": [{"family": "Another"}]})
    answered = await of_condition(story, subject=reference(another))
    assert_outcome(answered, 422, "subject-mismatch", "Bundle.entry[2].resource.reasonReference[0]")


@pytest.mark.parametrize("status", ["resolved", "inactive", "remission"])
async def test_a_condition_that_is_over_is_no_reason(story: Story, status: str) -> None:
    answered = await of_condition(story, clinicalStatus=concept(f"{TERMINOLOGY}/condition-clinical", status))
    assert_outcome(answered, 422, "guard-referral", "Bundle.entry[2].resource.reasonReference[0]")


@pytest.mark.parametrize("status", ["recurrence", "relapse"])
async def test_a_condition_that_is_there_again_is_a_reason(story: Story, status: str) -> None:
    answered = await of_condition(story, clinicalStatus=concept(f"{TERMINOLOGY}/condition-clinical", status))
    assert answered.status_code == 200


async def test_a_reason_that_ends_later_leaves_the_referral_as_it_is(story: Story) -> None:
    await story.refer()
    await story.referrer.does(story.condition, clinicalStatus=concept(f"{TERMINOLOGY}/condition-clinical", "resolved"))
    assert (await story.referrer.change(story.referral, note=[{"text": "Call first."}])).status_code == 200


async def test_a_referral_that_names_a_reason_later_is_held_against_it(story: Story) -> None:
    await story.refer()
    over = story.diagnosis("M54.2", clinicalStatus=concept(f"{TERMINOLOGY}/condition-clinical", "resolved"))
    answered = await story.referrer.change(story.referral, reasonReference=[reference(await story.referrer.post(over))])
    assert_outcome(answered, 422, "guard-referral", "ServiceRequest.reasonReference[0]")


async def test_a_draft_may_name_what_is_not_here_yet(story: Story) -> None:
    order = story.order(status="draft", reasonReference=[reference("Condition/nobody-has-it")])
    assert (await story.referrer.send(*story.entries("M54.50", order=order, task={}))).status_code == 200


async def test_a_fit_coverage_pays_for_a_billable_diagnosis(story: Story) -> None:
    assert (await insured(story)).status_code == 200


@pytest.mark.parametrize("code", ["M54.5", "G35"])
async def test_where_a_coverage_pays_a_heading_is_no_reason(story: Story, code: str) -> None:
    answered = await insured(story, code)
    assert_outcome(answered, 422, "guard-referral", "Bundle.entry[2].resource.reasonReference[0]")
    assert "billable" in answered.text


async def test_where_a_coverage_pays_a_reason_has_a_code_of_icd10cm(story: Story) -> None:
    order = story.order(insurance=[reference(story.url("coverage"))])
    entries = story.entries("M54.50", order=order)
    entries[1]["resource"]["code"] = concept("http://snomed.info/sct", "279039007")
    answered = await story.referrer.send(*entries, entry(coverage(story), full_url=story.url("coverage")))
    assert_outcome(answered, 422, "guard-referral", "Bundle.entry[2].resource.reasonReference[0]")


async def test_a_code_of_a_later_edition_may_be_billed(story: Story) -> None:
    assert (await insured(story, "M54.99")).status_code == 200


@pytest.mark.parametrize(
    "elements, told",
    [
        ({"subscriberId": None}, "subscriberId"),
        ({"relationship": None}, "relationship"),
        ({"payor": [{"display": "One"}, {"display": "Two"}]}, "exactly one payor"),
    ],
)
async def test_a_coverage_that_lacks_what_a_payer_asks_for_is_named(story: Story, elements: Json, told: str) -> None:
    answered = await insured(story, **elements)
    assert_outcome(answered, 422, "guard-referral", "Bundle.entry[2].resource.insurance[0]")
    assert told in answered.text


async def test_a_member_number_stands_for_the_subscribers(story: Story) -> None:
    member = {"type": concept(f"{TERMINOLOGY}/v2-0203", "MB"), "system": "https://payer.example.org", "value": "7"}
    assert (await insured(story, subscriberId=None, identifier=[member])).status_code == 200


async def test_a_coverage_of_somebody_else_does_not_pay(story: Story) -> None:
    another = await story.referrer.post({"resourceType": "Patient", "name": [{"family": "Another"}]})
    answered = await insured(story, beneficiary=reference(another))
    assert_outcome(answered, 422, "subject-mismatch", "Bundle.entry[2].resource.insurance[0]")
