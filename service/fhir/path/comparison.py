"""Equality, equivalence and order of items. https://hl7.org/fhirpath/N1/#equality"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from service.fhir.path.arithmetic import is_number
from service.fhir.path.error import PathError
from service.fhir.path.item import Items, Node, moment_of, value_of
from service.fhir.path.moment import TEMPORAL, Moment, compare_moments, compare_texts, parse_moment
from service.fhir.path.quantity import Quantity, compare_quantities, quantity_of, scaled

if TYPE_CHECKING:
    from collections.abc import Hashable

    from service.fhir.path.code import Scope


def frozen(item: Any, scope: Scope) -> Hashable:
    """A key that two items share exactly if they are equal (moments: if they are written alike)."""
    if type(item) is str:
        return item
    value: Any = value_of(item)
    key: Hashable = value  # text, numbers, None and targets are their own key
    match value:
        case bool():
            key = ("boolean", value)
        case dict():
            scope.spend(len(value))
            key = frozenset([(name, frozen(part, scope)) for name, part in value.items()])
        case list():
            scope.spend(len(value))
            key = tuple([frozen(part, scope) for part in value])
        case Moment():
            key = value.text
        case Quantity():
            key = ("quantity", value.value, value.unit)
    return key


def equal_collections(left: Items, right: Items, scope: Scope, *, temporal: bool) -> bool | None:
    """``left = right``: empty if one is, false for different lengths, else whether all pairs are equal in order."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    outcome: bool | None = True
    for one, other in zip(left, right, strict=True):
        same = equal(one, other, scope, temporal=temporal)
        if same is False:
            return False
        if same is None:
            outcome = None
    return outcome


def equal(one: Any, other: Any, scope: Scope, *, temporal: bool = False) -> bool | None:
    """Whether two items are equal; None where the precision of dates leaves it open.

    `temporal` says that the definitions know the items as dates; text is otherwise compared as text.
    """
    left, right = value_of(one), value_of(other)
    if type(left) is str and type(right) is str:
        if left == right:
            return True
        if temporal or _is_temporal(one) or _is_temporal(other):
            return _equal_moments(parse_moment(left), parse_moment(right))
        return False
    if type(left) is Moment or type(right) is Moment:
        return _equal_moments(moment_of(left), moment_of(right))
    if type(left) is Quantity or type(right) is Quantity:
        return _equal_quantities(quantity_of(left), quantity_of(right))
    return frozen(left, scope) == frozen(right, scope)


def equivalent_collections(left: Items, right: Items, scope: Scope) -> bool:
    """``left ~ right``: the same items in any order, text without regard to case and white space."""
    if len(left) != len(right):
        return False
    keys = [Counter(_equivalence_key(item, scope) for item in items) for items in (left, right)]
    return keys[0] == keys[1]


def order(one: Any, other: Any, *, temporal: bool = False) -> int | None:
    """-1, 0 or 1 as `one` is before, equal to or after `other`; None where that is open.

    Raises PathError for items of different kinds, and of kinds that have no order.
    """
    if type(one) in _NUMBERS and type(other) in _NUMBERS:
        return int(one > other) - int(one < other)
    left, right = value_of(one), value_of(other)
    if left is None or right is None:
        return None
    if is_number(left) and is_number(right):
        return int(left > right) - int(left < right)
    if type(left) is str and type(right) is str:
        if temporal or _is_temporal(one) or _is_temporal(other) or (parse_moment(left) and parse_moment(right)):
            return compare_texts(left, right)
        return (left > right) - (left < right)
    if type(left) is Moment or type(right) is Moment:
        first, second = moment_of(left), moment_of(right)
        if first is None or second is None:
            raise PathError("A date or time compares with dates and times only.")
        return compare_moments(first, second)
    measured, limit = quantity_of(left), quantity_of(right)
    if measured is None or limit is None:
        raise PathError("Only numbers, text, dates, times and quantities have an order, each with its own kind.")
    return compare_quantities(measured, limit)


_NUMBERS: Final = frozenset({int, Decimal})


def _is_temporal(item: Any) -> bool:
    return type(item) is Node and item.type in TEMPORAL


def _equal_moments(left: Moment | None, right: Moment | None) -> bool | None:
    if left is None or right is None or (left.kind == "time") is not (right.kind == "time"):
        return False
    compared = compare_moments(left, right)
    return None if compared is None else compared == 0


def _equal_quantities(left: Quantity | None, right: Quantity | None) -> bool | None:
    if left is None or right is None:
        return False
    compared = compare_quantities(left, right)
    return None if compared is None else compared == 0


def _equivalence_key(item: Any, scope: Scope) -> Hashable:
    value = value_of(item)
    match value:
        case str():
            return " ".join(value.casefold().split())
        case dict():
            scope.spend(len(value))
            return frozenset([(key, _equivalence_key(part, scope)) for key, part in value.items() if key != "id"])
        case list():
            scope.spend(len(value))
            return frozenset([_equivalence_key(part, scope) for part in value])
        case Moment():
            return ("moment", value.low, value.precision, value.zoned)
        case Quantity():
            return ("quantity", *scaled(value))
        case _:
            return frozen(value, scope)
