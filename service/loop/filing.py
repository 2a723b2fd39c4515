"""A report filed: stored, in the output of the referral's Task, and offered to the referrer, all in one commit.

It goes through the same door as a transaction that the clinic would send, so that scopes, sight, rules and records are
those of every write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from msgspec.structs import replace

from service.documents.report import TITLES
from service.fhir import codec
from service.fhir.interaction import Process
from service.fhir.outcome import failure
from service.fhir.stamp import instant_text, new_logical_id
from service.interactions.transaction import transaction
from service.loop.filed import refuse_after_final
from service.massage.cycle.terms import TASK_IO, coded

if TYPE_CHECKING:
    from service.documents.case import Case
    from service.documents.report import ReportKind
    from service.fhir.interaction import Context, Interaction, Operation
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.store.store import Session


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
    if context.trail is not None:
        context.trail.carry(operation)
    process = Process(bundle={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    answer = await transaction(parts, replace(context, preferred_return="representation"), process, _nothing_read)
    stored: Any = codec.decode(answer.body or b"{}")
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


async def _nothing_read(_session: Session, interaction: Interaction, _context: Context) -> NoReturn:
    raise TypeError(interaction)
