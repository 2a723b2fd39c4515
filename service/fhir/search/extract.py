"""Content → index rows: every value that a search can ask for, in one walk over the resource.

The sources of a type are merged into one tree of JSON properties when the type is first extracted; a resource's own
properties lead the walk, so what is absent costs nothing. An expression that is no plain path is evaluated as FHIRPath.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from service.fhir.path import compile_path
from service.fhir.reference import identity_of, type_code
from service.fhir.search.contained import (
    CONTAINED,
    NO_PLACES,
    contained_number,
    container_number,
    inner_number,
    places,
)
from service.fhir.search.expression import Where
from service.fhir.search.parameter import MEDIA_TYPES
from service.fhir.search.types import SEARCH_TYPES
from service.fhir.search.types.reference import NOT_LITERAL
from service.fhir.search.types.search_type import FurtherNumbers, Rows
from service.fhir.search.types.string import add_sounds
from service.fhir.search.types.token import add_media_type
from service.fhir.search.types.uri import versioned

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo
    from uuid import UUID

    from service.fhir.path import Path as FhirPath
    from service.fhir.resource import Content
    from service.fhir.search.contained import RowsName
    from service.fhir.search.expression import Path
    from service.fhir.search.parameter import Source
    from service.fhir.search.registry import Registry
    from service.fhir.search.types.search_type import Extract

IndexRows = dict["RowsName", list[tuple[Any, ...]]]
"""Index table → rows, in the order of its columns after `resource_key`:

token (source, element, system, code, pair, pair_at), reference (source, element, target_type, target, subject), string
(source, element, value, exact), date (source, element, low, high), uri (source, element, value), quantity (source,
element, low, high, system, code, unit, canonical_unit, canonical_low, canonical_high), numbers among them. `element` is
the ordinal of the composite's element that the value stands in, 0 where there is none; `subject` is whom the resource
is about, where that is one and the reference is to somebody who acts. `pair` is the digest of a code with whose it is,
`pair_at` the beginning of its date (see `pairs`); what is contained has none.

The rows of a token's texts are strings under the source of the token, with an empty `exact`; those of a reference's
identifier are tokens under the source of the reference (see `SearchParameter.identifier_numbers`); those of an
identifier with its type are tokens under `Source.of_type_number`, with the digest of the type's ``system|code``; parts
of texts longer than 256 characters are strings under `Source.parts_number`, with an empty `exact`.

