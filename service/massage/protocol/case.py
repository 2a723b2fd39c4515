"""The patient and the order that a protocol is applied to, as far as a plan depends on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from service.fhir.concept import codes_of
from service.massage.cycle import Policy
from service.massage.systems import TECHNIQUE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from service.fhir.resource import Content
    from service.massage.screening.finding import Screening


class Case(Struct, frozen=True, kw_only=True):
    """`patient`, `encounter`, `author` and `organisation` are literal references; `referral` has its id.

    `cleared` are rules of findings that somebody who may has mitigated, `issues` references to the DetectedIssues of
    the others. `left` is the number of visits that order and authorisation leave, None where neither says a number.
    `measured` is the latest value of outcome measures, each in the first unit of the catalogue's row.
    """

    patient: str
    referral: Content
    screening: Screening
    today: date
    therapist: Content | None = None
    author: str | None = None
    organisation: str | None = None
    encounter: str | None = None
    left: int | None = None
    measured: Mapping[str, Decimal] = field(default_factory=dict)
    cleared: frozenset[str] = frozenset()
    issues: tuple[str, ...] = ()
    policy: Policy = Policy()

    @property
    def order(self) -> str:
        """``ServiceRequest/id``."""
        return f"ServiceRequest/{self.referral['id']}"

    def asked_for(self) -> list[str]:
        """The codes of the techniques that the referral names, in its order."""
        concepts = [*self.referral.get("orderDetail", ()), self.referral.get("code")]
        codes = [code for each in concepts for system, code in sorted(codes_of(each)) if system == TECHNIQUE]
        return list(dict.fromkeys(codes))
