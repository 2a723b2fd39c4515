"""FHIRPath syntax as closures, with what the definitions know about the elements on the way.

Two decisions are made here, once, rather than at each evaluation. What does not depend on the item is calculated at
compile time (literals) or once per scope (paths from ``%resource``). And a path runs on plain JSON unless it asks for
a type, or for extensions of primitives, that plain JSON does not show: then `nodes` is set, and it runs on nodes.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, assert_never

from service.fhir.code_systems import LOINC, SNOMED, UCUM
from service.fhir.path import operators
from service.fhir.path.code import NOTHING, Code, Scope, Shapes, constant, of_items, of_truth, remembered
from service.fhir.path.error import PathError
from service.fhir.path.functions import FUNCTIONS, UNSUPPORTED, Invocation
from service.fhir.path.item import Items, is_of, root_node
from service.fhir.path.navigation import member, of_type_name
from service.fhir.path.pattern import is_linear
from service.fhir.path.shape import Wanted, ancestors, fhir_type
from service.fhir.path.syntax import (
    Binary,
    Call,
    Expression,
    Index,
    Literals,
    Member,
    Sign,
    Special,
    TypeTest,
    Variable,
    mentions,
    parts,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.fhir.path.shape import Shapes as ShapeRegistry

_VARIABLES: Final[Mapping[str, str]] = {
    "ucum": UCUM,
    "sct": SNOMED,
    "loinc": LOINC,
}
_PREFIXES: Final[Mapping[str, str]] = {
    "vs-": "http://hl7.org/fhir/ValueSet/",
    "ext-": "http://hl7.org/fhir/StructureDefinition/",
}
_PROJECTING: Final = frozenset({"where", "select", "exists", "all", "repeat", "iif", "aggregate", "trace"})


class Compiler:
    """Compiles one path; afterwards `nodes` says whether it must run on nodes."""

    def __init__(self, registry: ShapeRegistry, start: Shapes, *, untrusted: bool, stored: bool = False) -> None:
        self.nodes = False
        self._registry = registry
        self._start = start
        self._untrusted = untrusted
        self._stored = stored
        self._constant = False

    def compile(self, tree: Expression, focus: Code) -> Code:
        """The code of an expression; `focus` is its ``$this``."""
        if self._constant or not _is_constant(tree):
            return self._code(tree, focus)
        if isinstance(tree, Variable | Literals):
            return self._code(tree, focus)
        self._constant = True
        code = self._code(tree, focus)
        self._constant = False
        return remembered(code) if _has_variable(tree) else _folded(code)

    def _code(self, tree: Expression, focus: Code) -> Code:
        match tree:
            case Literals(items=items):
                return constant(list(items))
            case Special(name=name):
                return self._special(name, focus)
            case Variable(name=name):
                return self._variable(name)
            case Member():
                return self._member(tree, focus)
            case Call():
                return self._call(tree, focus)
            case Index(operand=operand, index=index):
                return operators.index(self.compile(operand, focus), self.compile(index, focus))
            case Sign(negative=negative, operand=operand):
                return operators.sign(self.compile(operand, focus), minus=negative)
            case TypeTest(operator=operator, operand=operand, type=name, position=position):
                return self._type_test(operator, self.compile(operand, focus), name, position)
            case Binary(operator=operator, left=left, right=right):
                one, other = self.compile(left, focus), self.compile(right, focus)
                return operators.binary(operator, one, other)
            case _:
                assert_never(tree)

    def _special(self, name: str, focus: Code) -> Code:
        if name == "this":
            return focus
        if name == "index":
            return of_items(lambda _this, scope: NOTHING if scope.index is None else [scope.index], typed=True)
        return of_items(lambda _this, scope: scope.total)

    def _variable(self, name: str) -> Code:
        if name in _VARIABLES:
            return constant([_VARIABLES[name]])
        for mark, url in _PREFIXES.items():
            if name.startswith(mark):
                return constant([url + name.removeprefix(mark)])
        if name in ("resource", "rootResource", "context"):
            field = "root" if name == "rootResource" else name
            items = self._from_scope(lambda scope: getattr(scope, field))
            return of_items(items, shapes=self._shapes_of(name), typed=True)

        def named(scope: Scope) -> Any:
            if name not in scope.variables:
                raise PathError(f"The path uses %{name}, which is not defined.")
            return scope.variables[name]

        return of_items(self._from_scope(named))

    def _shapes_of(self, variable: str) -> Shapes:
        """``%resource`` has a known shape only where the path starts from a resource or one of its own elements."""
        shape = (self._start or (None,))[0]
        if shape is None or shape.name is None:
            return None
        if variable == "context":
            return self._start
        resource = self._registry.at(shape.name.partition(".")[0])
        kinds = ancestors(resource.name or "")
        return (resource,) if "Resource" in kinds and not resource.open and variable == "resource" else None

    def _from_scope(self, pick: Callable[[Scope], Any]) -> Callable[[Any, Scope], Items]:
        def items(_this: Any, scope: Scope) -> Items:
            found = pick(scope)
            if found is None:
                return NOTHING
            if type(found) is list:
                return found
            if self.nodes and type(found) is dict:
                return [root_node(found, self._registry.of(found))]
            return [found]

        return items

    def _member(self, tree: Member, focus: Code) -> Code:
        if tree.operand is None and tree.name[:1].isupper():
            return self._type_at_start(tree.name, focus)
        operand = focus if tree.operand is None else self.compile(tree.operand, focus)
        if tree.name in ("extension", "id"):
            self._look_behind_primitives(operand, tree.name)
        code = member(operand, tree.name, self._registry.unknown)
        if code is None:
            names = sorted({shape.name or "" for shape in operand.shapes or ()})
            raise PathError(f"{' and '.join(names[:3])} has no element '{tree.name}'", tree.position)
        return code

    def _type_at_start(self, name: str, focus: Code) -> Code:
        if focus.shapes is None:
            return of_items(of_type_name(name), shapes=self._closed(name), typed=name[0].isupper())
        if any(shape.name is not None and name in ancestors(shape.name) for shape in focus.shapes):
            return focus
        return constant(NOTHING)

    def _closed(self, name: str) -> Shapes:
        shape = self._registry.at(name)
        return None if shape.open or name in ("Resource", "DomainResource") else (shape,)

    def _look_behind_primitives(self, operand: Code, name: str) -> None:
        if operand.shapes is None:
            if name == "extension" and not operand.rooted and not operand.typed:
                self.nodes = True
        elif any(shape.primitive for shape in operand.shapes):
            self.nodes = True

    def _call(self, tree: Call, focus: Code) -> Code:
        function = FUNCTIONS.get(tree.name)
        operand = focus if tree.operand is None else self.compile(tree.operand, focus)
        if tree.name == "ofType":
            kind = type_name(tree.arguments[0]) if len(tree.arguments) == 1 else None
            if kind is None:
                raise PathError("ofType() takes the name of a type", tree.position)
            return self._type_test("as", operand, kind, tree.position)
        if function is None:
            raise _no_function(tree)
        if not function.least <= len(tree.arguments) <= function.most:
            raise PathError(f"{tree.name}() does not take {len(tree.arguments)} arguments", tree.position)
        if function.pattern and self._untrusted:
            raise PathError(f"{tree.name}() is not available in the paths of requests", tree.position)
        if function.pattern and self._stored and not _takes_linear_time(tree):
            raise PathError(f"{tree.name}() needs a regular expression without look-around here", tree.position)
        if tree.name in ("extension", "hasExtension"):
            self._look_behind_primitives(operand, "extension")
        return function.build(
            Invocation(
                name=tree.name,
                operand=operand,
                arguments=tree.arguments,
                focus=focus,
                unknown=self._registry.unknown,
                position=tree.position,
                compile=self._argument,
            )
        )

    def _argument(self, tree: Expression, focus: Code) -> Code:
        """An argument may depend on the item although the call it stands in does not."""
        outer, self._constant = self._constant, False
        code = self.compile(tree, focus)
        self._constant = outer
        return code

    def _type_test(self, operator: str, operand: Code, specifier: str, position: int) -> Code:
        wanted = Wanted(fhir_type(specifier), exact=operator == "as")
        if not self._registry.knows(wanted.name):
            raise PathError(f"R4 has no type '{specifier}'", position)
        narrowed = operand.narrow(wanted) if operand.narrow is not None else None
        if narrowed is None and not operand.typed:
            self.nodes = True
        if operator == "as":
            return narrowed or self._filtered(operand, wanted)
        single, exists = operand.scalar, narrowed.exists if narrowed else None

        def truth(this: Any, scope: Scope) -> bool | None:
            item = single(this, scope)
            if item is None:
                return None
            return exists(this, scope) if exists else is_of(item, wanted)

        return of_truth(truth)

    def _filtered(self, operand: Code, wanted: Wanted) -> Code:
        source = operand.items

        def items(this: Any, scope: Scope) -> Items:
            return [item for item in source(this, scope) if is_of(item, wanted)]

        return of_items(items, shapes=self._closed(wanted.name), typed=operand.typed)


def _takes_linear_time(tree: Call) -> bool:
    """Whether a call with a regular expression has one that is written down, and that takes linear time."""
    pattern = tree.arguments[0]
    text = pattern.items[0] if isinstance(pattern, Literals) and len(pattern.items) == 1 else None
    return tree.name in ("matches", "matchesFull") and isinstance(text, str) and is_linear(text)


def _folded(code: Code) -> Code:
    """The value of literals; an error in them is one of evaluation, because the branch may never be taken."""
    try:
        return constant(code.items(None, Scope()))
    except PathError:
        return code


def _no_function(tree: Call) -> PathError:
    if tree.name in UNSUPPORTED:
        return PathError(f"{tree.name}() is not supported: it {UNSUPPORTED[tree.name]}", tree.position)
    near = get_close_matches(tree.name, FUNCTIONS, n=1)
    hint = f"; did you mean {near[0]}()?" if near else ""
    return PathError(f"FHIRPath has no function {tree.name}(){hint}", tree.position)


def _is_constant(tree: Expression) -> bool:
    """Whether an expression does not depend on the item that the path stands on."""
    match tree:
        case Literals() | Variable():
            return True
        case Special() | Member(operand=None) | Call(operand=None):
            return False
        case Call(operand=operand, name=name, arguments=arguments) if operand is not None:
            if not _is_constant(operand) or any(mentions(argument, ("total",)) for argument in arguments):
                return False
            return name in _PROJECTING or all(_is_constant(argument) for argument in arguments)
        case _:
            return all(_is_constant(part) for part in parts(tree))


def _has_variable(tree: Expression) -> bool:
    return isinstance(tree, Variable) or any(_has_variable(part) for part in parts(tree))
