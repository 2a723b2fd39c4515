"""Which form an answer takes: JSON, a page, or the PDF of a document, for who asks for that before JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.document_operations import DOCUMENT_OPERATIONS
from service.rest.negotiation import FHIR_JSON, JSON, media_ranges, representation
from service.rest.render import Response
from service.rest.request import first_value

if TYPE_CHECKING:
    from service.fhir.interaction import Answer
    from service.rest.request import Request

PDF: Final = "application/pdf"

_FORMATS: Final = ("pdf", PDF)
_PRINTED: Final = frozenset(claim.name for claims in DOCUMENT_OPERATIONS.values() for claim in claims)
_VARY: Final = (b"vary", b"accept, accept-encoding, origin")
_NO_STORE: Final = (b"cache-control", b"no-store")


def negotiate(request: Request) -> None:
    """Put into the request how it is answered; FhirError where it asks for what cannot be made of an answer."""
    request.is_printed = _wants_pdf(request)
    if not request.is_printed:
        request.representation = representation(
            request.headers.get(b"accept", b""),
            first_value(request.general, "_format") or None,
            first_value(request.general, "_pretty"),
            beside=_FORMATS if _is_document(request) else (),
        )


def printed(answer: Answer, request: Request) -> Response:
    """The PDF of the answer, to be kept in a file: it is somebody's health, and nobody else keeps it."""
    name = request.address.operation if request.address else "document"
    told = f'attachment; filename="{name}.pdf"'.encode()
    headers = [_NO_STORE, _VARY, (b"content-type", PDF.encode()), (b"content-disposition", told)]
    return Response(answer.result.status, headers, answer.printed or b"")


def _is_document(request: Request) -> bool:
    return request.address is not None and request.address.operation in _PRINTED


def _wants_pdf(request: Request) -> bool:
    """Whether it is for a document, and for a PDF of it before JSON; ``_format`` wins over Accept."""
    if not _is_document(request):
        return False
    if (asked := first_value(request.general, "_format")) is not None:
        return asked in _FORMATS
    weights = {each.name: each.weight for each in media_ranges(request.headers.get(b"accept", b"").decode("latin-1"))}
    return weights.get(PDF, 0) > max(weights.get(FHIR_JSON, 0), weights.get(JSON, 0))
