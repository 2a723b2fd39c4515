"""What the documents on a referral are made of: its episode as the caller sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.documents.case import case_of
from service.fhir.outcome import failure
from service.loop.reading import readable_types, seen_episode
from service.operations.along import DIRECTORY

if TYPE_CHECKING:
    from service.documents.case import Case, Knowledge
    from service.fhir.interaction import Context
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.store.store import Session

HTML: Final = "text/html"
PDF: Final = "application/pdf"

NEEDED: Final = ("CarePlan", "Encounter", "Goal", "Observation", "Patient", "Procedure", "ServiceRequest", "Task")
"""Without one of these a document would say something wrong by what it leaves out."""

_MORE: Final = ("Appointment", "ClaimResponse", "Condition", "Coverage", "DiagnosticReport", "DocumentReference")
_SIGNATURES: Final = ("Provenance",)


async def case_for(
    parts: Parts,
    session: Session,
    context: Context,
    knowledge: Knowledge,
    referral_id: str,
    plan: Content | None = None,
) -> Case:
    """The case of a referral that the caller sees; FhirError not-found, or forbidden where scopes are missing."""
    readable = readable_types(context, (*NEEDED, *_MORE, *_SIGNATURES))
    if refused := [name for name in NEEDED if name not in readable]:
        told = f"The document takes scopes that read, without a limit: {', '.join(refused)}."
        raise failure("forbidden", told, "http.Authorization")
    view = await seen_episode(
        parts, session, context, referral_id, (*NEEDED, *_MORE, *_SIGNATURES), beside={*DIRECTORY, *NEEDED, *_MORE}
    )
    return case_of(
        view,
        knowledge,
        base=context.base,
        now=context.received_at,
        zone=parts.zone,
        unread=tuple(name for name in _MORE if name not in readable),
        plan=plan,
    )
