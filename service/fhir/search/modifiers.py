"""Which modifiers a search parameter takes: those of its type, where the elements that it reads give them a meaning.

https://hl7.org/fhir/R4/search.html#modifiers
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.outcome import failure
from service.fhir.search.nearest import hint_of
from service.fhir.search.types import SEARCH_TYPES

if TYPE_CHECKING:
    from service.fhir.search.parameter import SearchParameter

CODE_MODIFIERS: Final = ("in", "not-in", "above", "below")
"""Modifiers of tokens that ask for sets of codes, which value sets and code systems define."""

UNSUPPORTED_MODIFIERS: Final = {
    ("string", "text"): "the service keeps no full-text index",
    ("reference", "above"): "none of its search parameters declares that its references make a hierarchy",
    ("reference", "below"): "only for canonicals and hierarchies, which the parameter does not refer by",
}
"""Modifiers that R4 defines for a search parameter type and some parameters of it refuse, with the reason."""

_TYPES_NAMED: Final = 12
"""A reference to more types than these may be to nearly any; a list of them all would hide the modifiers."""

_CODED: Final = frozenset({"Coding", "CodeableConcept"})
_NEEDED: Final = {
    **{("token", name): _CODED for name in CODE_MODIFIERS},
    ("token", "text"): frozenset({"Coding", "CodeableConcept", "Identifier"}),
    ("token", "of-type"): frozenset({"Identifier"}),
    ("reference", "identifier"): frozenset({"Reference"}),
    ("reference", "below"): frozenset({"canonical"}),
    ("reference", "[type]"): frozenset({"Reference"}),
}
"""(kind, modifier) → the data types of which a parameter must read at least one."""


def accepted_modifiers(parameter: SearchParameter) -> tuple[str, ...]:
    """The modifiers that a search parameter takes, the target types of a reference included."""
    if parameter.special is not None:
        return ("missing", "not") if parameter.special == "_id" else ("missing",)
    names = [name for name in _declared(parameter) if name != "[type]"]
    return (*names, *_types(parameter))


def check_modifier(parameter: SearchParameter, modifier: str) -> None:
    """Refuse what the parameter does not take, naming the nearest one and what it does."""
    accepted = accepted_modifiers(parameter)
    if modifier in accepted:
        return
    reason = UNSUPPORTED_MODIFIERS.get((parameter.kind, modifier))
    hint = "." if reason else hint_of(modifier, accepted)
    types = _types(parameter) if parameter.special is None else ()
    if len(types) > _TYPES_NAMED:
        accepted = (*(name for name in accepted if name not in types), "or the name of a resource type")
    takes = f"takes the modifiers {', '.join(accepted)}" if accepted else "takes no modifier"
    text = f"{parameter.code} {takes}{hint}"
    if reason:
        text = f"R4 has :{modifier} for parameters of this type, but {reason}. {text}"
    raise failure("modifier-unsupported", text, f"http.{parameter.code}")


def _declared(parameter: SearchParameter) -> list[str]:
    """Those that the parameter may take and, if it is a stored one, lists."""
    allowed = parameter.restriction.modifiers
    return [name for name in _possible(parameter) if allowed is None or name in allowed]


def _possible(parameter: SearchParameter) -> list[str]:
    """Those of the parameter's type that its data types allow; R4 gives composites none.

    Elements of type code have a system, which sets of codes need, only where a binding implies it.
    """
    kind: str = parameter.kind
    if kind == "composite":
        return []
    if parameter.phonetic:
        return ["missing"]
    if parameter.media_types:
        return ["missing", "not", "below"]
    names = dict.fromkeys(["missing", *SEARCH_TYPES[parameter.kind].modifiers])
    if parameter.systems:
        return [name for name in names if name in CODE_MODIFIERS or (kind, name) not in _NEEDED]
    data_types = parameter.data_types
    return [name for name in names if not (needed := _NEEDED.get((kind, name))) or needed & data_types]


def _types(parameter: SearchParameter) -> tuple[str, ...]:
    return parameter.targets if "[type]" in _declared(parameter) else ()
