"""create: https://hl7.org/fhir/R4/http.html#create

The server gives the id; an id in the content is ignored, as R4 says. Conditional: one match answers with the resource
that exists and stores nothing, several are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.interactions.writing import Target, Written, changed, unchanged

if TYPE_CHECKING:
    from service.fhir.interaction import Context, Create
    from service.interactions.parts import Parts


def prepare(parts: Parts, context: Context, create: Create, target: Target) -> Written:
    """The first version of a new resource, or the one resource that the criteria matched."""
    if target.matched:
        return unchanged(target)
    return changed(parts, context, target, target.linked(create.content), "POST")
