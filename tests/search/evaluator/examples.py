"""What the specification's examples are asked with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.search.evaluator import Evaluator

Json = dict[str, Any]

BASE = "http://example.org/fhir"
NOW = datetime(2013, 3, 20, tzinfo=UTC)


def found(resource_type: str, query: str, *resources: Json) -> set[str]:
    """The ids of the resources of a type that a search, written like a URL's query, finds."""
    criteria = [(name, value) for name, _, value in (each.partition("=") for each in query.split("&"))]
    numbered = [{"id": str(number)} | each for number, each in enumerate(resources)]
    keys = Evaluator(numbered, base=BASE, now=NOW).matches(resource_type, criteria)
    return {key.partition("/")[2] for key in keys}


def observation(**elements: Any) -> Json:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}} | elements
