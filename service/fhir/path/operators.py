"""The operators of FHIRPath. https://hl7.org/fhirpath/N1/#operations"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.path.arithmetic import ARITHMETIC, concatenate, negative
from service.fhir.path.code import NOTHING, Code, Scope, of_items, of_scalar, of_truth
from service.fhir.path.comparison import equal, equal_collections, equivalent_collections, frozen, order
from service.fhir.path.error import PathError, more_than_one
from service.fhir.path.item import Items, value_of
from service.fhir.path.moment import TEMPORAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.fhir.path.code import Shapes, Truth
    from service.fhir.path.syntax import BinaryOperator


def binary(operator: BinaryOperator, left: Code, right: Code) -> Code:
    """The code of ``left operator right``."""
    match operator:
        case "and" | "or" | "xor" | "implies":
            return of_truth(_LOGIC[operator](left.truth, right.truth))
        case "=" | "!=":
            return of_truth(_equality(left, right, negated=operator == "!="))
        case "~" | "!~":
            return of_truth(_equivalence(left, right, negated=operator == "!~"))
        case "<" | ">" | "<=" | ">=":
            return of_truth(_ordering(left, right, _HOLDS[operator]))
        case "in":
            return of_truth(_membership(left, right))
        case "contains":
            return of_truth(_membership(right, left))
        case "|":
            return union(left, right)
        case "&":
            return of_scalar(_scalars(left, right, concatenate))
        case "+" | "-" | "*" | "/" | "div" | "mod":
            return of_scalar(_scalars(left, right, ARITHMETIC[operator], strict=True))


def sign(operand: Code, *, minus: bool) -> Code:
    """The code of ``-operand`` or ``+operand``."""

    def scalar(this: Any, scope: Scope) -> Any:
        value = value_of(operand.scalar(this, scope))
        return None if value is None else negative(value, minus=minus)

    return of_scalar(scalar)


def index(operand: Code, position: Code) -> Code:
    """The code of ``operand[position]``."""

    def items(this: Any, scope: Scope) -> Items:
        found = operand.items(this, scope)
        at = value_of(position.scalar(this, scope))
        if at is None:
            return NOTHING
        if type(at) is not int:
            raise PathError("An indexer is an integer.")
        return [found[at]] if 0 <= at < len(found) else NOTHING

    return of_items(items, shapes=operand.shapes, typed=operand.typed)


def union(left: Code, right: Code) -> Code:
    """The code of ``left | right``: the items of both, each once."""

    def items(this: Any, scope: Scope) -> Items:
        return distinct([*left.items(this, scope), *right.items(this, scope)], scope)

    def exists(this: Any, scope: Scope) -> bool:
        return left.exists(this, scope) or right.exists(this, scope)

    return of_items(items, exists=exists, shapes=both(left.shapes, right.shapes), typed=left.typed and right.typed)


def both(left: Shapes, right: Shapes) -> Shapes:
    """The shapes of a collection that is made of two."""
    return None if left is None or right is None else left + right


def keys_of(found: Items, scope: Scope, owner: object) -> frozenset[Any]:
    """The keys of a collection, by which items are looked up in it.

    Kept for `owner` as long as it asks for the very same collection, which is so for one that does not depend on the
    item: otherwise a lookup in a long collection for each of many items would take the product of both.
    """
    known: tuple[Items, frozenset[Any]] | None = scope.memo.get(owner)
    if known is None or known[0] is not found:
        scope.spend(len(found))
        known = scope.memo[owner] = (found, frozenset([frozen(item, scope) for item in found]))
    return known[1]


def distinct(found: Items, scope: Scope) -> Items:
    """The items in their order, each once."""
    if len(found) < 2:
        return found
    scope.spend(len(found))
    first: dict[Any, Any] = {}
    for item in found:
        first.setdefault(frozen(item, scope), item)
    return list(first.values())


def _and(left: Truth, right: Truth) -> Truth:
    def truth(this: Any, scope: Scope) -> bool | None:
        one = left(this, scope)
        if one is False:
            return False
        other = right(this, scope)
        if other is False:
            return False
        return True if one and other else None

    return truth


def _or(left: Truth, right: Truth) -> Truth:
    def truth(this: Any, scope: Scope) -> bool | None:
        one = left(this, scope)
        if one:
            return True
        other = right(this, scope)
        if other:
            return True
        return False if one is False and other is False else None

    return truth


def _xor(left: Truth, right: Truth) -> Truth:
    def truth(this: Any, scope: Scope) -> bool | None:
        one, other = left(this, scope), right(this, scope)
        return None if one is None or other is None else one is not other

    return truth


def _implies(left: Truth, right: Truth) -> Truth:
    def truth(this: Any, scope: Scope) -> bool | None:
        one = left(this, scope)
        if one is False:
            return True
        other = right(this, scope)
        if other:
            return True
        return False if one and other is False else None

    return truth


_LOGIC = {"and": _and, "or": _or, "xor": _xor, "implies": _implies}


def _temporal(code: Code) -> bool:
    return any(shape.name in TEMPORAL for shape in code.shapes or ())


def _equality(left: Code, right: Code, *, negated: bool) -> Truth:
    if left.boolean and right.boolean:
        return _xor(left.truth, right.truth) if negated else _same(left.truth, right.truth)
    temporal = _temporal(left) or _temporal(right)

    def truth(this: Any, scope: Scope) -> bool | None:
        one, other = left.items(this, scope), right.items(this, scope)
        if len(one) == 1 == len(other):
            first, second = one[0], other[0]
            if type(first) is str and first == second:
                return not negated
            same = equal(first, second, scope, temporal=temporal)
        else:
            same = equal_collections(one, other, scope, temporal=temporal)
        return same if not negated or same is None else not same

    return truth


def _same(left: Truth, right: Truth) -> Truth:
    def truth(this: Any, scope: Scope) -> bool | None:
        one, other = left(this, scope), right(this, scope)
        return None if one is None or other is None else one is other

    return truth


def _equivalence(left: Code, right: Code, *, negated: bool) -> Truth:
    def truth(this: Any, scope: Scope) -> bool | None:
        return equivalent_collections(left.items(this, scope), right.items(this, scope), scope) is not negated

    return truth


_HOLDS: Final[Mapping[str, Mapping[int | None, bool | None]]] = {
    "<": {-1: True, 0: False, 1: False, None: None},
    ">": {-1: False, 0: False, 1: True, None: None},
    "<=": {-1: True, 0: True, 1: False, None: None},
    ">=": {-1: False, 0: True, 1: True, None: None},
}
"""Operator → what `order` answers → what the operator gives."""


def _ordering(left: Code, right: Code, holds: Mapping[int | None, bool | None]) -> Truth:
    temporal = _temporal(left) or _temporal(right)

    def truth(this: Any, scope: Scope) -> bool | None:
        one = left.scalar(this, scope)
        if one is None:
            return None
        other = right.scalar(this, scope)
        if other is None:
            return None
        return holds[order(one, other, temporal=temporal)]

    return truth


def _membership(item: Code, collection: Code) -> Truth:
    def truth(this: Any, scope: Scope) -> bool | None:
        one = item.items(this, scope)
        if not one:
            return None
        if len(one) > 1:
            raise more_than_one("What is looked for with 'in' or 'contains'")
        return frozen(one[0], scope) in keys_of(collection.items(this, scope), scope, truth)

    return truth


def _scalars(
    left: Code, right: Code, combine: Callable[[Any, Any], Any], *, strict: bool = False
) -> Callable[[Any, Scope], Any]:
    """Two single values combined; with `strict`, empty if one of them is."""

    def scalar(this: Any, scope: Scope) -> Any:
        one, other = value_of(left.scalar(this, scope)), value_of(right.scalar(this, scope))
        return None if strict and (one is None or other is None) else combine(one, other)

    return scalar
