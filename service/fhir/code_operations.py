"""The operations on codes that the service claims, for the CapabilityStatement and the OpenAPI document."""

from __future__ import annotations

from typing import Final

from service.fhir.conformance import OperationClaim

_R4: Final = "http://hl7.org/fhir/OperationDefinition"

CODE_OPERATIONS: Final[dict[str, tuple[OperationClaim, ...]]] = {
    "CodeSystem": (
        OperationClaim(
            name="lookup",
            levels=("type",),
            definition=f"{_R4}/CodeSystem-lookup",
            documentation="What a code system that is held says of a code.",
        ),
        OperationClaim(
            name="validate-code",
            levels=("type", "instance"),
            definition=f"{_R4}/CodeSystem-validate-code",
            documentation="Whether a code is in a code system; 200 with result false where it is not.",
        ),
        OperationClaim(
            name="subsumes",
            levels=("type", "instance"),
            definition=f"{_R4}/CodeSystem-subsumes",
            documentation="Whether one code is a kind of another, by the hierarchy of a code system.",
        ),
    ),
    "ValueSet": (
        OperationClaim(
            name="expand",
            levels=("type", "instance"),
            definition=f"{_R4}/ValueSet-expand",
            documentation="The codes of a value set, flat, filtered by the beginnings of words, and in pages.",
        ),
        OperationClaim(
            name="validate-code",
            levels=("type", "instance"),
            definition=f"{_R4}/ValueSet-validate-code",
            documentation="Whether a code is in a value set; 200 with result false where it is not.",
        ),
    ),
    "ConceptMap": (
        OperationClaim(
            name="translate",
            levels=("type", "instance"),
            definition=f"{_R4}/ConceptMap-translate",
            documentation="What a code comes to by one concept map, or by all that are held for its system; also back.",
        ),
    ),
}
"""Resource type → its operations."""
