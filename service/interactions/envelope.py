"""The envelope of a batch or transaction: everything in the Bundle but the entries' resources, by R4's own rules.

The resources are validated where they are written; a misspelt `ifNoneExist` must not create what was there already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from service.fhir.outcome import FhirError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.resource import Content
    from service.interactions.parts import Parts


def check_envelope(parts: Parts, bundle: Content, entries: Sequence[Any]) -> None:
    """FhirError with every rule that the envelope breaks, for these of its entries."""
    envelope = {name: value for name, value in bundle.items() if name != "entry"}
    if entries:
        envelope["entry"] = [_without_resource(entry) for entry in entries]
    elif bundle.get("entry") == []:
        envelope["entry"] = []
    if issues := parts.validator.issues(envelope, "Bundle"):
        raise FhirError(issues=issues)


def check_entry(parts: Parts, entry: Any, where: str) -> None:
    """The same for one entry of a batch; issues point below `where`."""
    envelope = {"resourceType": "Bundle", "type": "batch", "entry": [_without_resource(entry)]}
    if issues := parts.validator.issues(envelope, "Bundle"):
        raise FhirError(
            issues=[
                replace(issue, expression=tuple(path.replace("Bundle.entry[0]", where, 1) for path in issue.expression))
                for issue in issues
            ]
        )


def _without_resource(entry: Any) -> Any:
    return {name: value for name, value in entry.items() if name != "resource"} if isinstance(entry, dict) else entry
