"""A report filed: stored, in the output of the referral's Task, and offered to the referrer, all in one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.documents.report import TITLES
from service.fhir.concept import coded
from service.fhir.outcome import failure
from service.fhir.stamp import instant_text, new_logical_id
from service.loop.door import stored_by
from service.loop.filed import refuse_after_final
from service.massage.cycle.terms import TASK_IO

if TYPE_CHECKING:
    from service.documents.case import Case
    from service.documents.report import ReportKind
    from service.fhir.interaction import Context, Operation
    from service.fhir.resource import Content
    from service.interactions.parts import Parts


async def file_report(
    parts: Parts, context: Context, operation: Operation, case: Case, kind: ReportKind, report: Content
) -> Content:
    """The report with its id, on record as what the operation wrote.

    FhirError guard-task, guard-report after the final report, and whatever the writes are refused with.
    """
    task = case.view.live_task()
    if task is None:
        told = "The report cannot be filed: the referral has no live Task. A report that was filed before is amended."
        raise failure("guard-task", told, "Task")
    refuse_after_final(case.view, task)
    url = f"urn:uuid:{new_logical_id(context.received_at)}"
    output = {"type": coded(TASK_IO, kind), "valueReference": {"reference": url}}
    changed = task | {"output": [*task.get("output", ()), output]}
    entries = [
        {"fullUrl": url, "resource": report, "request": {"method": "POST", "url": "DiagnosticReport"}},
        {"resource": _offer(case, kind, url), "request": {"method": "POST", "url": "Communication"}},
        {
            "resource": changed,
            "request": {
                "method": "PUT",
                "url": f"Task/{task['id']}",
                "ifMatch": f'W/"{task["meta"]["versionId"]}"',
            },
        },
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    stored = await stored_by(parts, context, operation, bundle)
    content: Content = stored["entry"][0]["resource"]
    return content


def _offer(case: Case, kind: ReportKind, url: str) -> Content:
    """The message to whoever ordered; it names the report and says nothing of what is in it."""
    referral = case.referral
    requester = referral.get("requester")
    return {
        "resourceType": "Communication",
        "status": "completed",
        "priority": "routine",
        "basedOn": [{"reference": f"ServiceRequest/{case.view.referral_id}"}],
        "subject": referral["subject"],
        "about": [{"reference": url}],
        "sent": instant_text(case.now),
        "payload": [
            {"contentString": f"{TITLES[kind]} on the referral."},
            {"contentReference": {"reference": url}},
        ],
        **({"recipient": [requester]} if requester else {}),
        **({"sender": case.clinic} if case.clinic else {}),
    }
