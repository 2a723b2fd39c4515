"""The part of a single resource that ``_summary`` or ``_elements`` asks for, where the interaction answers with one.

A search shapes the entries of its Bundle itself, so what is asked for there is none of this module's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from service.fhir import codec
from service.fhir.interaction import Capabilities, Create, Patch, Read, Update, VRead
from service.fhir.outcome import failure
from service.fhir.summary import EVERYTHING, Subset, check_elements, parse_subset, subset

if TYPE_CHECKING:
    from service.fhir.definitions import Definitions
    from service.fhir.interaction import Answer, Interaction, Parameters


def asked_subset(interaction: Interaction, parameters: Parameters, definitions: Definitions) -> Subset:
    """The subset that the parameters ask for; FhirError parameter-value, before anything is performed."""
    match interaction:
        case Read() | VRead() | Create() | Update() | Patch():
            resource_type = interaction.type
        case Capabilities():
            resource_type = "CapabilityStatement"
        case _:
            return EVERYTHING
    asked = parse_subset(parameters)
    if asked.summary == "count":
        told = "_summary=count is for searches; a single resource has no count."
        raise failure("parameter-value", told, "http._summary")
    if asked.elements:
        check_elements(asked.elements, (resource_type,), definitions)
    return asked


def shaped(answer: Answer, asked: Subset, definitions: Definitions) -> Answer:
    """The answer with its resource cut down to the subset."""
    if answer.version is None:
        return replace(answer, body=_part(answer.body, "CapabilityStatement", asked, definitions))
    version = answer.version
    return replace(answer, version=replace(version, content=_part(version.content, version.type, asked, definitions)))


def _part(content: bytes | None, resource_type: str, asked: Subset, definitions: Definitions) -> bytes | None:
    if not content:
        return content
    part = subset(
        codec.decode(content), resource_type, summary=asked.summary, elements=asked.elements, definitions=definitions
    )
    return codec.encode(part)
