"""uri: https://hl7.org/fhir/R4/search.html#uri"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.search.query import Matches, UriValue

if TYPE_CHECKING:
    from tests.unit.search.conftest import Parse, Values

URL = "https://clinic.example.org/fhir/PlanDefinition/massage"


@pytest.mark.parametrize(
    "content,code,expected",
    [
        ({"resourceType": "PlanDefinition", "url": URL}, "url", {(URL,)}),
        ({"resourceType": "CarePlan", "instantiatesUri": [URL, "urn:x"]}, "instantiates-uri", {(URL,), ("urn:x",)}),
        ({"resourceType": "Task", "meta": {"profile": [f"{URL}|1"]}}, "_profile", {(URL,), (f"{URL}|1",)}),
        ({"resourceType": "Task", "meta": {"source": f"{URL}#1"}}, "_source", {(f"{URL}#1",)}),
    ],
)
def test_what_a_uri_is_found_by(values: Values, content: dict[str, Any], code: str, expected: set[tuple[str]]) -> None:
    """All of it; a profile also without its version."""
    assert values(content, code) == expected


def test_a_uri_is_compared_as_it_is(parse: Parse) -> None:
    """Case, slashes and all; escapes are undone."""
    (criterion,) = parse("PlanDefinition", r"url=HTTP://X/a\,b/").where.criteria
    assert isinstance(criterion, Matches)
    assert criterion.values == (UriValue(value="HTTP://X/a,b/"),)
