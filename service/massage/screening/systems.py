"""The code systems that screening reads, by each of the names that senders give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.code_systems import ATC, ICD10CM, LOINC, SNOMED
from service.massage.systems import TECHNIQUE

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES: Final[Mapping[str, str]] = {
    SNOMED: SNOMED,
    "urn:oid:2.16.840.1.113883.6.96": SNOMED,
    ICD10CM: ICD10CM,
    "urn:oid:2.16.840.1.113883.6.90": ICD10CM,
    LOINC: LOINC,
    "urn:oid:2.16.840.1.113883.6.1": LOINC,
    ATC: ATC,
    "urn:oid:2.16.840.1.113883.6.73": ATC,
    TECHNIQUE: TECHNIQUE,
}


def system_of(name: str) -> str | None:
    """The URI of the code system that a URI or OID stands for; None where screening does not read it."""
    return _NAMES.get(name)
