"""X-Provenance: what a client says of how a change came about, stored in the same commit as the change.

https://hl7.org/fhir/R4/provenance.html#header. The header holds a Provenance without a target; the service fills in
the versions that the request has made. A request that changes nothing leaves none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.interaction import Create
from service.fhir.outcome import FhirError, failure
from service.fhir.stamp import new_logical_id
from service.interactions.permission import require_without_limits
from service.interactions.writing import Target, Written, changed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.interaction import Context
    from service.fhir.links import Links
    from service.fhir.resource import Content
    from service.interactions.parts import Parts

TYPE: Final = "Provenance"

_HEADER: Final = "http.X-Provenance"
_SOME_TARGET: Final = [{"reference": "Basic/1"}]


def check(parts: Parts, context: Context) -> None:
    """FhirError where the header holds no valid Provenance, or the actor may not create one."""
    content = context.provenance
    if content is None:
        return
    if content.get("resourceType") != TYPE:
        raise failure("header-invalid", "X-Provenance holds a Provenance resource as JSON.", _HEADER)
    if "target" in content or "_target" in content:
        told = "The Provenance of X-Provenance has no target: the service fills in what the request changes."
        raise failure("header-invalid", told, _HEADER)
    require_without_limits(context, Create(type=TYPE, content=content))
    if issues := parts.validator.issues({**content, "target": _SOME_TARGET}, TYPE):
        raise FhirError(issues=issues)


def provenance(parts: Parts, context: Context, written: Sequence[Written], links: Links | None) -> list[Written]:
    """The Provenance of what was written, as one more write; none where nothing was changed or none was sent."""
    versions = [one.version for one in written if one.change and one.version]
    if context.provenance is None or not versions:
        return []
    targets = [{"reference": f"{each.type}/{each.id}/_history/{each.version_id}"} for each in versions]
    content: Content = {"resourceType": TYPE, "target": targets, **context.provenance}
    target = Target(type=TYPE, id=new_logical_id(context.received_at), previous=None, links=links)
    return [changed(parts, context, target, target.linked(content), "POST")]
