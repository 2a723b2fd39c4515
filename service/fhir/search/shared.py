"""Parameters that several types have, as one: what a search over all of these types is answered by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from service.fhir.search.restriction import strictest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.fhir.search.parameter import SearchParameter


def shared(every: Sequence[Mapping[str, SearchParameter]]) -> dict[str, SearchParameter]:
    """The parameters that each of several types has and reads alike, with the sources of all of them."""
    codes = set(every[0]).intersection(*every[1:])
    found = {code: _merged([parameters[code] for parameters in every]) for code in sorted(codes)}
    return {code: parameter for code, parameter in found.items() if parameter is not None}


def _merged(parameters: Sequence[SearchParameter]) -> SearchParameter | None:
    """One parameter for all of the types; None where their meanings differ, as those of ``status`` do."""
    first = parameters[0]
    meanings = {
        (each.kind, each.restricted_to, tuple(sorted(each.systems)), tuple(part.code for part in each.components))
        for each in parameters
    }
    if len(meanings) > 1:
        return None
    components = [
        merged
        for each in zip(*(each.components for each in parameters), strict=True)
        if (merged := _merged(each)) is not None
    ]
    if len(components) < len(first.components):
        return None
    return replace(
        first,
        sources=tuple(source for each in parameters for source in each.sources),
        targets=tuple(dict.fromkeys(target for each in parameters for target in each.targets)),
        components=tuple(components),
        restriction=strictest(each.restriction for each in parameters),
        pair=None,
    )
