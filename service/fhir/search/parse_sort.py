"""``_sort``: the keys that order the matches. https://hl7.org/fhir/R4/search.html#sort

References have no order that a person would recognise, and R4 gives them none: sorted by one, what refers to the same
resource stands together, whatever else the parameter narrows its targets to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.outcome import failure
from service.fhir.search.nearest import hint_of
from service.fhir.search.query import SortKey

if TYPE_CHECKING:
    from service.fhir.outcome import FhirError
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.scope import Scope

UNORDERED_KINDS: Final = {
    "composite": "a composite has no order of its own",
    "special": "it has no values to order by",
}
"""The search parameter types that cannot be sorted by, with the reason."""


def parse_sort(scope: Scope, name: str, text: str) -> tuple[SortKey, ...]:
    """The keys of ``_sort``, first key first; FhirError names the key that the service cannot sort by."""
    if name != "_sort":
        raise failure(
            "modifier-unsupported", "_sort takes no modifier; a minus before a key sorts it descending.", "http._sort"
        )
    names = text.split(",")
    if len(names) > scope.limits.sort_keys:
        raise failure("too-costly", f"_sort takes at most {scope.limits.sort_keys} keys.", "http._sort")
    keys = tuple(_key(scope, each) for each in names)
    if len({key.parameter.code for key in keys}) < len(keys):
        raise _refused("takes every key once")
    return keys


def sortable(parameter: SearchParameter) -> bool:
    """Whether matches can be ordered by the parameter."""
    return parameter.kind not in UNORDERED_KINDS


def _key(scope: Scope, text: str) -> SortKey:
    code = text.removeprefix("-")
    parameter = scope.known.get(code)
    if reason := scope.unsupported().get(code):
        raise _refused(f"cannot order by {code}: {reason}")
    if parameter is None:
        accepted = [each.code for each in scope.known.values() if sortable(each)]
        rule = f"takes search parameters, separated by commas, each with a minus for descending: {', '.join(accepted)}"
        raise failure("parameter-value", f"_sort {rule}{hint_of(code, accepted)}", "http._sort")
    if not sortable(parameter):
        raise _refused(f"cannot order by {code}: {UNORDERED_KINDS[parameter.kind]}")
    return SortKey(parameter=parameter, descending=text.startswith("-"))


def _refused(rule: str) -> FhirError:
    return failure("parameter-value", f"_sort {rule}.", "http._sort")
