"""One entry for whatever changes a referral or its patient's record: what is found, and what has to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from service.massage.screening.content import reference_to
from service.massage.screening.detected_issue import Revision, revised, rule_of
from service.massage.screening.duplicate import similar_referral
from service.massage.screening.mitigation import NOBODY, Clearance, open_absolute
from service.massage.screening.screen import screen
from service.massage.screening.urgent_communication import urgent_communication

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from service.fhir.resource import Content
    from service.massage.screening.finding import Finding, Screening
    from service.massage.screening.record import PatientRecord
    from service.massage.screening.rules import Rules


class Known(Struct, frozen=True, kw_only=True):
    """What is stored about a referral: its DetectedIssues, the patient's other referrals, who may clear what."""

    issues: Sequence[Content] = ()
    referrals: Sequence[Content] = ()
    clearance: Clearance = NOBODY


class Decision(Struct, frozen=True, kw_only=True):
    """What follows from a screening.

    `issues` and `messages` are to be written in the commit of what caused the screening; `open` are the absolute
    issues as they then are: while there is one, the referral is not accepted and no session takes place.
    """

    screening: Screening
    findings: tuple[Finding, ...]
    issues: Revision
    messages: tuple[Content, ...]
    open: tuple[Content, ...]


def decide(referral: Content, record: PatientRecord, rules: Rules, known: Known, now: datetime) -> Decision:
    """Screen a referral (with its id and subject) and say what has to be written.

    The referrer is told of a red flag that was not known before, or that was identified anew.
    """
    screening = screen(referral, record, rules, now)
    similar = similar_referral(referral, known.referrals, now)
    findings = (*screening.findings, *([similar] if similar else []))
    reference, patient = reference_to(referral), _reference(referral, "subject")
    issues = revised(known.issues, findings, reference, patient["reference"], now)
    flags = {each.rule: each for each in findings if each.red_flag}
    identified = now.isoformat(timespec="milliseconds")
    fresh = [each for each in (*issues.created, *issues.updated) if each["identifiedDateTime"] == identified]
    requester = referral.get("requester")
    messages = tuple(
        urgent_communication(
            flags[rule],
            referral_reference=reference,
            patient_reference=patient["reference"],
            recipient=requester if isinstance(requester, dict) else None,
            now=now,
        )
        for issue in fresh
        if (rule := rule_of(issue)) in flags and rule is not None
    )
    return Decision(
        screening=screening,
        findings=findings,
        issues=issues,
        messages=messages,
        open=open_absolute(_after(known.issues, issues), known.clearance),
    )


def _after(stored: Sequence[Content], revision: Revision) -> list[Content]:
    """The issues as they are once the revision is written."""
    changed = {each.get("id"): each for each in (*revision.updated, *revision.withdrawn)}
    return [*(changed.get(each.get("id"), each) for each in stored), *revision.created]


def _reference(referral: Content, name: str) -> dict[str, Any]:
    value: dict[str, Any] = referral[name]
    return value
