"""Which ServiceRequests are referrals to massage, and how one is known again that was sent before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.code_systems import CPT, SNOMED
from service.fhir.outcome import CANONICAL
from service.massage.cycle import is_referral
from service.massage.cycle.terms import PLACER, identifiers
from service.massage.systems import TECHNIQUE

if TYPE_CHECKING:
    from service.fhir.interaction import Parameters
    from service.fhir.resource import Content
    from service.massage.catalogue.rows import Catalogue

PROFILE: Final = f"{CANONICAL}/StructureDefinition/massage-referral"
_MASSAGE: Final = "387854002"


class Referrals:
    """Tells referrals from other orders, by the catalogue's codes."""

    def __init__(self, catalogue: Catalogue) -> None:
        by_hand = [row for row in catalogue.techniques.values() if row.pressure]
        self._codes = {
            (SNOMED, _MASSAGE),
            *((TECHNIQUE, code) for code in catalogue.techniques),
            *((CPT, code) for row in by_hand for code in row.cpt),
        }

    def has(self, content: Content) -> bool:
        """Whether a resource is a referral."""
        return is_referral(content, lambda system, code: (system, code) in self._codes, PROFILE)

    def criteria(self, content: Content) -> Parameters | None:
        """The placer's identifier of a referral, by which it is there already if it was sent before."""
        if not self.has(content):
            return None
        placed = [(system, value) for system, value in identifiers(content, PLACER) if system]
        return (("identifier", "|".join(placed[0])),) if placed else None
