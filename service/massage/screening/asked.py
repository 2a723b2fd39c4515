"""What an order for massage asks for, as far as safety depends on it: techniques, regions, reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from service.massage.screening.body_site import Regions, regions_of
from service.massage.screening.content import codings_in, objects_in
from service.massage.systems import TECHNIQUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.resource import Content


class Asked(Struct, frozen=True, kw_only=True):
    """`regions` None: anywhere, or nobody knows where."""

    techniques: frozenset[str]
    regions: Regions | None
    has_reason: bool


def asked_of(referral: Content, sites: Mapping[str, Regions]) -> Asked:
    """What a ServiceRequest asks for, or an Appointment, which often names nothing but the time."""
    codings = [*codings_in(referral, "code"), *codings_in(referral, "orderDetail")]
    is_booked = referral.get("resourceType") == "Appointment"
    return Asked(
        techniques=frozenset(code for system, code in codings if system == TECHNIQUE),
        regions=regions_of(referral, sites),
        has_reason=any(objects_in(referral, name) for name in ("reasonCode", "reasonReference")) or is_booked,
    )
