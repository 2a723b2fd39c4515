"""Statements → the tree of a profile: those of the base first, each narrowing what is said already.

https://hl7.org/fhir/R4/profiling.html. What cannot be a narrowing is refused; a statement that is laxer than its base
changes nothing and is noted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from service.fhir.profile.node import Kind, Node, maximum
from service.fhir.profile.statement import UNBOUNDED, StatedSlicing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from service.fhir.definitions import Definitions, Element, ElementType
    from service.fhir.profile.problem import Report
    from service.fhir.profile.statement import Segment, StatedType, Statement, Value

CORE: Final = "http://hl7.org/fhir/StructureDefinition/"
_BY_URL: Final = StatedSlicing(discriminators=(("value", "url"),), rules="open", ordered=False)
_BY_TYPE: Final = StatedSlicing(discriminators=(("type", "$this"),), rules="open", ordered=False)


class Tree:
    """The tree of one profile; `type_of` tells the resource type of a profile by its canonical, None if not held."""

    def __init__(
        self, definitions: Definitions, type_name: str, type_of: Callable[[str], str | None], report: Report
    ) -> None:
        self._definitions = definitions
        self._type_of = type_of
        self._report = report
        kind = Kind(code=type_name)
        self.root = Node(id=type_name, owner=type_name, element=None, kinds=(kind,), min=0, max=UNBOUNDED)

    def apply(self, statements: Iterable[Statement]) -> None:
        """Narrow the tree by what is stated."""
        for statement in statements:
            node = self._found(statement)
            if node is not None:
                self._narrow(node, statement)

    def settle(self) -> None:
        """All is stated: slices are told by their url or type where nothing else is said."""
        self._settle_slicing(self.root)

    def _found(self, statement: Statement) -> Node | None:
        node: Node | None = self.root
        for number, segment in enumerate(statement.place):
            if node is None:
                return None
            last = number == len(statement.place) - 1
            node = self._step(node, segment, statement.id, defines=last)
        return node

    def _step(self, node: Node, segment: Segment, element_id: str, *, defines: bool) -> Node | None:
        """The child of a node; a slice is made where an element `defines` it."""
        name = segment.name.removesuffix("[x]")
        child = node.children.get(name) or self._child(node, name, element_id)
        if child is None:
            return self._by_json_name(node, segment, element_id)
        if child.choice != segment.name.endswith("[x]"):
            self._report.refuse(element_id, f"R4 writes {child.name}{'[x]' if child.choice else ' without [x]'}")
            return None
        node.children[name] = child
        if not segment.slice:
            return child
        if segment.slice not in child.slices:
            if not defines:
                self._report.refuse(element_id, f"there is no slice {segment.slice} to say this of")
                return None
            child.slices[segment.slice] = _slice(child, segment.slice)
            if child.choice and segment.slice in child.keys:
                self._only_as(child.slices[segment.slice], segment.slice)
        return child.slices[segment.slice]

    def _by_json_name(self, node: Node, segment: Segment, element_id: str) -> Node | None:
        """``valueQuantity`` for what ``value[x]`` is when it is a Quantity: a slice by type."""
        for element in self._elements(node, element_id) or ():
            if element.choice and segment.name in {name for name, _ in element.json_names()}:
                if segment.slice:
                    self._report.refuse(element_id, f"a slice of {element.name}[x] is written with [x]")
                    return None
                child = node.children.setdefault(element.name, self._node(node, element))
                found = child.slices.setdefault(segment.name, _slice(child, segment.name))
                self._only_as(found, segment.name)
                return found
        kinds = " or ".join(kind.code for kind in node.kinds)
        self._report.refuse(element_id, f"R4 has no element {segment.name} here, in {kinds}")
        return None

    def _only_as(self, node: Node, key: str) -> None:
        node.kinds = tuple(kind for kind in node.kinds if node.key_of(kind) == key)

    def _child(self, node: Node, name: str, element_id: str) -> Node | None:
        found = [element for element in self._elements(node, element_id) or () if element.name == name]
        return self._node(node, found[0]) if found else None

    def _node(self, parent: Node, element: Element) -> Node:
        """A child as R4 defines it; of a slice, with the types that the child has in every item."""
        mark = "[x]" if element.choice else ""
        of_all = parent.slice_of.children.get(element.name) if parent.slice_of else None
        return Node(
            id=f"{parent.id}.{element.name}{mark}",
            owner=element.path.partition(".")[0],
            element=element,
            kinds=of_all.kinds if of_all else tuple(_kind(each) for each in element.types),
            min=element.min,
            max=maximum(element),
        )

    def _elements(self, node: Node, element_id: str) -> Sequence[Element] | None:
        """The elements that R4 has inside of a node; None is reported."""
        element = node.element
        if element is not None and element.content is not None:
            return self._content(element.content)
        if element is not None and element.children:
            return element.children
        if len(node.kinds) != 1:
            self._report.refuse(element_id, f"{node.name} must have one type before its elements are constrained")
            return None
        return self._definitions.type(node.kinds[0].code).elements

    def _content(self, path: str) -> Sequence[Element]:
        owner, *names = path.split(".")
        elements = self._definitions.type(owner).elements
        for name in names:
            elements = next(element.children for element in elements if element.name == name)
        return elements

    def _narrow(self, node: Node, statement: Statement) -> None:
        self._narrow_count(node, statement)
        if statement.types is not None and node.element is not None:
            self._narrow_types(node, statement.types, statement.id)
        for mine, stated in (
            (node.fixed, statement.fixed),
            (node.patterns, statement.pattern),
            (node.least, statement.least),
            (node.most, statement.most),
        ):
            self._add(node, mine, stated, statement.id)
        if statement.max_length is not None:
            node.max_length = min(statement.max_length, node.max_length or statement.max_length)
        if statement.binding is not None and statement.binding not in node.bindings:
            node.bindings.append(statement.binding)
        for constraint in statement.constraints:
            node.constraints.setdefault(constraint.key, constraint)
        if statement.slicing is not None:
            node.slicing = _stricter(node.slicing, statement.slicing)

    def _narrow_count(self, node: Node, statement: Statement) -> None:
        if node.element is None:
            return
        least, most = statement.min, statement.max
        if (least is not None and least < node.min) or (most is not None and most > node.max and not node.slice_of):
            self._report.note(statement.id, f"its base demands {_range(node)} already, which stands")
        node.min = max(node.min, least or 0)
        node.max = min(node.max, UNBOUNDED if most is None else most)
        if node.min > node.max:
            self._report.refuse(statement.id, f"at least {node.min} and at most {node.max} contradict each other")

    def _narrow_types(self, node: Node, stated: Sequence[StatedType], element_id: str) -> None:
        kinds: list[Kind] = []
        for each in stated:
            known = [kind for kind in node.kinds if self._is_a(each.code, kind.code)]
            if not known:
                allowed = " or ".join(kind.code for kind in node.kinds)
                self._report.refuse(element_id, f"the type {each.code} is none of those that its base has: {allowed}")
                continue
            kinds.append(self._kind(known[0], each, element_id))
        node.kinds = tuple(_united(kinds)) or node.kinds

    def _kind(self, known: Kind, stated: StatedType, element_id: str) -> Kind:
        return Kind(
            code=stated.code,
            targets=self._targets(known, stated, element_id),
            profiles=tuple(dict.fromkeys(each for each in stated.profiles if not self._is_core(each)))
            or known.profiles,
            aggregation=stated.aggregation or known.aggregation,
        )

    def _targets(self, known: Kind, stated: StatedType, element_id: str) -> tuple[str, ...]:
        if stated.targets is None:
            return known.targets
        found: list[str] = []
        for canonical in stated.targets:
            name = canonical.partition("|")[0].removeprefix(CORE)
            if name in ("Resource", "DomainResource"):
                return known.targets
            if name not in self._definitions.all_type_names:
                self._report.note(element_id, f"whether a referenced resource meets {canonical} is not checked")
                of_profile = self._type_of(canonical)
                if of_profile is None:
                    return known.targets
                name = of_profile
            found.append(name)
        return tuple(dict.fromkeys(found))

    def _is_a(self, name: str, ancestor: str) -> bool:
        known = name in self._definitions.data_type_names or name in self._definitions.all_type_names
        return name == ancestor or (known and self._definitions.is_a(name, ancestor))

    def _is_core(self, canonical: str) -> bool:
        """Whether a profile is R4's own of a data type (SimpleQuantity), whose rules R4's validator has."""
        return canonical.partition("|")[0] in (f"{CORE}SimpleQuantity", f"{CORE}MoneyQuantity")

    def _add(self, node: Node, known: list[Value], stated: Value | None, element_id: str) -> None:
        if stated is None or stated in known:
            return
        if not any(self._is_a(stated.type, kind.code) for kind in node.kinds):
            allowed = " or ".join(kind.code for kind in node.kinds) or "BackboneElement"
            self._report.refuse(element_id, f"a value of type {stated.type} is given for {allowed}")
            return
        known.append(stated)

    def _settle_slicing(self, node: Node) -> None:
        """Slices that nothing tells apart: extensions are told by url, choices by type, others not at all."""
        if node.slices and node.slicing is None and node.element is not None:
            if node.choice:
                node.slicing = _BY_TYPE
            elif [kind.code for kind in node.kinds] == ["Extension"]:
                node.slicing = _BY_URL
            else:
                self._report.refuse(node.id, "there are slices, but no slicing that says how to tell them apart")
        for child in (*node.children.values(), *node.slices.values()):
            self._settle_slicing(child)


def _kind(of: ElementType) -> Kind:
    return Kind(code=of.code, targets=() if "Resource" in of.targets else of.targets)


def _slice(node: Node, name: str) -> Node:
    return Node(
        id=f"{node.id}:{name}",
        owner=node.owner,
        element=node.element,
        kinds=node.kinds,
        min=0,
        max=node.max,
        slice_of=node,
    )


def _united(kinds: Iterable[Kind]) -> list[Kind]:
    """One of each code, with the targets and profiles of all of that code."""
    found: dict[str, Kind] = {}
    for kind in kinds:
        other = found.get(kind.code)
        if other is None:
            found[kind.code] = kind
            continue
        both = other.targets and kind.targets
        found[kind.code] = replace(
            other,
            targets=tuple(dict.fromkeys((*other.targets, *kind.targets))) if both else (),
            profiles=tuple(dict.fromkeys((*other.profiles, *kind.profiles)))
            if other.profiles and kind.profiles
            else (),
        )
    return list(found.values())


def _stricter(known: StatedSlicing | None, stated: StatedSlicing) -> StatedSlicing:
    """The slicing of a base with what a profile of it adds: discriminators, an order, an end to what may follow."""
    if known is None:
        return stated
    order = ("open", "openAtEnd", "closed")
    return StatedSlicing(
        discriminators=tuple(dict.fromkeys((*known.discriminators, *stated.discriminators))),
        rules=max(known.rules, stated.rules, key=order.index),
        ordered=known.ordered or stated.ordered,
    )


def _range(node: Node) -> str:
    return f"{node.min}..{'*' if node.max == UNBOUNDED else node.max}"
