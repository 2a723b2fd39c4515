"""What follows from a screening, as one value."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from service.massage.screening.decision import Decision, Known, decide
from service.massage.screening.detected_issue import rule_of
from service.massage.screening.mitigation import Clearance
from service.massage.screening.record import record_of
from tests.builders.resources import concept, reference
from tests.builders.screening import NOW, diagnosis, medication, order, rules

if TYPE_CHECKING:
    from service.app import Standard

    Json = dict[str, Any]

REQUESTER = reference("PractitionerRole/referrer")
REFERRAL = order(requester=REQUESTER)
THROMBOSIS = diagnosis("I82.402")
CLEARED = Clearance(authors=frozenset({"Practitioner/referrer"}), is_documented=True)


def _decided(*resources: Json, known: Known | None = None, weeks: int = 0) -> Decision:
    return decide(REFERRAL, record_of(resources), rules(), known or Known(), NOW + timedelta(weeks=weeks))


def _stored(decision: Decision) -> list[Json]:
    return [each | {"id": f"i{number}"} for number, each in enumerate(decision.issues.created)]


def test_a_new_referral_gets_its_issues(standard: Standard) -> None:
    """All of them open, and the referrer is told of the red flag alone."""
    decision = _decided(THROMBOSIS, medication("heparin"), diagnosis("A41.9", 2))
    assert [rule_of(each) for each in decision.issues.created] == ["dvt", "systemic-infection", "anticoagulant-therapy"]
    assert [rule_of(each) for each in decision.open] == ["dvt", "systemic-infection"]
    (told,) = decision.messages
    assert (told["recipient"], told["subject"]) == ([REQUESTER], REFERRAL["subject"])
    assert standard.validator.issues(told, "Communication") == []


def test_screening_again_writes_nothing() -> None:
    """And tells nobody a second time; what is open stays open."""
    known = Known(issues=_stored(_decided(THROMBOSIS)))
    decision = _decided(THROMBOSIS, known=known, weeks=1)
    assert (decision.issues.created, decision.issues.updated, decision.messages) == ((), (), ())
    assert [rule_of(each) for each in decision.open] == ["dvt"]


def test_a_red_flag_that_comes_back_is_told_again() -> None:
    """Mid-plan, after it was gone."""
    stored = [each | {"status": "cancelled"} for each in _stored(_decided(THROMBOSIS))]
    decision = _decided(THROMBOSIS, known=Known(issues=stored), weeks=1)
    assert len(decision.messages) == len(decision.issues.updated) == len(decision.open) == 1


def test_a_red_flag_with_less_evidence_is_not_told_again() -> None:
    """The issue is updated, and was known."""
    known = Known(issues=_stored(_decided(THROMBOSIS, diagnosis("I82.621", 2))))
    decision = _decided(THROMBOSIS, known=known, weeks=1)
    assert (len(decision.issues.updated), decision.messages) == (1, ())


def test_a_cause_that_went_away_leaves_nothing_open() -> None:
    """The override rule's second way: the condition is resolved."""
    known = Known(issues=_stored(_decided(THROMBOSIS)))
    decision = _decided(diagnosis("I82.402", status="resolved"), known=known, weeks=1)
    assert [each["status"] for each in decision.issues.withdrawn] == ["cancelled"]
    assert (decision.open, decision.messages) == ((), ())


def test_a_mitigation_holds_until_something_new_is_found() -> None:
    """The override rule's first way, and its limit."""
    mitigation = {
        "action": concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", "2"),
        "author": reference("Practitioner/referrer"),
        "date": "2026-03-02",
    }
    stored = [each | {"mitigation": [mitigation]} for each in _stored(_decided(THROMBOSIS))]
    known = Known(issues=stored, clearance=CLEARED)
    assert _decided(THROMBOSIS, known=known, weeks=1).open == ()
    assert len(_decided(THROMBOSIS, diagnosis("I82.621", 2), known=known, weeks=1).open) == 1


def test_a_similar_referral_is_found_along() -> None:
    """It does not hold the referral."""
    decision = _decided(diagnosis("M54.50"), known=Known(referrals=[order(id="r0")]))
    assert [each.alert for each in decision.findings] == ["DUPTHPY"]
    assert decision.open == ()


def test_an_unscreened_patient_is_not_held() -> None:
    """Nor called safe: `basis` says so."""
    decision = _decided()
    assert (decision.screening.basis, decision.open) == ("unscreened", ())