The rows of contained resources stand apart, under the names of `CONTAINED`: before their columns is the number of the
contained resource, and their sources are those of `inner_number`.
"""

_MOST_ELEMENTS: Final = 32_767
"""What a smallint holds; the elements of a resource with more of them, more than a megabyte, share the last ordinal."""


class Node(Struct):
    """A place in the tree of properties: what is extracted here, what is kept, and where it goes on.

    Where a composite's values have to stand together, the node is `numbered`: its values get ordinals. Most places are
    the end of the walk and have one thing extracted, which is the node's `only`; `finished` knows them.
    """

    leaves: list[tuple[Extract, int]] = field(default_factory=list)
    children: dict[str, Node] = field(default_factory=dict)
    filters: dict[Where, Node] = field(default_factory=dict)
    numbered: bool = False
    only: tuple[Extract, int] | None = None

    def at(self, path: Path) -> Node:
        """The node that a path leads to, made where it is not there yet."""
        node = self
        for step in path.steps:
            if isinstance(step, Where):
                node = node.filters.setdefault(step, Node())
            else:
                node = node.children.setdefault(step, Node())
        return node

    def finished(self) -> Node:
        """The node itself, once nothing is added any more."""
        if len(self.leaves) == 1 and not (self.children or self.filters or self.numbered):
            self.only = self.leaves[0]
        for node in (*self.children.values(), *self.filters.values()):
            node.finished()
        return self

    def visit(self, value: Any, rows: Rows) -> None:
        """Extract from a value, or from each item of an array."""
        if type(value) is list:
            for item in value:
                self.visit(item, rows)
            return
        if value is None:
            return
        if not self.numbered:
            self._enter(value, rows)
            return
        rows.ordinal = min(rows.ordinal + 1, _MOST_ELEMENTS)
        rows.element = rows.ordinal
        self._enter(value, rows)
        rows.element = 0

    def _enter(self, value: Any, rows: Rows) -> None:
        for extract, number in self.leaves:
            extract(value, number, rows)
        if self.children:
            self._descend(value, rows)
        if self.filters:
            for where, node in self.filters.items():
                if value.get(where.field) == where.value:
                    node.visit(value, rows)

    def _descend(self, value: Any, rows: Rows) -> None:
        children = self.children
        for name, inner in value.items():
            child = children.get(name)
            if child is None:
                continue
            only = child.only
            if only is None:
                child.visit(inner, rows)
            elif type(inner) is not list:
                only[0](inner, only[1], rows)
            else:
                for item in inner:
                    if item is not None:
                        only[0](item, only[1], rows)


class _Tree(Struct, frozen=True):
    root: Node
    evaluated: tuple[tuple[FhirPath, Extract, int], ...]
    further: FurtherNumbers


class Extractor:
    """Extracts index rows. `zone` is that of dates without one."""

    def __init__(self, registry: Registry, *, zone: tzinfo = UTC) -> None:
        self._registry = registry
        self._zone = zone
        self._types = registry.definitions.all_type_names
        self._trees: dict[str, _Tree] = {}

    def of(self, registry: Registry) -> Extractor:
        """The extractor for a registry that differs in its stored parameters; what else is compiled is shared."""
        found = Extractor(registry, zone=self._zone)
        concerned = {each for stored in (*registry.stored, *self._registry.stored) for each in stored.facts}
        found._trees = {each: tree for each, tree in self._trees.items() if each not in concerned}
        return found

    def rows(self, resource_type: str, content: Content, base: str) -> IndexRows:
        """The index rows of valid content, each once; kinds without any are left out."""
        contained = content.get("contained")
        if not contained:
            return self._walked(resource_type, content, base, NO_PLACES, content).by_table()
        known = places(contained)
        found = self._walked(resource_type, content, base, known, content).by_table()
        kinds: set[str] = set()
        for number, inner in enumerate(contained, start=1):
            kind = inner["resourceType"]
            if kind in self._registry.definitions.resource_types:
                _add_contained(found, number, inner, self._walked(kind, inner, base, known, content))
                kinds.add(kind)
        contains = [(container_number(kind), 0, type_code(kind), NOT_LITERAL, None) for kind in sorted(kinds)]
        if contains:
            found.setdefault("reference", []).extend(contains)
        return found

    def _walked(
        self, resource_type: str, content: Content, base: str, known: Mapping[str, tuple[int, UUID]], root: Content
    ) -> Rows:
        """The rows of a resource, or of one that `root` contains."""
        tree = self._trees.get(resource_type)
        if tree is None:
            tree = self._trees[resource_type] = self._compile(resource_type)
        rows = Rows(
            base=base,
            types=self._types,
            zone=self._zone,
            further=tree.further,
            places=known,
            root=root,
            version=content.get("version"),
        )
        tree.root.visit(content, rows)
        for path, extract, number in tree.evaluated:
            for value in path.evaluate(content):
                extract(value, number, rows)
        return rows

    def _compile(self, resource_type: str) -> _Tree:
        root = Node()
        evaluated: list[tuple[FhirPath, Extract, int]] = []
        for source in self._registry.sources(resource_type):
            extractors = SEARCH_TYPES[source.kind].extractors
            if source.evaluated:
                path = compile_path(source.expression, definitions=self._registry.definitions, type_name=resource_type)
                evaluated.append((path, extractors[source.evaluated], source.number))
            else:
                for leaf in source.paths:
                    root.at(leaf).leaves.append((_extract(source, leaf), source.number))
        for element in self._registry.composed_elements(resource_type):
            root.at(element).numbered = True
        return _Tree(root.finished(), tuple(evaluated), self._further_numbers(resource_type))

    def _further_numbers(self, resource_type: str) -> FurtherNumbers:
        restricted: dict[int, dict[int, int]] = {}
        for parameter in self._registry.indexed(resource_type):
            if parameter.restricted_to is not None:
                numbers = zip(parameter.source_numbers, parameter.identifier_numbers, strict=True)
                for number, further in numbers:
                    restricted.setdefault(number, {})[type_code(parameter.restricted_to)] = further
        sources = self._registry.sources(resource_type)
        indexed = self._registry.indexed(resource_type)
        return FurtherNumbers(
            subject=frozenset(number for each in indexed if each.is_subject for number in each.source_numbers),
            of_type={source.number: source.of_type_number for source in sources if source.of_type_number},
            parts={source.number: source.parts_number for source in sources if source.parts_number},
            identifier={number: tuple(each.items()) for number, each in restricted.items()},
            pair=next((each.pair for each in indexed if each.pair), None),
        )


def _add_contained(found: IndexRows, number: int, inner: Content, rows: Rows) -> None:
    """The rows of a contained resource, and those that tell of it."""
    for kind, several in rows.by_table(paired=False).items():
        moved = [(number, inner_number(source), *values) for source, *values in several]
        found.setdefault(CONTAINED[kind], []).extend(moved)
    resource_type = inner["resourceType"]
    code = type_code(resource_type)
    said = found.setdefault(CONTAINED["reference"], [])
    said.append((number, contained_number(resource_type), 0, code, NOT_LITERAL, None))
    if "id" in inner:
        identity = identity_of(resource_type, inner["id"])
        said.append((number, contained_number(resource_type), 0, code, identity, None))


def _extract(source: Source, path: Path) -> Extract:
    if source.phonetic:
        return add_sounds
    if source.kind == "token" and path.binding == MEDIA_TYPES:
        return add_media_type
    return versioned(source.url_number) if source.versioned else SEARCH_TYPES[source.kind].extractors[path.type]
