"""Criteria as probes of index rows, with the values taken out: the shape that a statement is compiled for.

A shape is a tree of structs that says which forms of probes there are and how they are joined; it names each list of
values by its position. Queries that differ in values alone, or in how many there are of several alternatives, share
a shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.search.contained import inner_number
from service.store.search.forms import FORMS, IDENTIFYING_RANK, Form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.store.search.sorting import Sorted


class Leaf(Struct, frozen=True, kw_only=True):
    """A row of one of the sources passes with one of the values.

    `sources` is the position of the source numbers (None: the resource itself is looked at), `values` are those of the
    columns of values. `parameter` tells apart what reads other sources; `single`: a resource has at most one such row;
    `several`: there are alternatives, of which no resource has two where they are `exclusive`; `spread`: there are
    several sources. `types` are those of what it is asked of; where that may be contained too, `own` are the sources of
    the others.
    """

    form_name: str
    sources: int | None
    values: tuple[int, ...]
    parameter: int = -1
    identifying: bool = False
    many: bool = False
    several: bool = False
    spread: bool = False
    single: bool = False
    exclusive: bool = False
    types: int = 0
    own: int | None = None

    @property
    def form(self) -> Form:
        """How it is probed."""
        return FORMS[self.form_name]

    @property
    def rank(self) -> int:
        """How many resources a value usually has, fewest first."""
        return IDENTIFYING_RANK if self.identifying and self.form.ordered else self.form.rank

    @property
    def is_one(self) -> bool:
        """Whether there is but one value, and one source where there are any."""
        return not (self.several or self.spread or self.many)

    @property
    def finds_once(self) -> bool:
        """Whether, value by value and source by source, no resource is found a second time."""
        return ((self.form.ordered or self.single) and not (self.several or self.spread)) or self.exclusive


class Joined(Struct, frozen=True, kw_only=True):
    """Rows that agree in their element pass, one for each part, with values that belong together."""

    parts: tuple[Leaf, ...]


class Linked(Struct, frozen=True, kw_only=True):
    """The resource refers to one of the types, or to something of these types that it contains, that matches.

    `codes` are the numbers of the types; `nested`: the resource may be a contained one itself. `names` is the position
    of the numbers under which the types' canonical URLs are, None where no canonical refers.
    """

    sources: int
    types: int
    codes: int
    where: All
    nested: bool
    names: int | None = None


class Referring(Struct, frozen=True, kw_only=True):
    """Something that matches refers to the resource, perhaps by one of its URLs, which stand under `names`.

    `subject`: as the patient that it is about, which rows of its other references tell.
    """

    sources: int
    where: All
    names: int | None = None
    subject: bool = False


class Containing(Struct, frozen=True, kw_only=True):
    """The resource contains something that matches, among the `kinds` of contained resources."""

    kinds: Leaf
    where: All


class Paired(Struct, frozen=True, kw_only=True):
    """All of the parts hold, which their values as pairs lead to: `lead` finds those, and nothing else.

    `by`: what tells the date apart that is kept beside a pair, see `Sorted.parameter`.
    """

    lead: Leaf
    parts: tuple[Node, ...]
    by: int


class OneOf(Struct, frozen=True, kw_only=True):
    """At least one holds."""

    nodes: tuple[Node, ...]


class Negated(Struct, frozen=True, kw_only=True):
    """It does not hold. Where it does not, `instead` does, which an index finds: other codes, or no value.

    `exact`: only there.
    """

    node: Node
    instead: Node | None = None
    exact: bool = False


class All(Struct, frozen=True, kw_only=True):
    """All of them hold."""

    nodes: tuple[Node, ...]


class Excepted(Struct, frozen=True, kw_only=True):
    """The resource is of one of the types at the position, if there is one, or contained where that is asked."""

    types: int | None
    contained: bool


Node = Leaf | Paired | Joined | Linked | Referring | Containing | OneOf | Negated | Excepted


class Shape(Struct, frozen=True, kw_only=True, cache_hash=True):
    """A query without its values; `arrays` are the SQL types of the lists of values by position.

    The first list holds the types that are searched, the second the least likeness of each. `by_key`: the keys give the
    order of the results, whatever leads to them; `inner`: they are those of contained resources.
    """

    where: All
    sort: tuple[Sorted, ...]
    arrays: tuple[str, ...]
    by_key: bool = False
    inner: bool = False


class ShapedQuery(Struct, frozen=True, kw_only=True):
    """A query's shape, and its lists of values.

    With `others`, what any of the shapes matches is one result in the order of the keys.
    """

    shape: Shape
    others: tuple[Shape, ...] = ()
    values: tuple[list[Any], ...]


TYPES: Final = 0
"""The position of the types that are searched."""
LIKENESSES: Final = 1
"""The position of the least likenesses of these types."""


class Asked(Struct, frozen=True, kw_only=True):
    """What criteria are asked of: resources of types, whose `position` it is, and contained ones of the same types.

    `contained` names these types, none where contained resources are not asked; `resources`: others are.
    """

    position: int
    contained: tuple[str, ...] = ()
    resources: bool = True

    @property
    def both(self) -> bool:
        """Whether both are asked."""
        return self.resources and bool(self.contained)

    def numbers(self, sources: Sequence[int]) -> tuple[int, ...]:
        """The numbers under which sources have the values of all of them."""
        own = tuple(sources) if self.resources else ()
        return (*own, *map(inner_number, sources)) if self.contained else own
