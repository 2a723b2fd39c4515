"""Existence, filtering, subsetting and combining. https://hl7.org/fhirpath/N1/#functions"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.path.code import NOTHING, Code, of_items, of_scalar, of_truth
from service.fhir.path.comparison import frozen
from service.fhir.path.error import more_than_one
from service.fhir.path.functions.invocation import Function, Invocation, integer_of
from service.fhir.path.item import Items, plain_children
from service.fhir.path.navigation import this_code
from service.fhir.path.operators import both, distinct, keys_of, union

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from service.fhir.path.code import Fetch, Scope


def _each(found: Items, scope: Scope) -> Iterator[Any]:
    """The items, with ``$index`` set for each."""
    outer = scope.index
    try:
        for position, item in enumerate(found):
            scope.index = position
            yield item
    finally:
        scope.index = outer


def _where(call: Invocation) -> Code:
    source, truth, counts = call.operand.items, call.projection(0).truth, call.counts(0)

    def items(this: Any, scope: Scope) -> Items:
        found = source(this, scope)
        if not found:
            return NOTHING
        scope.spend(len(found))
        return [item for item in (_each(found, scope) if counts else found) if truth(item, scope)]

    def exists(this: Any, scope: Scope) -> bool:
        found = source(this, scope)
        if not found:
            return False
        scope.spend(len(found))
        return any(truth(item, scope) for item in (_each(found, scope) if counts else found))

    return of_items(items, exists=exists, shapes=call.operand.shapes, typed=call.operand.typed)


def _select(call: Invocation) -> Code:
    source, projection, counts = call.operand.items, call.projection(0), call.counts(0)

    def items(this: Any, scope: Scope) -> Items:
        found = source(this, scope)
        result: Items = []
        for item in _each(found, scope) if counts else found:
            projected = projection.items(item, scope)
            scope.spend(1 + len(projected))
            result += projected
        return result

    return of_items(items, shapes=projection.shapes, typed=projection.typed)


def _exists(call: Invocation) -> Code:
    found = _where(call) if call.arguments else call.operand
    return of_truth(found.exists)


def _empty(call: Invocation) -> Code:
    exists = call.operand.exists
    return of_truth(lambda this, scope: not exists(this, scope))


def _not(call: Invocation) -> Code:
    truth = call.operand.truth

    def negated(this: Any, scope: Scope) -> bool | None:
        value = truth(this, scope)
        return None if value is None else not value

    return of_truth(negated)


def _all(call: Invocation) -> Code:
    source, truth, counts = call.operand.items, call.projection(0).truth, call.counts(0)

    def holds(this: Any, scope: Scope) -> bool:
        found = source(this, scope)
        scope.spend(len(found))
        return all(truth(item, scope) for item in (_each(found, scope) if counts else found))

    return of_truth(holds)


def _of_booleans(decide: Callable[[Iterator[bool]], bool], *, wanted: bool) -> Callable[[Invocation], Code]:
    def build(call: Invocation) -> Code:
        source, truth = call.operand.items, this_code(None).truth

        def holds(this: Any, scope: Scope) -> bool:
            return decide(truth(item, scope) is wanted for item in source(this, scope))

        return of_truth(holds)

    return build


def _count(call: Invocation) -> Code:
    source = call.operand.items
    return of_scalar(lambda this, scope: len(source(this, scope)))


def _subset(choose: Callable[[Items], Items]) -> Callable[[Invocation], Code]:
    """A function that picks items by their position."""

    def build(call: Invocation) -> Code:
        source = call.operand.items

        def items(this: Any, scope: Scope) -> Items:
            return choose(source(this, scope))

        return of_items(items, shapes=call.operand.shapes, typed=call.operand.typed)

    return build


def _single(found: Items) -> Items:
    if len(found) > 1:
        raise more_than_one("What single() is called on")
    return found


def _slice(choose: Callable[[Items, int], Items]) -> Callable[[Invocation], Code]:
    """A function that picks items by a number."""

    def build(call: Invocation) -> Code:
        source, number = call.operand.items, integer_of(call.argument(0), call.name)

        def items(this: Any, scope: Scope) -> Items:
            found, at = source(this, scope), number(this, scope)
            return NOTHING if at is None else choose(found, max(at, 0))

        return of_items(items, shapes=call.operand.shapes, typed=call.operand.typed)

    return build


def _combine(call: Invocation) -> Code:
    first, second = call.operand, call.argument(0)

    def items(this: Any, scope: Scope) -> Items:
        one, other = first.items(this, scope), second.items(this, scope)
        scope.spend(len(one) + len(other))
        return [*one, *other]

    return of_items(items, shapes=both(first.shapes, second.shapes), typed=first.typed and second.typed)


def _selected(*, within: bool) -> Callable[[Invocation], Code]:
    """The items of the operand that are within another collection, each once, or all those that are not."""

    def build(call: Invocation) -> Code:
        first, second = call.operand.items, call.argument(0).items

        def items(this: Any, scope: Scope) -> Items:
            found = first(this, scope)
            keys = keys_of(second(this, scope), scope, items)
            scope.spend(len(found))
            chosen = [item for item in found if (frozen(item, scope) in keys) is within]
            return distinct(chosen, scope) if within else chosen

        return of_items(items, shapes=call.operand.shapes, typed=call.operand.typed)

    return build


def _within(*, inner_first: bool) -> Callable[[Invocation], Code]:
    def build(call: Invocation) -> Code:
        first, second = call.operand.items, call.argument(0).items
        inner, outer = (first, second) if inner_first else (second, first)

        def holds(this: Any, scope: Scope) -> bool:
            found = inner(this, scope)
            keys = keys_of(outer(this, scope), scope, holds)
            scope.spend(len(found))
            return all(frozen(item, scope) in keys for item in found)

        return of_truth(holds)

    return build


def _distinct(call: Invocation) -> Code:
    source = call.operand.items

    def items(this: Any, scope: Scope) -> Items:
        return distinct(source(this, scope), scope)

    return of_items(items, shapes=call.operand.shapes, typed=call.operand.typed)


def _is_distinct(call: Invocation) -> Code:
    source = call.operand.items

    def holds(this: Any, scope: Scope) -> bool:
        found = source(this, scope)
        scope.spend(len(found))
        return len(found) < 2 or len({frozen(item, scope) for item in found}) == len(found)

    return of_truth(holds)


def _repeat(call: Invocation) -> Code:
    source = call.operand.items
    projection = call.compile(call.arguments[0], this_code(None))

    def items(this: Any, scope: Scope) -> Items:
        found: dict[Any, Any] = {}
        waiting = list(source(this, scope))
        while waiting:
            following: Items = []
            for item in waiting:
                following += projection.items(item, scope)
            scope.spend(len(following) + 1)
            waiting = []
            for item in following:
                key = frozen(item, scope)
                if key not in found:
                    found[key] = item
                    waiting.append(item)
        return list(found.values())

    return of_items(items, typed=projection.typed)


def _children(call: Invocation) -> Code:
    source, unknown = call.operand.items, call.unknown

    def items(this: Any, scope: Scope) -> Items:
        found: Items = []
        for item in source(this, scope):
            found += plain_children(item, unknown)
        scope.spend(len(found))
        return found

    return of_items(items)


def _descendants(call: Invocation) -> Code:
    source, unknown = call.operand.items, call.unknown

    def items(this: Any, scope: Scope) -> Items:
        found: Items = []
        waiting = list(source(this, scope))
        while waiting:
            following: Items = []
            for item in waiting:
                following += plain_children(item, unknown)
            scope.spend(len(following))
            found += following
            waiting = following
        return found

    return of_items(items)


def _iif(call: Invocation) -> Code:
    operand, branches = call.operand, [call.projection(number) for number in range(len(call.arguments))]
    truth, otherwise = branches[0].truth, branches[2].items if len(branches) == 3 else None

    def items(this: Any, scope: Scope) -> Items:
        item = operand.scalar(this, scope)
        if truth(item, scope):
            return branches[1].items(item, scope)
        return NOTHING if otherwise is None else otherwise(item, scope)

    return of_items(items, typed=all(branch.typed for branch in branches[1:]))


def _aggregate(call: Invocation) -> Code:
    source, step = call.operand.items, call.projection(0).items
    start: Fetch = call.argument(1).items if len(call.arguments) == 2 else lambda _this, _scope: NOTHING

    def items(this: Any, scope: Scope) -> Items:
        found, outer = source(this, scope), scope.total
        scope.spend(len(found))
        scope.total = start(this, scope)
        try:
            for item in _each(found, scope):
                scope.total = step(item, scope)
            return scope.total
        finally:
            scope.total = outer

    return of_items(items)


def _trace(call: Invocation) -> Code:
    """The operand itself: a trace is for the author of a path, and the content is nobody's to log."""
    call.argument(0)
    if len(call.arguments) == 2:
        call.projection(1)
    return call.operand


