"""capabilities: https://hl7.org/fhir/R4/http.html#capabilities"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir import codec
from service.fhir.capability import capability_statement
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, failure

if TYPE_CHECKING:
    from service.fhir.interaction import Capabilities, Context
    from service.interactions.parts import Parts


def capabilities(parts: Parts, context: Context, interaction: Capabilities) -> Answer:
    """The CapabilityStatement; `normative` answers the same, because it marks nothing as not normative."""
    if interaction.mode not in ("full", "normative"):
        raise failure("not-supported", "mode must be full or normative.", "http.mode")
    statement = capability_statement(
        parts.definitions,
        parts.registry,
        base=context.base,
        version=parts.software_version,
        date=parts.started_on,
        require_if_match=parts.limits.require_if_match,
        referential_integrity=parts.limits.referential_integrity,
        security=parts.security,
        audited=parts.audited,
        profiles=parts.profiles.supported if parts.profiles else None,
        notices=parts.notices,
    )
    return Answer(result=Result.OK, body=codec.encode(statement))
