"""A small code system, value sets over it, and the codes that a search by them comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.outcome import FhirError
from service.fhir.reference import digest_of
from service.fhir.search.query import Matches, TokenValue
from service.fhir.search.terminology import resolve, unresolved
from service.fhir.terminology.needed import Needed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.fhir.search.query import Query
    from tests.unit.search.conftest import Parse

Json = dict[str, Any]

SYSTEM = "http://codes.example.org/pain"

OTHER = "http://codes.example.org/other"

SET = "http://sets.example.org/set"

INNER = "http://sets.example.org/inner"

PAIN: Json = {
    "resourceType": "CodeSystem",
    "url": SYSTEM,
    "status": "active",
    "content": "complete",
    "property": [
        {"code": "region", "type": "code"},
        {"code": "status", "uri": "http://hl7.org/fhir/concept-properties#status", "type": "code"},
        {"code": "under", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"},
        {"code": "acute", "type": "boolean"},
    ],
    "concept": [
        {
            "code": "pain",
            "concept": [
                {
                    "code": "back",
                    "property": [{"code": "region", "valueCode": "trunk"}, {"code": "acute", "valueBoolean": True}],
                    "concept": [
                        {"code": "low-back"},
                        {"code": "lumbago", "property": [{"code": "status", "valueCode": "retired"}]},
                    ],
                },
                {"code": "neck", "property": [{"code": "region", "valueCode": "head"}]},
            ],
        },
        {"code": "sciatica", "property": [{"code": "under", "valueCode": "low-back"}]},
        {"code": "stress", "property": [{"code": "child", "valueCode": "neck"}]},
    ],
}


def value_set(*include: Json, exclude: Sequence[Json] = (), url: str = SET, **others: Any) -> Json:
    """A ValueSet that is composed."""
    compose: Json = {"include": list(include)}
    if exclude:
        compose["exclude"] = list(exclude)
    return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": compose | others}


def held(*resources: Json) -> dict[Needed, list[Json]]:
    """The resources under the names that they are needed by."""
    found: dict[Needed, list[Json]] = {}
    for each in resources:
        found.setdefault(Needed(type=each["resourceType"], url=each["url"]), []).append(each)
    return found


def codes(query: Query) -> set[str]:
    """The codes of a resolved search, each in a system."""
    (criterion,) = query.where.criteria
    assert isinstance(criterion, Matches)
    systems = {digest_of(SYSTEM): "", digest_of(OTHER): "other:"}
    return {
        f"{systems[value.system]}{value.code}"
        for value in criterion.values
        if isinstance(value, TokenValue) and value.system is not None
    }


def expanded(parse: Parse, *resources: Json, text: str = f"code:in={SET}") -> set[str]:
    """The codes of a search by a value set or a hierarchy."""
    query = parse("Observation", text)
    known = held(*resources)
    assert unresolved(query, known) == ()
    return codes(resolve(query, known, limit=100))


def untold(parse: Parse, known: Mapping[Needed, Sequence[Json]], text: str = f"code:in={SET}", limit: int = 100) -> str:
    """Why a search cannot be answered."""
    with pytest.raises(FhirError) as raised:
        resolve(parse("Observation", text), known, limit=limit)
    (issue,) = raised.value.issues
    assert (issue.code, issue.expression) in [("not-supported", ("http.code",)), ("too-costly", ("http.code",))]
    return issue.diagnostics


def concepts(*listed: str, system: str = SYSTEM) -> Json:
    """A part of a value set that lists its codes."""
    return {"system": system, "concept": [{"code": each} for each in listed]}


def filtered(name: str, operator: str, value: str) -> Json:
    """A part of a value set that filters the codes of the system."""
    return {"system": SYSTEM, "filter": [{"property": name, "op": operator, "value": value}]}


def expansion(*contains: Json, **others: Any) -> Json:
    """A ValueSet that carries an expansion, and a composition that the service could not evaluate."""
    composed = value_set(filtered("region", "is-a", "trunk"))
    return composed | {"expansion": {"timestamp": "2024-01-01", "contains": list(contains), **others}}


NESTED: Json = {
    "system": SYSTEM,
    "code": "group",
    "abstract": True,
    "contains": [
        {"system": SYSTEM, "code": "a"},
        {"display": "only a heading", "contains": [{"system": SYSTEM, "code": "b"}]},
    ],
}
