"""Findings as DetectedIssues, and how those that are stored follow what is found."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from service.massage.screening.detected_issue import detected_issue, is_withdrawn, revised, rule_of
from service.massage.screening.duplicate import similar_referral
from tests.builders.resources import concept
from tests.builders.screening import NOW, PATIENT, REFERRAL, diagnosis, medication, order, screened

if TYPE_CHECKING:
    from service.assembly import Standard
    from service.massage.screening.detected_issue import Revision

    Json = dict[str, Any]

LATER = NOW + timedelta(days=7)
THROMBOSIS = diagnosis("I82.402", 1)


def _issues(*resources: Json) -> list[Json]:
    return [detected_issue(each, REFERRAL, PATIENT, NOW) for each in screened(*resources).findings]


def _revised(stored: list[Json], *resources: Json) -> Revision:
    return revised(stored, screened(*resources).findings, REFERRAL, PATIENT, LATER)


def test_an_issue_is_valid_and_says_what_it_is_about(standard: Standard) -> None:
    """R4's own definitions take it; the referral and the evidence are implicated."""
    (issue,) = _issues(THROMBOSIS)
    assert standard.validator.issues(issue, "DetectedIssue") == []
    assert issue["severity"] == "high"
    assert [each["reference"] for each in issue["implicated"]] == [REFERRAL, "Condition/c1"]
    assert issue["evidence"] == [{"detail": [{"reference": "Condition/c1"}]}]
    assert issue["patient"] == {"reference": PATIENT}
    assert [each["code"] for each in issue["code"]["coding"]] == ["COND", "dvt"]
    assert rule_of(issue) == "dvt"


@pytest.mark.parametrize(
    "resource, severity, alert",
    [
        (diagnosis("I26.99"), "high", "COND"),
        (medication("heparin"), "moderate", "DRG"),
        (diagnosis("I83.90"), "low", "COND"),
    ],
)
def test_severities_and_alerts_are_r4s(resource: Json, severity: str, alert: str) -> None:
    """Absolute is high, relative moderate, local low; a medicine is a drug alert."""
    (issue,) = _issues(resource)
    assert (issue["severity"], issue["code"]["coding"][0]["code"]) == (severity, alert)


def test_an_issue_without_other_evidence_has_none(standard: Standard) -> None:
    """A reason of the referral is the referral itself, which is implicated once."""
    (finding,) = screened(referral=order(reasonCode=[concept("http://hl7.org/fhir/sid/icd-10-cm", "I26.99")])).findings
    issue = detected_issue(finding, REFERRAL, PATIENT, NOW)
    assert "evidence" not in issue
    assert issue["implicated"] == [{"reference": REFERRAL}]
    assert standard.validator.issues(issue, "DetectedIssue") == []


def test_screening_again_repeats_nothing() -> None:
    """The same record a week later changes no issue."""
    revision = _revised(_issues(THROMBOSIS), THROMBOSIS)
    assert (revision.created, revision.updated, revision.withdrawn) == ((), (), ())


def test_a_new_finding_is_a_new_issue() -> None:
    """The others stay as they are."""
    revision = _revised(_issues(THROMBOSIS), THROMBOSIS, medication("heparin"))
    assert [rule_of(each) for each in revision.created] == ["anticoagulant-therapy"]
    assert (revision.updated, revision.withdrawn) == ((), ())


def test_what_is_not_found_any_more_is_cancelled() -> None:
    """With everything that it said, and its own id."""
    stored = [each | {"id": "i1"} for each in _issues(THROMBOSIS)]
    (withdrawn,) = _revised(stored, diagnosis("I82.402", 1, status="resolved")).withdrawn
    assert withdrawn == stored[0] | {"status": "cancelled"}
    assert is_withdrawn(withdrawn)


def test_what_was_cancelled_stays_so() -> None:
    """It is not written again with every screening."""
    stored = [each | {"status": "cancelled"} for each in _issues(THROMBOSIS)]
    assert _revised(stored).withdrawn == ()


