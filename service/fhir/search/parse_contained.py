"""``_contained`` and ``_containedType``: https://hl7.org/fhir/R4/search.html#contained

What contained resources are found by is what stands in them. Nothing but their container refers to them, they were not
updated by themselves, and where their containers are returned, these are of other types than the one that is searched:
what depends on any of that cannot be combined, and is refused by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from service.fhir.outcome import failure
from service.fhir.search.query import AnyOf, Contained, ContainedType, Has, Not, Updated
from service.fhir.search.refusal import refused_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.outcome import FhirError
    from service.fhir.search.query import Criterion
    from service.fhir.search.result_parameters import ResultParameters


def read_contained(result: ResultParameters, name: str, text: str) -> None:
    """Whether contained resources are searched, and what of a match is returned; FhirError parameter-value."""
    if name == "_contained":
        result.contained = _one_of(name, text, get_args(Contained))
    else:
        result.contained_type = _one_of(name, text, get_args(ContainedType))


def check_combination(
    result: ResultParameters, criteria: Sequence[Criterion | Not], compartment: tuple[str, str] | None
) -> None:
    """FhirError not-supported names what a search of contained resources cannot be combined with."""
    if result.contained == "false":
        return
    if compartment is not None:
        raise _apart("a compartment, in which contained resources are not")
    if result.includes:
        raise _apart("_include and _revinclude")
    if result.sort:
        raise _apart("_sort")
    if result.elements and result.contained_type == "container":
        raise _apart("_elements, unless _containedType is contained: containers may be of any type")
    if any(_has(each, Has) for each in criteria):
        raise _apart("_has and _list: nothing but its container refers to a contained resource")
    if any(_has(each, Updated) for each in criteria):
        raise _apart("_lastUpdated: contained resources are not updated by themselves")


def _has(criterion: Criterion | Not, kind: type[Has | Updated]) -> bool:
    match criterion:
        case Not(criterion=inner):
            return _has(inner, kind)
        case AnyOf(criteria=criteria):
            return any(_has(each, kind) for each in criteria)
    return isinstance(criterion, kind)


def _one_of(name: str, text: str, accepted: Sequence[Any]) -> Any:
    if text not in accepted:
        raise refused_value(name, f"takes {', '.join(accepted)}")
    return text


def _apart(what: str) -> FhirError:
    return failure("not-supported", f"_contained cannot be combined with {what}.", "http._contained")