def _union(call: Invocation) -> Code:
    return union(call.operand, call.argument(0))


FUNCTIONS: Final[Mapping[str, Function]] = {
    "where": Function(_where, 1, 1),
    "select": Function(_select, 1, 1),
    "exists": Function(_exists, 0, 1),
    "empty": Function(_empty),
    "not": Function(_not),
    "all": Function(_all, 1, 1),
    "allTrue": Function(_of_booleans(all, wanted=True)),
    "anyTrue": Function(_of_booleans(any, wanted=True)),
    "allFalse": Function(_of_booleans(all, wanted=False)),
    "anyFalse": Function(_of_booleans(any, wanted=False)),
    "count": Function(_count),
    "first": Function(_subset(lambda found: found[:1])),
    "last": Function(_subset(lambda found: found[-1:])),
    "tail": Function(_subset(lambda found: found[1:])),
    "single": Function(_subset(_single)),
    "distinct": Function(_distinct),
    "skip": Function(_slice(lambda found, number: found[number:]), 1, 1),
    "take": Function(_slice(lambda found, number: found[:number]), 1, 1),
    "isDistinct": Function(_is_distinct),
    "subsetOf": Function(_within(inner_first=True), 1, 1),
    "supersetOf": Function(_within(inner_first=False), 1, 1),
    "intersect": Function(_selected(within=True), 1, 1),
    "exclude": Function(_selected(within=False), 1, 1),
    "combine": Function(_combine, 1, 1),
    "union": Function(_union, 1, 1),
    "repeat": Function(_repeat, 1, 1),
    "children": Function(_children),
    "descendants": Function(_descendants),
    "iif": Function(_iif, 2, 3),
    "aggregate": Function(_aggregate, 1, 2),
    "trace": Function(_trace, 1, 2),
}
"""The functions on collections by their names."""
