"""Criteria of one identifier, `system|value`: what most transactions and conditional creates know their resources by.

The query is the one that `parse` comes to by a way on which much else is looked at: here it takes a tenth of the time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from service.fhir.search.bounded import LONGEST
from service.fhir.search.query import And, Matches, Query, TokenValue
from service.fhir.search.types.token import system_digest

if TYPE_CHECKING:
    from service.fhir.interaction import Parameters
    from service.fhir.search.registry import Registry

_IDENTIFIER: Final = frozenset({"Identifier"})
_PLAIN: Final = re.compile(rf"([!-#%-+\--\[\]-{{}}~]{{1,{LONGEST}}})\|([!-#%-+\--\[\]-{{}}~]{{1,{LONGEST}}})")
"""A system and a value in visible ASCII, without what separates values or escapes: ``\\``, ``,``, ``$`` and ``|``."""


def identified_by(registry: Registry, resource_type: str, parameters: Parameters, *, count: int) -> Query | None:
    """The query, with that page size; None for any other criteria."""
    if len(parameters) != 1:
        return None
    code, text = parameters[0]
    parameter = registry.parameters(resource_type).get(code)
    if parameter is None or parameter.kind != "token" or parameter.data_types != _IDENTIFIER:
        return None
    match = _PLAIN.fullmatch(text)
    if match is None:
        return None
    system, value = match.groups()
    sought = TokenValue(form="system-and-code", system=system_digest(system), code=value)
    return Query(
        types=(resource_type,),
        where=And(criteria=(Matches(parameter=parameter, values=(sought,)),)),
        count=count,
        applied=parameters,
    )
