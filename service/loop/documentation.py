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
    from service.massage.cycle.view import View
    from service.store.store import Session

HTML: Final = "text/html"
PDF: Final = "application/pdf"

NEEDED: Final = ("CarePlan", "Encounter", "Goal", "Observation", "Patient", "Procedure", "ServiceRequest", "Task")
"""Without one of these a document would say something wrong by what it leaves out."""

_MORE: Final = ("Appointment", "ClaimResponse", "Condition", "Coverage", "DiagnosticReport", "DocumentReference")
TYPES: Final = (*NEEDED, *_MORE, "Provenance")
"""What a document is made of, as far as it may be read."""


async def episode_for(parts: Parts, session: Session, context: Context, referral_id: str) -> View:
    """The episode that a document tells of; FhirError not-found, or forbidden where scopes are missing."""
    readable = readable_types(context, TYPES)
    if refused := [name for name in NEEDED if name not in readable]:
        told = f"The document takes scopes that read, without a limit: {', '.join(refused)}."
        raise failure("forbidden", told, "http.Authorization")
    return await seen_episode(parts, session, context, referral_id, TYPES, beside={*DIRECTORY, *NEEDED, *_MORE})


def case_for(parts: Parts, context: Context, knowledge: Knowledge, view: View, plan: Content | None = None) -> Case:
    """What the episode comes to: work for a thread, as it takes long where there is much."""
    readable = readable_types(context, _MORE)
    return case_of(
        view,
        knowledge,
        base=context.base,
        now=context.received_at,
        zone=parts.zone,
        unread=tuple(name for name in _MORE if name not in readable),
        plan=plan,
    )
