"""Values that a profile gives: fixed ones, patterns, limits. https://hl7.org/fhir/R4/elementdefinition.html

Numbers are equal by value, whatever digits they are written with.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from service.fhir.codec import encode
from service.fhir.path.comparison import order
from service.fhir.path.error import PathError
from service.fhir.path.moment import TEMPORAL
from service.fhir.path.quantity import compare_quantities, quantity_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from service.fhir.profile.statement import Value

    Test = Callable[[Any], bool]

_NUMBERS: Final = (int, Decimal)
_SHOWN: Final = 300
"""Characters of a profile's own JSON that a message quotes."""


def same(value: Any, other: Any) -> bool:
    """Whether two JSON values are the same."""
    if isinstance(other, dict):
        if not isinstance(value, dict) or value.keys() != other.keys():
            return False
        return all(same(value[name], part) for name, part in other.items())
    if isinstance(other, list):
        if not isinstance(value, list) or len(value) != len(other):
            return False
        return all(same(one, part) for one, part in zip(value, other, strict=True))
    return _same_primitive(value, other)


def equal_to(fixed: Any) -> Test:
    """The test whether a value is the same as a fixed one."""
    return lambda value: same(value, fixed)


def like(pattern: Any) -> Test:
    """The test whether a value has all that the pattern has; each item of an array is found among the value's."""
    if isinstance(pattern, str):
        return lambda value: bool(value == pattern)
    if isinstance(pattern, dict):
        return _like_object([(name, like(part)) for name, part in pattern.items()])
    if isinstance(pattern, list):
        return _like_array([like(part) for part in pattern])
    return lambda value: _same_primitive(value, pattern)


def _like_object(members: Sequence[tuple[str, Test]]) -> Test:
    def test(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for name, part in members:  # noqa: SIM110 - a generator takes longer than what it would save
            if name not in value or not part(value[name]):
                return False
        return True

    return test


def _like_array(items: Sequence[Test]) -> Test:
    def test(value: Any) -> bool:
        if type(value) is not list:
            return False
        for part in items:
            for one in value:
                if part(one):
                    break
            else:
                return False
        return True

    return test


def _same_primitive(value: Any, other: Any) -> bool:
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other
    if isinstance(value, _NUMBERS) and isinstance(other, _NUMBERS):
        return value == other
    return type(value) is type(other) and bool(value == other)


def within(limit: Value, sign: int) -> Test:
    """Whether a value is not below (`sign` -1) or not above (1) the limit.

    A quantity in a unit that does not compare with the limit's is outside; a date too vague to tell is inside.
    """
    bound = limit.value
    if limit.type not in TEMPORAL and not isinstance(bound, dict):
        return lambda value: isinstance(value, _NUMBERS) and (value - bound) * sign <= 0

    def test(value: Any) -> bool:
        if isinstance(bound, dict):
            measured, known = quantity_of(value), quantity_of(bound)
            compared = compare_quantities(measured, known) if measured and known else None
            return compared is not None and compared != sign
        try:
            return order(value, bound, temporal=True) != sign
        except PathError:
            return False

    return test


def parts_of(value: Any, names: Sequence[str]) -> Iterator[Any]:
    """What a path of names finds in a JSON value; the items of arrays one by one."""
    if isinstance(value, list):
        for each in value:
            yield from parts_of(each, names)
    elif not names:
        yield value
    elif isinstance(value, dict) and names[0] in value:
        yield from parts_of(value[names[0]], names[1:])


def shown(value: Any) -> str:
    """A value of the profile in a message."""
    if isinstance(value, str):
        return value[:_SHOWN]
    match value:
        case {"coding": [{"system": str(system), "code": str(code)}], **others} if not others.keys() - {"text"}:
            return f"{system}|{code}"
        case {"system": str(system), "code": str(code), **others} if not others.keys() - {"display"}:
            return f"{system}|{code}"
    text = encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
