"""What a payer has written on an order: the coverage information of Da Vinci CRD.

http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information. The service reads it and keeps it as it
is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.concept import codings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir.resource import Content

COVERAGE_INFORMATION: Final = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"

_GRANTED: Final = frozenset({"no-auth", "satisfied"})
_QUANTITY: Final = "allowed-quantity"
_VISITS: Final = frozenset({"", "1", "{session}", "{visit}"})
"""UCUM codes of a number of visits; another, such as one a week, is no number of them."""


class Asserted(Struct, frozen=True, kw_only=True):
    """What a payer allows: the number of the authorisation and the date until which it holds, where these are said."""

    number: str | None
    visits: int
    until: str | None


def asserted(referral: Content) -> Iterator[Asserted]:
    """Each covered assertion that limits the number of visits."""
    held = [referral, *referral.get("insurance", ())]
    for information in (one for each in held for one in each.get("extension", ())):
        parts = information.get("extension", ())
        if information.get("url") != COVERAGE_INFORMATION or _value(parts, "covered") != "covered":
            continue
        if _value(parts, "pa-needed") not in {None, *_GRANTED}:
            continue
        for detail in (part.get("extension", ()) for part in parts if part.get("url") == "detail"):
            count = visits_in(_value(detail, "value"))
            if count is not None and any(one.get("code") == _QUANTITY for one in codings(_value(detail, "code"))):
                number, until = _value(parts, "satisfied-pa-id"), _value(parts, "expiry-date")
                yield Asserted(number=number, visits=count, until=until)


def is_waived(referral: Content) -> bool:
    """Whether the payer has written on the order that no authorisation is needed, or that it is there."""
    held = [referral, *referral.get("insurance", ())]
    return any(
        _value(one.get("extension", ()), "pa-needed") in _GRANTED
        for each in held
        for one in each.get("extension", ())
        if one.get("url") == COVERAGE_INFORMATION
    )


def _value(parts: Any, name: str) -> Any:
    """The value of the part of a name, whatever its type."""
    for part in parts:
        if part.get("url") == name:
            return next((value for key, value in part.items() if key.startswith("value")), None)
    return None


def visits_in(quantity: Any) -> int | None:
    """The number of visits that a Quantity says, never below 0; None where it is one of something else."""
    if not isinstance(quantity, dict) or quantity.get("code", "") not in _VISITS or "value" not in quantity:
        return None
    return max(0, int(quantity["value"]))
