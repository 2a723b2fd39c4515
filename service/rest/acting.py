"""What headers say of who acts, for whom and why: X-Actor-Organization, X-Break-Glass, X-Provenance."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from service.fhir import codec
from service.fhir.outcome import FhirError, failure, located_at
from service.rest.headers import reason

if TYPE_CHECKING:
    from service.fhir.actor import Actor
    from service.fhir.resource import Content
    from service.rest.request import Request

_ORGANISATION: Final = re.compile(r"Organization/[A-Za-z0-9\-.]{1,64}")


def breaking_the_glass(actor: Actor, header: bytes) -> Actor:
    """The administrator who sees what all organisations have, for a reason; FhirError header-invalid or forbidden."""
    if actor.client.role != "administrator":
        raise failure("forbidden", "Only an administrator may break the glass.", "http.X-Break-Glass")
    return replace(actor, reason=reason(header, "X-Break-Glass"))


def acting_for(request: Request) -> str:
    """The organisation that X-Actor-Organization names, where nobody has to prove who it is; FhirError."""
    header = "X-Actor-Organization"
    named = request.headers[b"x-actor-organization"].decode("latin-1").strip()
    if request.actor is not None:
        told = "With access control a client acts for the organisation that it is registered for."
        raise failure("header-invalid", told, f"http.{header}")
    if _ORGANISATION.fullmatch(named) is None:
        raise failure(
            "header-invalid", f"{header} names an organisation such as Organization/clinic.", f"http.{header}"
        )
    return named


def provenance(request: Request) -> Content:
    """The Provenance of the header, as it was sent; FhirError."""
    try:
        content = codec.decode(request.headers[b"x-provenance"])
    except FhirError as error:
        raise located_at(error, "http.X-Provenance") from error
    if not isinstance(content, dict):
        raise failure("header-invalid", "X-Provenance holds a Provenance resource as JSON.", "http.X-Provenance")
    return content
