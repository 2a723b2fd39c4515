"""Findings as cards."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

import pytest

from service.cds.call import read_call
from service.cds.cards import marks_of, rule_of_card
from service.cds.safety import Safety
from service.fhir.outcome import FhirError
from service.massage.catalogue.published import SIGN_OFF
from service.massage.screening.record import record_of
from service.massage.screening.screen import screen
from service.outgoing.fetch import Fetch
from tests.builders.cds_hooks import INSTANCE, appointment, bundle, call, context, draft, prefetched
from tests.builders.screening import NOW, condition, diagnosis, medication, order, rules

Json = dict[str, Any]

THROMBOSIS = diagnosis("I82.402", onsetDateTime="2026-01-03")
BACK_PAIN = diagnosis("M54.50", 9)
POLICY = "https://massage.example.org/policy"


@cache
def _safety() -> Safety:
    return Safety(rules(), fetch=Fetch(), policy=POLICY, now=lambda: NOW)


async def _cards(*conditions: Json, sent: Json | None = None, **others: Any) -> list[Json]:
    known = prefetched(conditions=bundle(*conditions), **others)
    return await _safety().cards(read_call((sent or call()) | {"prefetch": known}))


async def test_a_thrombosis_is_a_critical_card() -> None:
    """In the words of the screening, with its rule as the topic."""
    (card,) = await _cards(THROMBOSIS)
    (finding,) = screen(draft(), record_of([THROMBOSIS]), rules(), NOW).findings
    assert card["summary"] == "Massage is contraindicated: Deep vein thrombosis, acute"
    assert card["indicator"] == "critical"
    assert card["detail"].startswith(finding.detail)
    assert card["source"]["topic"]["code"] == finding.rule == "dvt"
    assert card["links"] == [{"label": "What the rule says", "url": f"{POLICY}#dvt", "type": "absolute"}]
    assert [each["code"] for each in card["overrideReasons"]] == ["resolved", "clinician-judgement"]
    assert all(each["display"] and each["system"] for each in card["overrideReasons"])


async def test_every_card_says_that_a_clinician_must_sign_the_rules_off() -> None:
    """Whatever it is about."""
    cards = await _cards(THROMBOSIS, diagnosis("Z79.01", 2), diagnosis("I83.90", 3), condition({"text": "?"}, 4))
    assert [each["indicator"] for each in cards] == ["critical", "warning", "info", "info"]
    assert all(SIGN_OFF in each["detail"] for each in cards)
    assert all(0 < len(each["summary"]) < 140 for each in cards)


async def test_an_absolute_card_suggests_not_to_order() -> None:
    """By removing the draft."""
    (card,) = await _cards(THROMBOSIS)
    (suggestion,) = card["suggestions"]
    assert card["selectionBehavior"] == "at-most-one"
    assert suggestion["actions"] == [
        {"type": "delete", "description": "Remove the order for massage", "resourceId": "ServiceRequest/draft-1"}
    ]


async def test_any_other_card_does_not() -> None:
    """What is relative is for somebody to judge."""
    (card,) = await _cards(diagnosis("Z79.01"))
    assert "suggestions" not in card


async def test_a_technique_can_be_left_out() -> None:
    """The suggested order is the same without it."""
    asked = draft("deep-tissue", "myofascial-release")
    cards = await _cards(diagnosis("Z79.01"), sent=call(context=context(asked)))
    (action,) = cards[0]["suggestions"][0]["actions"]
    assert cards[0]["suggestions"][0]["label"] == "Order without deep-tissue"
    assert action["type"] == "update"
    assert action["resource"] == draft("myofascial-release")


async def test_cards_are_the_same_for_the_same_call() -> None:
    """Their ids, too, which differ between calls, orders and rules."""
    once, again = await _cards(THROMBOSIS), await _cards(THROMBOSIS)
    assert once == again
    other = await _cards(THROMBOSIS, sent=call(hookInstance=INSTANCE.replace("d1", "d2", 1)))
    two_orders = await _cards(THROMBOSIS, sent=call(context=context(order(id="a"), order(id="b"))))
    two_rules = await _cards(THROMBOSIS, diagnosis("I26.99", 2))
    ids = [each["uuid"] for cards in (once, other, two_orders, two_rules) for each in cards]
    assert len(set(ids)) == len(ids) - 1


async def test_a_card_id_tells_its_rule() -> None:
    """So that feedback can be understood though no card is kept."""
    (card,) = await _cards(THROMBOSIS)
    marks = _safety().marks
    assert rule_of_card(UUID(card["uuid"]), marks) == "dvt"
    assert UUID(card["uuid"]).version == 8
    assert rule_of_card(UUID(INSTANCE), marks) is None


def test_rules_with_the_same_mark_stop_the_start() -> None:
    """Two texts with the same CRC-32."""
    with pytest.raises(ValueError, match="same mark"):
        marks_of(dict.fromkeys(("plumless", "buckeroo")))


async def test_nothing_is_said_of_what_is_not_massage() -> None:
    """Whatever the patient has."""
    others = ({"resourceType": "MedicationRequest", "id": "m"}, draft(code={"text": "Walking"}))
    assert await _cards(THROMBOSIS, sent=call(context=context(*others))) == []


@pytest.mark.parametrize(
    "code",
    [
        ("http://snomed.info/sct", "387854002"),
        ("http://www.ama-assn.org/go/cpt", "97124"),
        ("https://massage-fhir.example.org/fhir/CodeSystem/massage-technique", "deep-tissue"),
    ],
)
async def test_massage_is_known_by_any_of_its_codes(code: tuple[str, str]) -> None:
    """SNOMED CT, CPT, or our own techniques."""
    asked = draft(code={"coding": [{"system": code[0], "code": code[1]}]})
    assert len(await _cards(THROMBOSIS, sent=call(context=context(asked)))) == 1


async def test_an_appointment_for_massage_is_screened() -> None:
    """As an order of which nothing but the patient is known."""
    booked = {"userId": "Patient/p1", "patientId": "p1", "appointments": bundle(appointment())}
    (card,) = await _cards(THROMBOSIS, sent=call("appointment-book", context=booked))
    assert card["suggestions"][0]["actions"][0]["resourceId"] == "Appointment/apt1"
    elsewhere = booked | {"appointments": bundle(appointment(service="57"))}
    assert await _cards(THROMBOSIS, sent=call("appointment-book", context=elsewhere)) == []


async def test_a_patient_without_anything_is_not_screened() -> None:
    """The card says so; there is no empty answer that would look like safety."""
    (card,) = await _cards()
    assert (card["summary"], card["indicator"]) == ("Not screened for contraindications", "info")
    assert "not a sign of safety" in card["detail"]


async def test_a_patient_with_nothing_against_massage_has_no_card() -> None:
    """Where all was read and judged."""
    assert await _cards(BACK_PAIN) == []


async def test_what_was_not_sent_is_named() -> None:
    """The rest is screened."""
    known = {"conditions": bundle(BACK_PAIN), "medications": {"resourceType": "OperationOutcome", "issue": []}}
    (card,) = await _safety().cards(read_call(call(prefetch=known)))
    assert card["summary"] == "Not everything could be screened"
    for name in ("MedicationRequest", "MedicationStatement", "AllergyIntolerance", "Observation", "Procedure"):
        assert name in card["detail"]


async def test_a_page_that_is_missing_is_named() -> None:
    """There may be a thrombosis on it."""
    more = bundle(BACK_PAIN, link=[{"relation": "next", "url": "https://ehr.example.org/fhir/Condition?page=2"}])
    (card,) = await _safety().cards(read_call(call(prefetch=prefetched(conditions=more))))
    assert card["summary"] == "Not screened for contraindications"
    assert "Not read, or not all of it: Condition." in card["detail"]


async def test_a_medication_that_is_ordered_along_counts() -> None:
    """Though it is a draft, too."""
    drafts = context(draft("deep-tissue"), medication("Warfarin 5 mg", status="draft"))
    (card,) = await _cards(BACK_PAIN, sent=call(context=drafts))
    assert card["source"]["topic"]["code"] == "anticoagulant-therapy"


async def test_a_similar_referral_is_a_card() -> None:
    """Of the patient's own referrals."""
    (card,) = await _cards(BACK_PAIN, referrals=bundle(order(id="r0", authoredOn="2026-02-20")))
    assert (card["indicator"], card["source"]["topic"]["code"]) == ("warning", "duplicate-referral")


async def test_conditions_are_needed() -> None:
    """Without them the answer is 412, as CDS Hooks says."""
    without = {name: value for name, value in prefetched().items() if name != "conditions"}
    for known in (without, prefetched(conditions={"resourceType": "OperationOutcome"})):
        with pytest.raises(FhirError) as refused:
            await _safety().cards(read_call(call(prefetch=known)))
        assert refused.value.category.status == 412


async def test_many_drafts_are_too_many() -> None:
    """Somebody orders a few."""
    drafts = [order(id=f"d{number}") for number in range(21)]
    with pytest.raises(FhirError, match="too-costly"):
        await _cards(THROMBOSIS, sent=call(context=context(*drafts)))
