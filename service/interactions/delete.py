"""delete: https://hl7.org/fhir/R4/http.html#delete

Deleting what is not there, or not any more, succeeds and stores nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.outcome import Result
from service.interactions.writing import Target, Written, deleted, require_version

if TYPE_CHECKING:
    from service.fhir.interaction import Context, Delete
    from service.interactions.parts import Parts


def prepare(parts: Parts, context: Context, delete: Delete, target: Target) -> Written:
    """A tombstone, or nothing; FhirError version-conflict or version-required."""
    require_version(parts, delete.if_match, target)
    return deleted(context, target) if target.exists else Written(result=Result.DELETED, version=None)
