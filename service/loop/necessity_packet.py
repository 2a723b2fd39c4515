"""ServiceRequest/$necessity-packet: what a payer asks for, in one document Bundle with HTML and PDF.

It is complete, or says what is missing: then the Composition is preliminary, its first section names each thing with
what would be accepted, and an OperationOutcome says the same for a system. Nothing is stored.

| what is wrong                                              | status and error code              |
| ---------------------------------------------------------- | ---------------------------------- |
| a parameter was sent                                       | 400 `parameter-unknown`            |
| the referral is not there, or not seen                     | 404 `not-found`                    |
| the scopes do not let the caller read what it is made of   | 403 `forbidden`                    |
| more documents are asked for than can be made              | 503 `busy`, `timeout`              |
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from service.documents.bundle import Enclosed, document
from service.documents.necessity import missing
from service.documents.packet import TITLE, operation_outcome, packet_paper
from service.documents.page import page
from service.documents.report import attachment
from service.fhir import codec
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, failure
from service.fhir.sight import REFERRAL
from service.fhir.stamp import instant_text, new_logical_id
from service.loop.documentation import HTML, PDF, case_for, episode_for
from service.operations.parameters import Taken, sent

if TYPE_CHECKING:
    from service.documents.case import Case, Knowledge
    from service.documents.necessity import Missing
    from service.documents.paper import Paper
    from service.documents.press import Press
    from service.fhir.interaction import Context, Operation
    from service.fhir.resource import Content
    from service.interactions.parts import Parts

TAKEN: Final = Taken(operation="necessity-packet", kinds={})

_TYPE: Final[Content] = {"text": TITLE}
"""No code of LOINC for it was read, so none is given."""


class NecessityPacket:
    """The operation; a `press` makes the PDF."""

    def __init__(self, knowledge: Knowledge, press: Press) -> None:
        self._knowledge = knowledge
        self._press = press

    async def __call__(self, parts: Parts, context: Context, operation: Operation) -> Answer:
        """A document Bundle; FhirError as the table above says."""
        if operation.type != REFERRAL or operation.id is None:
            raise failure("operation-unknown", f"$necessity-packet works on an instance of {REFERRAL}.")
        sent(operation, TAKEN, parts.validator)
        async with parts.store.session() as session:
            view = await episode_for(parts, session, context, operation.id)

        def written() -> tuple[Case, tuple[Missing, ...], Paper, bytes]:
            case = case_for(parts, context, self._knowledge, view)
            lacking = missing(case)
            paper = packet_paper(case, lacking)
            return case, lacking, paper, page(paper).encode()

        case, lacking, paper, html = await asyncio.to_thread(written)
        pdf = await self._press.pdf(paper, case.now)
        forms = [attachment(case, HTML, TITLE, html), attachment(case, PDF, TITLE, pdf)]
        enclosed = [_enclosed(context, _reference(case, forms, is_final=not lacking))]
        if lacking:
            enclosed.append(_enclosed(context, operation_outcome(lacking)))
        body = document(
            case,
            paper,
            identifier=new_logical_id(context.received_at),
            type=_TYPE,
            is_final=not lacking,
            enclosed=enclosed,
        )
        return Answer(result=Result.OK, body=codec.encode(body), printed=pdf)


def _enclosed(context: Context, content: Content) -> Enclosed:
    return Enclosed(url=f"urn:uuid:{new_logical_id(context.received_at)}", content=content)


def _reference(case: Case, forms: list[Content], *, is_final: bool) -> Content:
    """The DocumentReference that carries HTML and PDF. https://hl7.org/fhir/R4/documentreference.html"""
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "docStatus": "final" if is_final else "preliminary",
        "type": _TYPE,
        "subject": case.referral["subject"],
        "date": instant_text(case.now),
        "description": TITLE,
        "content": [{"attachment": each} for each in forms],
        "context": {"related": [{"reference": f"ServiceRequest/{case.view.referral_id}"}]},
    }
