"""Who may clear what."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from service.massage.screening.detected_issue import detected_issue, revised
from service.massage.screening.mitigation import Clearance, mitigated, open_absolute
from service.massage.screening.urgent_communication import urgent_communication
from tests.builders.resources import concept, reference
from tests.builders.screening import NOW, PATIENT, REFERRAL, diagnosis, screened

if TYPE_CHECKING:
    from service.assembly import Standard

    Json = dict[str, Any]

REFERRER, CLINIC = "Practitioner/referrer", "Practitioner/clinic"
CLEARED = Clearance(authors=frozenset({REFERRER}), is_documented=True)
_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def _issue(code: str, *mitigations: Json) -> Json:
    (finding,) = screened(diagnosis(code)).findings
    return detected_issue(finding, REFERRAL, PATIENT, NOW) | {"mitigation": list(mitigations)}


def _mitigation(action: str = "2", author: str | None = REFERRER, date: str | None = "2026-03-02") -> Json:
    content: Json = {"action": concept(_ACT_CODE, action)}
    if author is not None:
        content["author"] = reference(author)
    return content | ({"date": date} if date is not None else {})


@pytest.mark.parametrize("action", ["2", "5", "8", "9", "12", "13"])
def test_the_referrer_clears_an_absolute_issue(action: str) -> None:
    """By any of the actions, with author, date and a document."""
    assert mitigated(_issue("I26.99", _mitigation(action)), CLEARED)


@pytest.mark.parametrize(
    "mitigation, clearance",
    [
        (_mitigation(author=CLINIC), CLEARED),
        (_mitigation(author=None), CLEARED),
        (_mitigation(date=None), CLEARED),
        (_mitigation(date="not a date"), CLEARED),
        (_mitigation(date="2026-02-28"), CLEARED),
        (_mitigation("1"), CLEARED),
        ({"action": concept("https://codes.example.org", "2"), "author": reference(REFERRER)}, CLEARED),
        (_mitigation(), Clearance(authors=frozenset({REFERRER}), is_documented=False)),
        (_mitigation(), Clearance(authors=frozenset(), is_documented=True)),
    ],
)
def test_nothing_less_clears_an_absolute_issue(mitigation: Json, clearance: Clearance) -> None:
    """Not the clinic, not without date or document, not from before, not by any other action."""
    assert not mitigated(_issue("I26.99", mitigation), clearance)


def test_a_mitigation_of_the_same_day_counts() -> None:
    """A date names the whole day, also its hours after the issue was identified."""
    assert mitigated(_issue("I26.99", _mitigation(date="2026-03-01")), CLEARED)
    assert not mitigated(_issue("I26.99", _mitigation(date="2026-03-01T08:00:00Z")), CLEARED)


def test_nobody_has_cleared_what_nobody_vouches_for() -> None:
    """Without knowing who the referrer is, no mitigation clears an absolute issue."""
    assert not mitigated(_issue("I26.99", _mitigation()))


def test_the_clinic_clears_what_is_not_absolute() -> None:
    """A relative issue is for the clinic to judge."""
    assert mitigated(_issue("Z79.01", _mitigation(author=CLINIC)))


def test_absolute_issues_are_open_until_they_are_cleared() -> None:
    """Relative ones, withdrawn ones and those of others do not forbid massage."""
    absolute, cleared = _issue("I26.99"), _issue("I82.402", _mitigation())
    others = {"resourceType": "DetectedIssue", "status": "final", "severity": "high", "code": {"text": "Of others"}}
    withdrawn = _issue("I21.9") | {"status": "cancelled"}
    wrong = _issue("A41.9") | {"status": "entered-in-error"}
    assert open_absolute([absolute, cleared, _issue("Z79.01"), others, withdrawn, wrong], CLEARED) == (absolute,)


def test_an_urgent_message_is_valid_and_goes_to_the_referrer(standard: Standard) -> None:
    """In the words of the finding, at the highest priority, known by the referral and the rule."""
    (flag,) = screened(diagnosis("G83.4")).red_flags
    told = urgent_communication(
        flag,
        referral_reference=REFERRAL,
        patient_reference=PATIENT,
        recipient=reference("PractitionerRole/1"),
        issue_reference="DetectedIssue/i1",
        now=NOW,
    )
    assert standard.validator.issues(told, "Communication") == []
    assert (told["priority"], told["recipient"]) == ("stat", [reference("PractitionerRole/1")])
    assert told["identifier"][0]["value"] == f"{REFERRAL}/cauda-equina"
    assert told["payload"] == [{"contentString": f"Red flag: {flag.title}. {flag.detail}"}]


def test_an_urgent_message_may_have_nobody_to_go_to(standard: Standard) -> None:
    """A referral without a requester still leaves it on record."""
    (flag,) = screened(diagnosis("G83.4")).red_flags
    told = urgent_communication(flag, referral_reference=REFERRAL, patient_reference=PATIENT, recipient=None, now=NOW)
    assert "recipient" not in told
    assert standard.validator.issues(told, "Communication") == []


def test_a_mitigation_holds_until_something_new_is_found() -> None:
    """Screening again leaves it; a second thrombosis is identified anew, and not cleared by what was said before."""
    once = diagnosis("I82.402", 1)
    issue = _issue("I82.402", _mitigation()) | {"id": "i1"}
    later = NOW + timedelta(days=7)
    assert revised([issue], screened(once).findings, REFERRAL, PATIENT, later).updated == ()
    assert mitigated(issue, CLEARED)
    both = screened(once, diagnosis("I82.621", 2)).findings
    (updated,) = revised([issue], both, REFERRAL, PATIENT, later).updated
    assert not mitigated(updated, CLEARED)
