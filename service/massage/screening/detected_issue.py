"""Findings as DetectedIssues: one per referral and rule, so that screening again updates instead of repeating.

https://hl7.org/fhir/R4/detectedissue.html. R4 binds the status to observation-status, which has no ``mitigated``: an
issue is mitigated by its `mitigation` (see `mitigation`), and one that is not found any more is ``cancelled``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.code_systems import ACT_CODE
from service.fhir.outcome import CANONICAL
from service.massage.screening.content import codings_in, objects_in, text_in
from service.massage.systems import CONTRAINDICATION, STATUS_REASON

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from service.fhir.resource import Content
    from service.massage.screening.finding import Finding

ISSUE_SYSTEM: Final = f"{CANONICAL}/NamingSystem/safety-issue"
"""Of the identifiers ``<referral>/<rule>``."""

POLICY: Final = f"{CANONICAL.removesuffix('/fhir')}/policy"
"""The page of the rules, under our canonical root."""

SEVERITIES: Final[Mapping[str, str]] = {"absolute": "high", "relative": "moderate", "local": "low"}
"""Ours → http://hl7.org/fhir/ValueSet/detectedissue-severity."""

ALERTS: Final[Mapping[str, str]] = {
    "COND": "Condition Alert",
    "DRG": "Drug Interaction Alert",
    "DUPTHPY": "Duplicate Therapy Alert",
}
"""v3-ActCode → its display."""

_RULES: Final = {"COND": CONTRAINDICATION, "DRG": CONTRAINDICATION, "DUPTHPY": STATUS_REASON}
"""v3-ActCode → the code system of its rules."""

_WITHDRAWN: Final = frozenset({"cancelled", "entered-in-error"})


class Revision(Struct, frozen=True, kw_only=True):
    """What has to be written so that the stored issues of a referral say what screening found: whole contents.

    `withdrawn` are those that were found before and are not any more, now cancelled.
    """

    created: tuple[Content, ...]
    updated: tuple[Content, ...]
    withdrawn: tuple[Content, ...]


def detected_issue(finding: Finding, referral_reference: str, patient_reference: str, now: datetime) -> Content:
    """A finding as a new DetectedIssue of a referral and its patient, both literal references."""
    evidence = [{"reference": each} for each in finding.evidence if each != referral_reference]
    issue: Content = {
        "resourceType": "DetectedIssue",
        "identifier": [issue_identifier(referral_reference, finding.rule)],
        "status": "final",
        "code": issue_code(finding),
        "severity": SEVERITIES[finding.severity],
        "patient": {"reference": patient_reference},
        "identifiedDateTime": now.isoformat(timespec="milliseconds"),
        "implicated": [{"reference": referral_reference}, *evidence],
        "detail": finding.detail,
        "reference": f"{POLICY}#{finding.rule}",
    }
    if evidence:
        issue["evidence"] = [{"detail": evidence}]
    return issue


def issue_identifier(referral_reference: str, rule: str) -> dict[str, Any]:
    """By which the issue of a rule and a referral is found again."""
    return {"system": ISSUE_SYSTEM, "value": f"{referral_reference}/{rule}"}


def issue_code(finding: Finding) -> Content:
    """What kind of alert, and which rule."""
    return {
        "coding": [
            {"system": ACT_CODE, "code": finding.alert, "display": ALERTS[finding.alert]},
            {"system": _RULES[finding.alert], "code": finding.rule, "display": finding.title},
        ],
        "text": finding.title,
    }


def rule_of(issue: Content) -> str | None:
    """The rule that an issue is of; None for one that screening has not made."""
    return next((code for system, code in codings_in(issue, "code") if system in _RULES.values()), None)


def is_withdrawn(issue: Content) -> bool:
    """Whether an issue is not one any more."""
    return text_in(issue, "status") in _WITHDRAWN


def revised(
    stored: Sequence[Content],
    findings: Iterable[Finding],
    referral_reference: str,
    patient_reference: str,
    now: datetime,
) -> Revision:
    """The changes that bring a referral's stored issues up to date.

    An issue that became graver, or has evidence that it had not, was identified anew: earlier mitigations do not reach
    it. Issues that screening has not made, or that somebody entered in error, are left alone.
    """
    before = {value: issue for issue in stored if (value := _value(issue)) and rule_of(issue)}
    created, updated, kept = [], [], set()
    for finding in findings:
        fresh = detected_issue(finding, referral_reference, patient_reference, now)
        value = _value(fresh)
        kept.add(value)
        issue = before.get(value)
        if issue is None:
            created.append(fresh)
        elif text_in(issue, "status") != "entered-in-error":
            changed = _merged(issue, fresh)
            if changed != issue:
                updated.append(changed)
    gone = [issue for value, issue in before.items() if value not in kept and not is_withdrawn(issue)]
    withdrawn = tuple({**issue, "status": "cancelled"} for issue in gone)
    return Revision(created=tuple(created), updated=tuple(updated), withdrawn=withdrawn)


def _value(issue: Content) -> str:
    values = (text_in(each, "value") for each in objects_in(issue, "identifier") if each.get("system") == ISSUE_SYSTEM)
    return next(values, "")


def _merged(issue: Content, fresh: Content) -> Content:
    """The stored issue with what was found now; without `evidence` and a new time where those are what they were."""
    grades = ("low", "moderate", "high")
    known = {text_in(each, "reference") for each in objects_in(issue, "implicated")}
    is_new = {text_in(each, "reference") for each in fresh["implicated"]} - known
    severity = text_in(issue, "severity")
    is_graver = severity not in grades or grades.index(fresh["severity"]) > grades.index(severity)
    merged = {**issue, **fresh}
    if "evidence" not in fresh:
        merged.pop("evidence", None)
    if not is_new and not is_graver and not is_withdrawn(issue) and "identifiedDateTime" in issue:
        merged["identifiedDateTime"] = issue["identifiedDateTime"]
        merged["status"] = issue["status"]
    return merged
