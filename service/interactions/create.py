"""create: https://hl7.org/fhir/R4/http.html#create

The server gives the id; an id in the content is ignored, as R4 says. Conditional: one match answers with the resource
that exists and stores nothing, several are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from service.fhir.interaction import Answer
from service.fhir.outcome import FhirError
from service.fhir.sight import PARTIES
from service.fhir.stamp import new_logical_id
from service.interactions.search_parameters import TYPE as SEARCH_PARAMETER
from service.interactions.sight import joins, may_link, refuse_others_role
from service.interactions.writing import Target, Written, changed, content_issues, unchanged

if TYPE_CHECKING:
    from service.fhir.interaction import Context, Create
    from service.interactions.parts import Parts


def prepare(parts: Parts, context: Context, create: Create, target: Target) -> Written:
    """The first version of a new resource, or the one resource that the criteria matched."""
    if target.matched:
        refuse_others_role(parts, context, target, create.content)
        return unchanged(target)
    return changed(parts, context, target, target.linked(create.content), "POST")


def is_plain(parts: Parts, create: Create) -> bool:
    """Whether nothing has to be read or locked by a transaction before the resource is written.

    FhirError where the content is not valid, if that is noticed; in time it always is.
    """
    if create.if_none_exist is not None or create.type == SEARCH_PARAMETER:
        return False
    try:
        if parts.rules is not None and parts.rules.concern(create):
            return False
    except Exception:
        _require_valid(parts, create)  # what is not valid trips who reads it
        raise
    is_party = create.type in PARTIES and may_link(parts, create)
    return not parts.limits.referential_integrity and not is_party


async def perform_plain(parts: Parts, context: Context, create: Create) -> Answer:
    """A plain create: one statement, or a part of one. The unit of work would come to the same by a longer way.

    Where others are at work on the referrals that it belongs to, that way is the only one: `Conflict`.
    """
    _require_valid(parts, create)
    target = Target(type=create.type, id=new_logical_id(context.received_at), previous=None)
    written = changed(parts, context, target, create.content, "POST")
    change = written.change
    if change:
        edges = joins(parts, context, create)
        if context.trail is None:
            await parts.store.create(change, edges)
        else:
            record = context.trail.written(create, written.result, written.version)
            await parts.store.create(replace(change, records=(record,)), edges)
            context.trail.settle()
    return Answer(result=written.result, version=written.version)


def _require_valid(parts: Parts, create: Create) -> None:
    if issues := content_issues(parts, create):
        raise FhirError(issues=issues)
