"""What this service claims to do, as one table: interactions per level, operations, formats, conditional behaviour.

The CapabilityStatement and the OpenAPI document are computed from these rows and from the definitions and the search
registry; nothing is claimed anywhere else. https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from service.fhir.outcome import CANONICAL

Level = Literal["instance", "type", "system"]


class InteractionClaim(Struct, frozen=True, kw_only=True):
    """One interaction at one level. `code` is a code of the R4 code system restful-interaction."""

    code: str
    level: Level
    documentation: str


class OperationClaim(Struct, frozen=True, kw_only=True):
    """One extended operation, of every served type or of the system.

    `name` has no dollar sign, `definition` is its canonical URL.
    """

    name: str
    levels: tuple[Level, ...]
    definition: str
    documentation: str


INTERACTIONS: Final = (
    InteractionClaim(
        code="read",
        level="instance",
        documentation="GET or HEAD; conditional with If-None-Match or If-Modified-Since, answered by 304.",
    ),
    InteractionClaim(
        code="vread", level="instance", documentation="GET or HEAD of one version; versions are kept for ever."
    ),
    InteractionClaim(
        code="update",
        level="instance",
        documentation="PUT with the whole resource; a client may choose the logical id of a new one. "
        "Identical content makes no new version. If-Match guards against lost updates. Also by criteria.",
    ),
    InteractionClaim(
        code="patch",
        level="instance",
        documentation="JSON Patch or FHIRPath Patch; the result is validated before it is stored. Also by criteria.",
    ),
    InteractionClaim(
        code="delete",
        level="instance",
        documentation="Leaves a tombstone; earlier versions stay readable. Deleting what is not there succeeds.",
    ),
    InteractionClaim(
        code="history-instance", level="instance", documentation="Newest first, paged, deletions included."
    ),
    InteractionClaim(code="history-type", level="type", documentation="Newest first, paged, deletions included."),
    InteractionClaim(
        code="create",
        level="type",
        documentation="POST; the service assigns the logical id. If-None-Exist makes it safe to repeat.",
    ),
    InteractionClaim(
        code="search-type",
        level="type",
        documentation="GET, or POST to _search. Unknown parameters are refused unless handling=lenient is preferred.",
    ),
    InteractionClaim(
        code="transaction",
        level="system",
        documentation="All entries or none, in R4's processing order, with conditional references resolved.",
    ),
    InteractionClaim(
        code="batch", level="system", documentation="Each entry on its own; one that fails does not stop others."
    ),
    InteractionClaim(
        code="search-system",
        level="system",
        documentation="Across all types, by the parameters that every type has.",
    ),
    InteractionClaim(code="history-system", level="system", documentation="Newest first, paged, deletions included."),
)
"""In the order in which R4 lists the codes."""

OPERATIONS: Final = (
    OperationClaim(
        name="validate",
        levels=("type", "instance"),
        definition="http://hl7.org/fhir/OperationDefinition/Resource-validate",
        documentation="Says what a create, update or delete would be refused for, and stores nothing. Against the "
        "profiles that the resource claims, and any that are given as profile: those that come with the service and "
        "stored StructureDefinitions.",
    ),
)

SYSTEM_OPERATIONS: Final = (
    OperationClaim(
        name="reindex",
        levels=("system",),
        definition=f"{CANONICAL}/OperationDefinition/reindex",
        documentation="GET tells how far reindexes have come, such as those of stored SearchParameter resources; "
        "POST asks for one, of all types, or those given as type, or those that have a parameter.",
    ),
)

FORMATS: Final = ("application/fhir+json", "json", "text/html")
PATCH_FORMATS: Final = ("application/json-patch+json", "application/fhir+json")
FHIR_VERSION: Final = "4.0.1"

RESOURCE_CLAIMS: Final = {
    "versioning": "versioned",
    "readHistory": True,
    "updateCreate": True,
    "conditionalCreate": True,
    "conditionalRead": "full-support",
    "conditionalUpdate": True,
    "conditionalDelete": "single",
    "referencePolicy": ["literal", "local"],
}
"""The elements of `CapabilityStatement.rest.resource` that are the same for every type, with the settings' defaults."""


def interactions(level: Level) -> tuple[InteractionClaim, ...]:
    """The interactions claimed at a level."""
    return tuple(claim for claim in INTERACTIONS if claim.level == level)
