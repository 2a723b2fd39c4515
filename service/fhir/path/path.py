"""A compiled FHIRPath."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from service.fhir.path.code import NO_VARIABLES, Scope
from service.fhir.path.compiler import Compiler
from service.fhir.path.error import PathError
from service.fhir.path.item import Items, Node, plain, root_node
from service.fhir.path.navigation import this_code
from service.fhir.path.parser import parse
from service.fhir.path.shape import shapes_of
from service.fhir.path.syntax import Member, true_without

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.fhir.definitions import Definitions
    from service.fhir.path.code import Fetch, Truth
    from service.fhir.path.shape import Shape, Slot

Result = TypeVar("Result")

_PLAIN: Final = frozenset({str, dict, bool, int, Decimal})


class Path:
    """A compiled FHIRPath; immutable, and safe to share.

    Every method evaluates on an item of decoded JSON: a resource, a value of a data type, a backbone element or a
    primitive. They raise PathError where the path has no meaning for the content, such as several items where
    FHIRPath expects one, and nothing else.
    """

    __slots__ = ("_items", "_shape", "_truth", "expression", "on_nodes")

    def __init__(self, expression: str, items: Fetch, truth: Truth, shape: Shape, *, on_nodes: bool) -> None:
        self.expression = expression
        self.on_nodes = on_nodes
        self._items = items
        self._truth = truth
        self._shape = shape

    def __repr__(self) -> str:
        return f"Path({self.expression!r})"

    def evaluate(
        self,
        content: Any,
        *,
        resource: Any | None = None,
        root: Any | None = None,
        variables: Mapping[str, Any] = NO_VARIABLES,
    ) -> list[Any]:
        """The items that the path finds, as plain JSON; what it finds of the content is the content's own.

        `resource` is ``%resource`` (default: `content`) and `root` is ``%rootResource`` (default: `resource`).
        Primitives that have extensions but no value are left out.
        """
        found = self.run(content, _scope(content, resource, root, variables))
        return [value for item in found if (value := item if type(item) in _PLAIN else plain(item)) is not None]

    def test(
        self,
        content: Any,
        *,
        resource: Any | None = None,
        root: Any | None = None,
        variables: Mapping[str, Any] = NO_VARIABLES,
    ) -> bool:
        """Whether the path, as an invariant, holds: it finds nothing, or true, or a single item that is no boolean."""
        return self.holds(content, _scope(content, resource, root, variables))

    def holds(self, item: Any, scope: Scope) -> bool:
        """`test` in a scope that is shared by the invariants of one resource: the fastest way to run many of them."""
        try:
            return self._truth(item, scope) is not False
        except (ArithmeticError, RecursionError) as error:
            raise _beyond(error) from None

    def affirms(self, item: Any, scope: Scope) -> bool:
        """Whether the path finds true (or a single item that is no boolean); finding nothing is not enough."""
        try:
            return self._truth(item, scope) is True
        except (ArithmeticError, RecursionError) as error:
            raise _beyond(error) from None

    def run(self, item: Any, scope: Scope) -> Items:
        """The items that the path finds in a scope, as they are (nodes, moments, quantities); not to be altered."""
        try:
            return self._items(item, scope)
        except (ArithmeticError, RecursionError) as error:
            raise _beyond(error) from None

    def places(self, content: Any, scope: Scope) -> list[Node]:
        """The items that the path finds in a resource, each in its place; PathError if one has none (a literal).

        The scope must be a new one; its `budget` tells afterwards what the evaluation has left of it.
        """
        start = root_node(content, self._shape)
        scope.resource = scope.root = scope.context = start
        try:
            found = self._items(start, scope)
        except (ArithmeticError, RecursionError) as error:
            raise _beyond(error) from None
        if not all(type(item) is Node for item in found):
            raise PathError("The path finds values that are no part of the resource.")
        return found


def compile_path(
    expression: str,
    *,
    definitions: Definitions | None = None,
    type_name: str | None = None,
    untrusted: bool = False,
    stored: bool = False,
) -> Path:
    """The compiled path of an expression; PathError if it is no FHIRPath, or uses what is not supported.

    `type_name` is what the path starts from: a type ("Observation", "Period") or an element ("Questionnaire.item",
    "RiskAssessment.prediction.probability[x]"). With `definitions`, elements that the type does not have are refused
    and choice elements and types are known exactly; without, they are told by their names. `untrusted` is for paths
    that arrive in requests: it refuses regular expressions, which nothing could stop once they run wild. `stored` is
    for paths of resources that clients have stored: their regular expressions must be such as cannot run wild.
    """
    registry = shapes_of(definitions)
    shapes = registry.alternatives(type_name) if type_name else (registry.unknown,)
    known = None if any(shape.open for shape in shapes) else shapes
    compiler = Compiler(registry, known, untrusted=untrusted, stored=stored)
    try:
        tree = parse(expression)
        code = compiler.compile(tree, this_code(known))
    except RecursionError:
        raise PathError("The path nests too deep.") from None
    shape = shapes[0] if len(shapes) == 1 else registry.unknown
    items, truth = code.items, code.truth
    if compiler.nodes:
        items, truth = _from_node(items, shape), _from_node(truth, shape)
        if (first := true_without(tree)) is not None and len(slots := shape.find(first)) == 1:
            truth = _unless_absent(truth, slots[0])
    return Path(expression, items, truth, shape, on_nodes=compiler.nodes)


def parent_path(expression: str) -> tuple[str, str]:
    """A path that ends in an element as the path to what holds the element and the element's name.

    ``Patient.name.given`` is ``Patient.name`` and ``given``. PathError for a path that ends in anything else.
    """
    tree = parse(expression)
    if not isinstance(tree, Member):
        raise PathError("The path must end in the name of an element.")
    if tree.operand is None:
        return "$this", tree.name
    return expression[: tree.position].rstrip().removesuffix("."), tree.name


def _from_node(evaluate: Callable[[Any, Scope], Result], shape: Shape) -> Callable[[Any, Scope], Result]:
    """An evaluation that starts from the node of plain content."""

    def on_node(item: Any, scope: Scope) -> Result:
        return evaluate(item if type(item) is Node else root_node(item, shape), scope)

    return on_node


def _unless_absent(truth: Truth, slot: Slot) -> Truth:
    """The truth of a path that is true without an element, found out without making a node for most content."""
    key, twin = slot.key, slot.twin

    def unless_absent(item: Any, scope: Scope) -> bool | None:
        if type(item) is dict and key not in item and twin not in item:
            return True
        return truth(item, scope)

    return unless_absent


def _scope(content: Any, resource: Any, root: Any, variables: Mapping[str, Any]) -> Scope:
    around = content if resource is None else resource
    return Scope(resource=around, root=around if root is None else root, context=content, variables=variables)


def _beyond(error: Exception) -> PathError:
    return PathError(f"The path calculates beyond what the service can hold ({type(error).__name__}).")
