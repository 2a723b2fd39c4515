"""patch, by JSON Patch or FHIRPath Patch: https://hl7.org/fhir/R4/http.html#patch

The patched resource must be valid; a patch that changes nothing stores nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.outcome import failure
from service.fhir.patch import apply_fhirpath_patch, apply_json_patch
from service.fhir.stamp import same_content
from service.interactions.writing import Target, Written, changed, require_version, unchanged

if TYPE_CHECKING:
    from service.fhir.interaction import Context, Patch
    from service.interactions.parts import Parts


def prepare(parts: Parts, context: Context, patch: Patch, target: Target) -> Written:
    """The patched version of the target; FhirError not-found, deleted, version-*, patch-*."""
    if target.previous is None:
        raise failure("not-found", "There is no such resource to patch.")
    if target.before is None:
        raise failure("deleted", "The resource was deleted; it cannot be patched.")
    require_version(parts, patch.if_match, target)
    content = target.before
    if isinstance(patch.document, list):
        patched = apply_json_patch(content, patch.document)
    else:
        patched = apply_fhirpath_patch(content, patch.document, parts.definitions)
    patched = target.linked(patched)
    parts.validator.check(patched, target.type)
    return unchanged(target) if same_content(content, patched) else changed(parts, context, target, patched, "PATCH")
