"""What the author of a stored search parameter allows of what its type could do, and how a search is held to it.

https://hl7.org/fhir/R4/searchparameter-definitions.html: ``multipleOr``, ``multipleAnd``, ``comparator``, ``modifier``
and ``chain``. What is left out restricts nothing. R4's own parameters come without any of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.outcome import failure
from service.fhir.search.query import CompositeValue, DateValue, NumberValue, QuantityValue
from service.fhir.search.refusal import refused_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.fhir.resource import Content
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.query import Value

Names = tuple[str, ...] | None
"""Those that are allowed; None where all are."""

_WRITTEN: Final = {"ofType": "of-type", "type": "[type]"}
"""SearchParameter.modifier → how the service calls what stands in a URL."""


class Restriction(Struct, frozen=True, kw_only=True):
    """`multiple_or`: several values with commas; `multiple_and`: the parameter several times.

    `comparators` are prefixes; a value without one means eq, which is always allowed. `modifiers` are those of
    `accepted_modifiers`, ``[type]`` for all types. `chain` are the parameters that may follow a reference.
    """

    multiple_or: bool = True
    multiple_and: bool = True
    comparators: Names = None
    modifiers: Names = None
    chain: Names = None

    def sentences(self) -> list[str]:
        """What it comes to besides the modifiers, for people."""
        found = [] if self.comparators is None else [f"Prefixes: {', '.join(_prefixes(self.comparators))}."]
        if not self.multiple_or:
            found.append("One value, without commas.")
        if not self.multiple_and:
            found.append("Once in a search.")
        if self.chain is not None:
            found.append(f"Chains: {', '.join(self.chain)}.")
        return found


UNRESTRICTED: Final = Restriction()


def restriction_of(content: Content) -> Restriction:
    """What a valid SearchParameter resource restricts."""
    return Restriction(
        multiple_or=content.get("multipleOr", True),
        multiple_and=content.get("multipleAnd", True),
        comparators=_names(content.get("comparator")),
        modifiers=_names([_WRITTEN.get(each, each) for each in content.get("modifier", ())]),
        chain=_names(content.get("chain")),
    )


def strictest(restrictions: Iterable[Restriction]) -> Restriction:
    """What all of them allow: the restriction of a parameter that several types have."""
    every = set(restrictions)
    if len(every) == 1:
        return every.pop()
    return Restriction(
        multiple_or=all(each.multiple_or for each in every),
        multiple_and=all(each.multiple_and for each in every),
        comparators=_common([each.comparators for each in every]),
        modifiers=_common([each.modifiers for each in every]),
        chain=_common([each.chain for each in every]),
    )


def check_operands(parameter: SearchParameter, operands: Sequence[str]) -> None:
    """Refuse several values where one is allowed."""
    if len(operands) > 1 and not parameter.restriction.multiple_or:
        raise refused_value(parameter.code, "takes one value; a comma inside of it is escaped by a backslash")


def check_prefix(parameter: SearchParameter, value: Value) -> None:
    """Refuse a prefix that is not allowed, of a composite's components too."""
    allowed = parameter.restriction.comparators
    if allowed is None:
        return
    match value:
        case CompositeValue(components=components):
            for component in components:
                check_prefix(parameter, component)
        case DateValue(prefix=prefix) | NumberValue(prefix=prefix) | QuantityValue(prefix=prefix):
            if prefix not in _prefixes(allowed):
                raise refused_value(parameter.code, f"takes the prefixes {', '.join(_prefixes(allowed))}")


def check_chain(parameter: SearchParameter, following: str) -> None:
    """Refuse a chain to a parameter that may not follow."""
    allowed = parameter.restriction.chain
    if allowed is not None and following not in allowed:
        text = f"{parameter.code} is followed by {', '.join(allowed) or 'nothing'} in chains."
        raise failure("parameter-unsupported", text, f"http.{parameter.code}")


def check_repeated(parameter: SearchParameter) -> None:
    """Refuse a parameter that is given several times where once is allowed."""
    if not parameter.restriction.multiple_and:
        raise refused_value(parameter.code, "is given once in a search")


def _prefixes(allowed: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(("eq", *allowed)))


def _names(listed: list[str] | None) -> Names:
    return tuple(listed) if listed else None


def _common(lists: list[Names]) -> Names:
    limits = [set(each) for each in lists if each is not None]
    return tuple(sorted(set.intersection(*limits))) if limits else None