def test_what_comes_back_is_identified_anew() -> None:
    """The same issue, open again."""
    stored = [each | {"status": "cancelled", "id": "i1"} for each in _issues(THROMBOSIS)]
    (updated,) = _revised(stored, THROMBOSIS).updated
    assert (updated["id"], updated["status"]) == ("i1", "final")
    assert updated["identifiedDateTime"] == LATER.isoformat(timespec="milliseconds")


def test_new_evidence_is_identified_anew() -> None:
    """A second thrombosis is not the one that was cleared; the mitigation stays on record."""
    mitigation = [{"action": concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", "2")}]
    stored = [each | {"id": "i1", "mitigation": mitigation} for each in _issues(THROMBOSIS)]
    (updated,) = _revised(stored, THROMBOSIS, diagnosis("I82.621", 2)).updated
    assert updated["identifiedDateTime"] == LATER.isoformat(timespec="milliseconds")
    assert updated["mitigation"] == mitigation
    assert len(updated["implicated"]) == 3


def test_less_evidence_is_not_identified_anew() -> None:
    """What was cleared stays cleared."""
    stored = _issues(THROMBOSIS, diagnosis("I82.621", 2))
    (updated,) = _revised(stored, THROMBOSIS).updated
    assert updated["identifiedDateTime"] == NOW.isoformat(timespec="milliseconds")


def test_a_graver_issue_is_identified_anew() -> None:
    """As when another technique is ordered."""
    osteoporosis = diagnosis("M81.0", 1)
    stored = _issues(osteoporosis)
    findings = screened(osteoporosis, referral=order("deep-tissue")).findings
    (updated,) = revised(stored, findings, REFERRAL, PATIENT, LATER).updated
    assert (updated["severity"], updated["identifiedDateTime"]) == ("high", LATER.isoformat(timespec="milliseconds"))


def test_issues_of_others_are_left_alone() -> None:
    """Those that screening has not made, and those that were entered in error."""
    own = {"resourceType": "DetectedIssue", "status": "final", "code": {"text": "Somebody's own"}, "severity": "high"}
    wrong = [each | {"status": "entered-in-error"} for each in _issues(THROMBOSIS)]
    revision = _revised([own, *wrong], THROMBOSIS)
    assert (revision.created, revision.updated, revision.withdrawn) == ((), (), ())


def test_a_similar_referral_is_an_issue_of_its_own_kind(standard: Standard) -> None:
    """DUPTHPY, of moderate severity, with the other referral as its evidence."""
    finding = similar_referral(order(), [order(id="r0", authoredOn="2026-02-20")], NOW)
    assert finding is not None
    issue = detected_issue(finding, REFERRAL, PATIENT, NOW)
    assert standard.validator.issues(issue, "DetectedIssue") == []
    assert [each["code"] for each in issue["code"]["coding"]] == ["DUPTHPY", "duplicate-referral"]
    assert issue["evidence"] == [{"detail": [{"reference": "ServiceRequest/r0"}]}]


@pytest.mark.parametrize(
    "other",
    [
        order(id="r1"),
        order(id="r0", status="revoked"),
        order(id="r0", authoredOn="2026-01-02"),
        order(id="r0", reasonCode=[{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M54.2"}]}]),
        order(id="r0", reasonCode=[]),
    ],
)
def test_other_referrals_are_not_similar(other: Json) -> None:
    """Itself, one that is over, one of long ago, one for something else."""
    assert similar_referral(order(), [other], NOW) is None


def test_a_replacement_is_not_similar() -> None:
    """It stands for the one that it replaces."""
    replacing = order(replaces=[{"reference": "ServiceRequest/r0"}])
    assert similar_referral(replacing, [order(id="r0")], NOW) is None
    assert similar_referral(order(), [order(id="r0")], NOW) is not None
