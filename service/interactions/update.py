"""update: https://hl7.org/fhir/R4/http.html#update

A client may choose the id of a new resource (update as create). Content equal to the current version stores nothing:
a client that repeats itself makes no versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.interaction import Criteria
from service.fhir.outcome import failure
from service.fhir.stamp import same_content
from service.interactions.sight import refuse_own_id
from service.interactions.writing import Target, Written, changed, require_version, unchanged

if TYPE_CHECKING:
    from service.fhir.interaction import Context, Update
    from service.interactions.parts import Parts


def prepare(parts: Parts, context: Context, update: Update, target: Target) -> Written:
    """The next version of the target.

    FhirError id-mismatch, id-taken, version-conflict, version-required, already-exists.
    """
    if target.matched and update.content.get("id", target.id) != target.id:
        told = "The content has another id than the resource that the criteria match."
        raise failure("id-mismatch", told, f"{update.type}.id")
    if isinstance(update.target, Criteria) and target.exists and not target.matched:
        told = "The criteria match no resource, but one with the content's id exists; update it by its id."
        raise failure("id-taken", told, f"{update.type}.id")
    refuse_own_id(parts, update, target)
    require_version(parts, update.if_match, target)
    if update.if_none_match_any and target.exists:
        raise failure("already-exists", "If-None-Match: * was sent and the resource exists.", "http.If-None-Match")
    content = target.linked(update.content)
    if target.before is not None and same_content(target.before, content):
        return unchanged(target)
    return changed(parts, context, target, content, "PUT")
