"""One search parameter of a request → a criterion, or a refusal that names the parameter and what it takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from service.fhir.outcome import FhirError, failure, located_at
from service.fhir.reference import identity_of, parse_local
from service.fhir.resource import LOGICAL_ID
from service.fhir.search.modifiers import CODE_MODIFIERS, check_modifier
from service.fhir.search.parse_chain import follow
from service.fhir.search.query import (
    And,
    AnyOf,
    CodesOperand,
    CompositeValue,
    DateValue,
    Has,
    Identified,
    InCodes,
    Matches,
    Not,
    Present,
    QuantityValue,
    ReferenceValue,
    TokenValue,
    Updated,
)
from service.fhir.search.restriction import check_operands, check_prefix
from service.fhir.search.scope import where
from service.fhir.search.separators import is_escaped, split, unescape
from service.fhir.search.types import SEARCH_TYPES
from service.fhir.search.types.search_type import refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.query import CodeRelation, Criterion, Value
    from service.fhir.search.scope import Scope
    from service.fhir.search.types.search_type import Setting

_CANONICAL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s|#]+(?:\|[^\s|#]+)?")
_NEGATIONS: Final = ("not", "not-in")
_UNIT_COST: Final = 10
"""How many plain values a quantity with a unit of a system counts for."""

_BOOLEAN: Final = frozenset({"boolean"})
_CODES_NAMED: Final = 40
"""Accepted codes that a refusal lists; longer lists, such as those of all resource types, would bury it."""


def parse_criterion(scope: Scope, name: str, text: str) -> Criterion | Not:
    """What a parameter demands, links of chains included. Raises FhirError."""
    if "." not in name and not name.startswith("_has"):
        return _plain(scope, name, text, inside=False)
    try:
        followed = follow(scope, name)
        found = _plain(followed.scope, followed.name, text, inside=bool(followed.links))
    except FhirError as error:
        raise located_at(error, where(name)) from error
    for link in reversed(followed.links):
        found = link.around(found)
    return found


def _plain(scope: Scope, name: str, text: str, *, inside: bool) -> Criterion | Not:
    """A parameter without links."""
    code, colon, modifier = name.partition(":")
    if code == "_list":
        return _listed(scope, colon, text)
    parameter = scope.parameter(code, inside=inside)
    if not text:
        raise refused(parameter, "a value; it was sent without one")
    if colon:
        check_modifier(parameter, modifier)
    if modifier == "missing":
        return _missing(parameter, text)
    operands = _operands(scope, code, text)
    check_operands(parameter, operands)
    if parameter.kind == "token" and modifier in CODE_MODIFIERS and not parameter.media_types:
        found: Criterion = _codes(scope, parameter, modifier, operands)
    else:
        found = _compared(scope, parameter, "" if modifier == "not" else modifier, operands)
    return Not(criterion=found) if modifier in _NEGATIONS else found


def _operands(scope: Scope, code: str, text: str) -> list[str]:
    if not is_escaped(text):
        rule = "values in which a backslash stands before a comma, |, $ or another backslash"
        raise failure("parameter-value", f"{code} takes {rule}.", where(code))
    operands = split(text, ",")
    if len(operands) > scope.limits.values:
        raise failure("too-costly", f"{code} takes at most {scope.limits.values} values.", where(code))
    if not all(operands):
        raise failure(
            "parameter-value", f"{code} takes values that are not empty, separated by single commas.", where(code)
        )
    return operands


def _compared(scope: Scope, parameter: SearchParameter, modifier: str, operands: Sequence[str]) -> Criterion:
    match parameter.special:
        case "_id":
            return _identified(scope, parameter, operands)
        case "_lastUpdated":
            return Updated(values=tuple(_date(parameter, operand, scope.setting) for operand in operands))
    read = SEARCH_TYPES[parameter.kind].values
    values: list[Value] = []
    for operand in operands:
        found = read(parameter, modifier or None, operand, scope.setting)
        for value in found:
            _check_bound(parameter, value)
            check_prefix(parameter, value)
        scope.budget.spend(sum(map(_cost, found)), parameter.code)
        values += found
    return Matches(parameter=parameter, values=tuple(values))


def _cost(value: Value) -> int:
    """What a value is compared with, several digests for an id without a type; or what reading its unit takes."""
    match value:
        case ReferenceValue(targets=targets):
            return len(targets)
        case QuantityValue(form="system-and-code"):
            return _UNIT_COST
        case CompositeValue(components=components):
            return sum(map(_cost, components))
    return 1


def _check_bound(parameter: SearchParameter, value: Value) -> None:
    """Refuse a code that no resource can have: a typo would be answered with an empty work list."""
    if isinstance(value, CompositeValue):
        for component, part in zip(parameter.components, value.components, strict=True):
            try:
                _check_bound(component, part)
            except FhirError as error:
                raise located_at(error, where(parameter.code)) from error
    if not isinstance(value, TokenValue):
        return
    if parameter.data_types == _BOOLEAN and value.code not in {"true", "false"}:
        raise refused(parameter, "true or false")
    if not parameter.systems:
        return
    known = frozenset().union(*parameter.systems.values())
    if value.form == "any-code-of" and not value.codes:
        systems = ", ".join(sorted(parameter.systems))
        raise refused(parameter, f"codes of {systems}: {_few(known)}")
    if value.form in {"code", "code-without-system"} and value.code not in known:
        raise refused(parameter, f"the codes {_few(known)}")


def _few(codes: frozenset[str]) -> str:
    listed = sorted(codes)
    if len(listed) <= _CODES_NAMED:
        return ", ".join(listed)
    return f"{', '.join(listed[:_CODES_NAMED])} and {len(listed) - _CODES_NAMED} more"


def _missing(parameter: SearchParameter, text: str) -> Criterion | Not:
    if text not in {"true", "false"}:
        raise failure("parameter-value", f"{parameter.code}:missing takes true or false.", where(parameter.code))
    if parameter.special is not None:  # every resource has an id, and when it was last updated
        never = AnyOf(criteria=())
        return never if text == "true" else Not(criterion=never)
    present = Present(parameter=parameter)
    return Not(criterion=present) if text == "true" else present


def _date(parameter: SearchParameter, text: str, setting: Setting) -> DateValue:
    value: Value = SEARCH_TYPES["date"].parse(parameter, None, text, setting)
    if not isinstance(value, DateValue):
        raise TypeError(type(value))
    return value


def _identified(scope: Scope, parameter: SearchParameter, operands: Sequence[str]) -> Identified:
    if not all(LOGICAL_ID.fullmatch(operand) for operand in operands):
        raise refused(parameter, "logical ids: up to 64 letters, digits, hyphens and dots")
    scope.budget.spend(len(operands) * len(scope.types), parameter.code)
    return Identified(identities=tuple(identity_of(each, operand) for operand in operands for each in scope.types))


def _listed(scope: Scope, colon: str, text: str) -> Has:
    """``_list``: the resource is an item of one of the Lists."""
    if colon:
        raise failure("modifier-unsupported", "_list takes no modifier.", where("_list"))
    ids = [operand.removeprefix("List/") for operand in _operands(scope, "_list", text)]
    if any(each.startswith("$") for each in ids):
        text = "_list takes the ids of Lists; functional lists such as $current-problems are not supported."
        raise failure("parameter-value", text, where("_list"))
    if not all(LOGICAL_ID.fullmatch(each) for each in ids):
        raise failure("parameter-value", "_list takes the ids of Lists.", where("_list"))
    lists = Identified(identities=tuple(identity_of("List", each) for each in ids))
    item = scope.registry.parameters("List")["item"]
    return Has(type="List", parameter=item, where=And(criteria=(lists,)))


def _codes(scope: Scope, parameter: SearchParameter, modifier: str, operands: Sequence[str]) -> InCodes:
    """What value sets or hierarchies say; they are looked up later."""
    if modifier in {"above", "below"}:
        relation: CodeRelation = "above" if modifier == "above" else "below"
        named = tuple(_concept(parameter, operand) for operand in operands)
    else:
        relation, named = "in", tuple(_value_set(scope.setting, parameter, operand) for operand in operands)
    return InCodes(parameter=parameter, relation=relation, operands=named)


def _value_set(setting: Setting, parameter: SearchParameter, operand: str) -> CodesOperand:
    url = unescape(operand)
    local = parse_local(url, setting.base, setting.types)
    if local is not None and local.type == "ValueSet" and local.version_id is None:
        return CodesOperand(url=f"ValueSet/{local.id}")
    if local is not None or not _CANONICAL.fullmatch(url):
        raise refused(parameter, "after :in and :not-in the canonical url of a ValueSet, or ValueSet/id")
    return CodesOperand(url=url)


def _concept(parameter: SearchParameter, operand: str) -> CodesOperand:
    parts = [unescape(part) for part in split(operand, "|")]
    match parts:
        case [code] if code and len(parameter.systems) == 1:
            return CodesOperand(url=next(iter(parameter.systems)), code=code)
        case [system, code] if system and code:
            return CodesOperand(url=system, code=code)
    raise refused(parameter, "after :above and :below a system|code, whose hierarchy decides")
