"""The code systems that screening reads, by each of the names that senders give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.outcome import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Mapping

SNOMED: Final = "http://snomed.info/sct"
ICD10CM: Final = "http://hl7.org/fhir/sid/icd-10-cm"
LOINC: Final = "http://loinc.org"
ATC: Final = "http://www.whocc.no/atc"
ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONTRAINDICATION: Final = f"{CANONICAL}/CodeSystem/contraindication"
STATUS_REASON: Final = f"{CANONICAL}/CodeSystem/referral-status-reason"
TECHNIQUE: Final = f"{CANONICAL}/CodeSystem/massage-technique"

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
    """The constant above that a code system's URI or OID stands for; None for any other."""
    return _NAMES.get(name)
