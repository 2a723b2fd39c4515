"""What an order for massage asks for, as far as safety depends on it: techniques, regions, reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from service.massage.screening.body_site import Regions, regions_of
from service.massage.screening.content import codings_in, objects_in
from service.massage.screening.systems import TECHNIQUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.resource import Content


class Asked(Struct, frozen=True, kw_only=True):
    """`regions` None: anywhere, or nobody knows where."""

    techniques: frozenset[str]
    regions: Regions | None
    has_reason: bool


def asked_of(referral: Content, sites: Mapping[str, Regions]) -> Asked:
    """What a ServiceRequest (or an Appointment, which names neither technique nor body site) asks for."""
    codings = [*codings_in(referral, "code"), *codings_in(referral, "orderDetail")]
    return Asked(
        techniques=frozenset(code for system, code in codings if system == TECHNIQUE),
        regions=regions_of(referral, sites),
        has_reason=bool(objects_in(referral, "reasonCode") or objects_in(referral, "reasonReference")),
    )
