"""Compiled expressions: closures over the item that a path stands on and the scope of its evaluation.

Each expression is compiled into four views, so that `and`, `exists()` or `= 'x'` never build a collection that they
would only test: `items` (the collection), `scalar` (its only item, None if it is empty, PathError if there are more),
`truth` (that item as a boolean, by FHIRPath's rules for singletons) and `exists` (whether there are any).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from service.fhir.path.error import PathError, more_than_one
from service.fhir.path.item import Items, Node

if TYPE_CHECKING:
    from service.fhir.path.shape import Shape, Wanted

UNLIMITED: Final = 1 << 62
NOTHING: Final[Items] = []
"""The empty collection; shared, like all collections never altered."""
NO_VARIABLES: Final[Mapping[str, Any]] = {}


class Scope:
    """What one evaluation knows besides the item: the resources around it, variables, and the loop it is in.

    `memo` keeps what does not depend on the item, so a scope that serves several paths of one resource saves work;
    it must not outlive a change of the content. `budget` is how many items the evaluation may still visit.
    """

    __slots__ = ("budget", "context", "index", "memo", "resource", "root", "total", "variables")

    def __init__(
        self,
        *,
        resource: Any = None,
        root: Any = None,
        context: Any = None,
        variables: Mapping[str, Any] = NO_VARIABLES,
        budget: int = UNLIMITED,
    ) -> None:
        self.resource = resource
        self.root = root
        self.context = context
        self.variables = variables
        self.budget = budget
        self.index: int | None = None
        self.total: Items = NOTHING
        self.memo: dict[Any, Any] = {}

    def spend(self, items: int) -> None:
        """Count visited items; PathError once the budget is used up."""
        self.budget -= items
        if self.budget < 0:
            raise PathError("The path visits more items than it may.")


Fetch = Callable[[Any, Scope], Items]
Scalar = Callable[[Any, Scope], Any]
Truth = Callable[[Any, Scope], bool | None]
Exists = Callable[[Any, Scope], bool]

Narrow = Callable[["Wanted"], "Code | None"]

Shapes = tuple["Shape", ...] | None
"""The shapes that the items of an expression may have; None where nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Code:
    """A compiled expression in its four views, and what is known of its items before any is seen.

    `typed` says that every item shows its own type (literals, resources), `boolean` that it is a boolean. `narrow`
    compiles the same expression restricted to a type, where the JSON property tells the type. `keys` are the plain
    members that lead to the items from those of `origin`, or from ``$this`` if `rooted` (see `navigation`).
    """

    items: Fetch
    scalar: Scalar
    truth: Truth
    exists: Exists
    shapes: Shapes = None
    typed: bool = False
    boolean: bool = False
    narrow: Narrow | None = None
    keys: tuple[tuple[str, str | None], ...] = ()
    origin: Code | None = None
    rooted: bool = False


def of_items(
    items: Fetch,
    *,
    exists: Exists | None = None,
    scalar: Scalar | None = None,
    shapes: Shapes = None,
    typed: bool = False,
) -> Code:
    """The code of an expression that is made of its collection."""

    def any_items(this: Any, scope: Scope) -> bool:
        return len(items(this, scope)) > 0

    single = scalar or only(items)
    return Code(
        items=items, scalar=single, truth=as_truth(single), exists=exists or any_items, shapes=shapes, typed=typed
    )


def of_scalar(scalar: Scalar, *, shapes: Shapes = None, typed: bool = True) -> Code:
    """The code of an expression that has at most one item (None for none)."""

    def items(this: Any, scope: Scope) -> Items:
        value = scalar(this, scope)
        return NOTHING if value is None else [value]

    def exists(this: Any, scope: Scope) -> bool:
        return scalar(this, scope) is not None

    return Code(items=items, scalar=scalar, truth=as_truth(scalar), exists=exists, shapes=shapes, typed=typed)


def of_truth(truth: Truth) -> Code:
    """The code of an expression that is true, false or empty."""
    code = of_scalar(truth)
    return Code(items=code.items, scalar=truth, truth=truth, exists=code.exists, typed=True, boolean=True)


def constant(items: Items) -> Code:
    """The code of a literal."""
    if len(items) > 1:
        return of_items(lambda _this, _scope: items, typed=True)
    value = items[0] if items else None
    return Code(
        items=lambda _this, _scope: items,
        scalar=lambda _this, _scope: value,
        truth=as_truth(lambda _this, _scope: value),
        exists=lambda _this, _scope: bool(items),
        typed=True,
    )


def only(items: Fetch) -> Scalar:
    """The single item of a collection: None if it is empty; PathError if there are several."""

    def scalar(this: Any, scope: Scope) -> Any:
        found = items(this, scope)
        if not found:
            return None
        if len(found) > 1:
            raise more_than_one()
        return found[0]

    return scalar


def as_truth(scalar: Scalar) -> Truth:
    """A single item as a boolean: an item that is no boolean counts as true."""

    def truth(this: Any, scope: Scope) -> bool | None:
        value = scalar(this, scope)
        if type(value) is Node:
            value = value.value
        if value is None or value is True or value is False:
            return value
        return True

    return truth


def remembered(code: Code) -> Code:
    """The same code for an expression that does not depend on the item: evaluated once per scope."""

    def items(this: Any, scope: Scope) -> Items:
        found: Items | None = scope.memo.get(code)
        if found is None:
            found = scope.memo[code] = code.items(this, scope)
        return found

    return of_items(items, shapes=code.shapes, typed=code.typed)
