"""Conditional interactions: criteria that stand where an id would. https://hl7.org/fhir/R4/http.html#ccreate

Equal criteria are matched one after the other: each is locked until its transaction ends, so that two clients which
create the same thing at the same time make one. A lock costs one round trip and nobody else notices it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from service.fhir.outcome import failure
from service.fhir.search.parse import parse_criteria

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.interaction import Context, Parameters
    from service.fhir.search.query import Query
    from service.interactions.parts import Parts


def criteria_query(parts: Parts, context: Context, resource_type: str, parameters: Parameters) -> Query:
    """The query that finds what the criteria match; FhirError for anything that is not plain criteria."""
    return parse_criteria(parts.registry, resource_type, parameters, base=context.base, zone=parts.zone)


def lock_key(resource_type: str, parameters: Parameters) -> int:
    """The signed 64-bit key under which criteria are locked, the same for any order of the parameters."""
    text = "\x1f".join([resource_type, *(f"{name}\x1e{value}" for name, value in sorted(parameters))])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)


def single_match(matches: Sequence[tuple[str, str]], where: str) -> tuple[str, str] | None:
    """The one (type, id) that matched, or None; FhirError multiple-matches."""
    if len(matches) > 1:
        raise failure(
            "multiple-matches", "The criteria match more than one resource; use criteria that select one.", where
        )
    return matches[0] if matches else None
