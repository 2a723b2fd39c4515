"""Chains and reverse chains: the links of a parameter's name, and the types that they lead to.

``subject:Patient.organization.name`` follows references, ``_has:Observation:patient:code`` follows them backwards; the
two nest in any order. https://hl7.org/fhir/R4/search.html#chaining and https://hl7.org/fhir/R4/search.html#has
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.outcome import failure
from service.fhir.search.modifiers import check_modifier
from service.fhir.search.query import And, AnyOf, Chain, Has, Not
from service.fhir.search.restriction import check_chain
from service.fhir.search.scope import JOINS

if TYPE_CHECKING:
    from service.fhir.outcome import FhirError
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.query import Criterion
    from service.fhir.search.scope import Scope

_REVERSE_PARTS: Final = 4
_TYPES_NAMED: Final = 12
_HAS_FORM: Final = "_has takes the form _has:Type:reference-parameter:search-parameter"


class Link(Struct, frozen=True, kw_only=True):
    """One step from resource to resource: to the `types` that `parameter` refers to, or back to those that refer."""

    parameter: SearchParameter
    types: tuple[str, ...]
    reverse: bool

    def around(self, criterion: Criterion | Not) -> Chain | Has:
        """What demands that the linked resource matches the criterion."""
        inner = And(criteria=(criterion,))
        if self.reverse:
            return Has(type=self.types[0], parameter=self.parameter, where=inner)
        return Chain(parameter=self.parameter, types=self.types, where=inner)


class Followed(Struct, frozen=True, kw_only=True):
    """The links of a name, and its last part with the scope that gives it its meaning."""

    links: tuple[Link, ...]
    scope: Scope
    name: str


def link_count(criterion: Criterion | Not) -> int:
    """How many links a criterion has, however they nest."""
    match criterion:
        case Not(criterion=inner):
            return link_count(inner)
        case Chain(where=inner) | Has(where=inner):
            return 1 + sum(link_count(each) for each in inner.criteria)
        case AnyOf(criteria=criteria):
            return sum(link_count(each) for each in criteria)
    return 0


def follow(scope: Scope, name: str) -> Followed:
    """The links of a parameter's name, none for a plain one.

    FhirError says which link cannot be followed; where that is, the caller knows best.
    """
    links: list[Link] = []
    while True:
        if name.partition(":")[0] == "_has":
            link, name = _backwards(scope, name)
        elif "." in name:
            link, name = _forwards(scope, name, inside=bool(links))
        else:
            return Followed(links=tuple(links), scope=scope, name=name)
        links.append(link)
        if len(links) > scope.limits.chain:
            text = f"A chain takes at most {scope.limits.chain} links."
            raise failure("too-costly", text)
        scope = scope.of(*link.types)


def _backwards(scope: Scope, name: str) -> tuple[Link, str]:
    parts = name.split(":", _REVERSE_PARTS - 1)
    if len(parts) != _REVERSE_PARTS or not all(parts):
        raise failure("parameter-value", f"{_HAS_FORM}.")
    _, referring, code, rest = parts
    if referring not in scope.registry.definitions.resource_types:
        raise failure("parameter-value", f"{_HAS_FORM}; the type is not one that the service serves.")
    parameter = scope.of(referring).parameter(code, inside=True)
    _check_followed(parameter)
    if parameter.targets and not set(scope.types) & set(parameter.targets):
        text = f"{referring}.{code} refers to {_listed(parameter.targets)}, not to {_listed(scope.types)}."
        raise failure("parameter-value", text)
    return Link(parameter=parameter, types=(referring,), reverse=True), rest


def _forwards(scope: Scope, name: str, *, inside: bool) -> tuple[Link, str]:
    head, _, rest = name.partition(".")
    code, colon, named = head.partition(":")
    if not rest:
        raise failure("parameter-value", f"{code} is followed by a dot and nothing else.")
    parameter = scope.parameter(code, inside=inside)
    _check_followed(parameter)
    served = scope.registry.definitions.resource_types
    targets = tuple(each for each in parameter.targets or served if each in served)
    if not targets:
        text = f"{code} refers to {_listed(parameter.targets)}, which the service does not serve."
        raise failure("parameter-unsupported", text)
    if colon and named not in targets:
        raise failure("modifier-unsupported", f"{code} refers to {_listed(targets)}.")
    if colon and parameter.restriction.modifiers is not None:
        check_modifier(parameter, named)
    following = rest.partition(".")[0].partition(":")[0]
    check_chain(parameter, following)
    types = (named,) if colon else _that_know(scope, parameter, targets, following)
    return Link(parameter=parameter, types=types, reverse=False), rest


def _check_followed(parameter: SearchParameter) -> None:
    if parameter.kind != "reference":
        text = f"{parameter.code} is a {parameter.kind} parameter; chains follow references only."
        raise failure("parameter-value", text)


def _that_know(scope: Scope, parameter: SearchParameter, targets: tuple[str, ...], following: str) -> tuple[str, ...]:
    """The targets that have the next parameter, which must mean the same for all of them."""
    if following in JOINS:
        return targets
    registry = scope.registry
    if coming := [each for each in targets if following in registry.being_indexed(each)]:
        raise scope.of(*coming).unknown(following, inside=True)
    types = tuple(each for each in targets if following in registry.parameters(each))
    if not types:
        raise _unknown_to_all(scope, parameter, targets, following)
    if following not in registry.shared_parameters(types):
        text = (
            f"{following} differs between the types that {parameter.code} refers to; "
            f"name one of {', '.join(types)}, as in {parameter.code}:{types[0]}.{following}."
        )
        raise failure("parameter-value", text)
    return types


def _unknown_to_all(scope: Scope, parameter: SearchParameter, targets: tuple[str, ...], following: str) -> FhirError:
    if len(targets) == 1 or following in scope.of(*targets).unsupported():
        return scope.of(*targets).unknown(following, inside=True)
    text = f"None of the types that {parameter.code} refers to ({_listed(targets)}) has such a search parameter."
    return failure("parameter-unknown", text)


def _listed(types: tuple[str, ...]) -> str:
    if len(types) <= _TYPES_NAMED:
        return ", ".join(types)
    return f"{len(types)} types"
