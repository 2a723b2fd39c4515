"""Which of the drafts are for massage: by technique, by SNOMED CT, by CPT, or an appointment's kind of service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.code_systems import CPT, SNOMED
from service.massage.screening.content import codings_in
from service.massage.systems import TECHNIQUE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.fhir.resource import Content
    from service.massage.catalogue.rows import Catalogue

_MASSAGE: Final = "387854002"
_SERVICE_TYPE: Final = "http://terminology.hl7.org/CodeSystem/service-type"
_MASSAGE_SERVICES: Final = ("25", "27", "563")
"""Massage therapy, myotherapy, remedial massage."""


def codes_of(catalogue: Catalogue) -> frozenset[tuple[str, str]]:
    """The (system, code) of whatever is massage."""
    billed = {(CPT, code) for row in catalogue.techniques.values() for code in row.cpt}
    techniques = {(TECHNIQUE, code) for code in catalogue.techniques}
    services = {(_SERVICE_TYPE, code) for code in _MASSAGE_SERVICES}
    return frozenset({(SNOMED, _MASSAGE), *billed, *techniques, *services})


def for_massage(drafts: Iterable[Content], codes: frozenset[tuple[str, str]]) -> tuple[Content, ...]:
    """The orders and appointments among the drafts that are for massage."""
    elements = {"ServiceRequest": ("code", "orderDetail"), "Appointment": ("serviceType",)}
    return tuple(
        draft
        for draft in drafts
        for names in [elements.get(draft["resourceType"], ())]
        if any(not codes.isdisjoint(codings_in(draft, name)) for name in names)
    )
