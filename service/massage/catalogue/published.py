"""What every resource of the catalogue says of itself: canonical URL, version, publisher, licences.

https://hl7.org/fhir/R4/codesystem.html, https://hl7.org/fhir/R4/valueset.html, https://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import BSER, CPT, ICD10CM, LOINC, NUCC, SNOMED
from service.fhir.outcome import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.fhir.resource import Content

VERSION: Final = "1.0.0"
"""Of all resources together; to be raised with every change of a code or of what it means."""

DATE: Final = "2026-11-22"


SIGN_OFF: Final = (
    "The severities come from public clinic and education pages and from common teaching, not from a peer-reviewed "
    "guideline. A licensed clinician must sign them off before clinical use."
)

_NOTICES: Final[Mapping[str, str]] = {
    SNOMED: "Contains concepts of the SNOMED International Global Patient Set (GPS, release 20200731), which SNOMED "
    "International provides under the Creative Commons Attribution 4.0 International Public License "
    "(https://creativecommons.org/licenses/by/4.0/). SNOMED CT is © and ® SNOMED International.",
    LOINC: "Contains codes of LOINC (http://loinc.org), © Regenstrief Institute, Inc. and the LOINC Committee, "
    "available at no cost under the licence at http://loinc.org/license. The wording of instruments belongs to their "
    "owners and is not contained.",
    CPT: "Contains codes of CPT, © American Medical Association, without their descriptors; using CPT takes a licence "
    "of the AMA.",
    ICD10CM: "Contains codes and titles of ICD-10-CM (April 2026), which is in the public domain.",
    NUCC: "Contains codes of the Health Care Provider Taxonomy, which the National Uniform Claim Committee maintains; "
    "its terms apply.",
    BSER: "Refers to codes of HL7 Bidirectional Services eReferral (BSeR), © Health Level Seven International.",
}
_OWN: Final = "The codes of this service may be used freely."


def canonical(resource_type: str, logical_id: str) -> str:
    """The canonical URL of a resource of the catalogue, without its version."""
    return f"{CANONICAL}/{resource_type}/{logical_id}"


def published(
    resource_type: str,
    logical_id: str,
    *,
    title: str,
    description: str,
    purpose: str = "",
    systems: Sequence[str] = (),
    is_signed_off: bool = True,
) -> Content:
    """The elements that CodeSystem, ValueSet and ConceptMap share; `systems` are those that it takes codes from."""
    found: dict[str, Any] = {
        "resourceType": resource_type,
        "id": logical_id,
        "text": {"status": "generated", "div": _narrative(title, description)},
        "url": canonical(resource_type, logical_id),
        "version": VERSION,
        "name": "".join(part.capitalize() for part in logical_id.split("-")),
        "title": title,
        "status": "active" if is_signed_off else "draft",
        "experimental": not is_signed_off,
        "date": DATE,
        "publisher": "massage-fhir",
        "description": description,
    }
    if purpose:
        found["purpose"] = purpose
    found["copyright"] = " ".join([_OWN, *(_NOTICES[system] for system in systems)])
    return found


def _narrative(title: str, description: str) -> str:
    paragraphs = f"<p><b>{escape(title)}</b></p><p>{escape(description)}</p>"
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>'
