"""Telling the referrer of an emergency. https://hl7.org/fhir/R4/communication.html"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import CANONICAL
from service.massage.screening.detected_issue import issue_code

if TYPE_CHECKING:
    from datetime import datetime

    from service.fhir.resource import Content
    from service.massage.screening.finding import Finding

COMMUNICATION_SYSTEM: Final = f"{CANONICAL}/NamingSystem/urgent-communication"
_CATEGORIES: Final = "http://terminology.hl7.org/CodeSystem/communication-category"


def urgent_communication(
    finding: Finding,
    *,
    referral_reference: str,
    patient_reference: str,
    recipient: dict[str, Any] | None,
    issue_reference: str | None = None,
    now: datetime,
) -> Content:
    """What the referrer is told of a red flag: `recipient` is the referral's requester, a Reference.

    Its identifier is that of the referral and the rule, so that who writes it can tell whether it was told before.
    """
    about = [{"reference": each} for each in (referral_reference, issue_reference) if each]
    communication: Content = {
        "resourceType": "Communication",
        "identifier": [{"system": COMMUNICATION_SYSTEM, "value": f"{referral_reference}/{finding.rule}"}],
        "status": "completed",
        "category": [{"coding": [{"system": _CATEGORIES, "code": "alert", "display": "Alert"}]}],
        "priority": "stat",
        "subject": {"reference": patient_reference},
        "basedOn": about[:1],
        "about": about,
        "sent": now.isoformat(timespec="milliseconds"),
        "reasonCode": [issue_code(finding)],
        "payload": [{"contentString": f"Red flag: {finding.title}. {finding.detail}"}],
    }
    if recipient is not None:
        communication["recipient"] = [recipient]
    return communication
