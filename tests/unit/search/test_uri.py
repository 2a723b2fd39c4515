"""uri: https://hl7.org/fhir/R4/search.html#uri"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.outcome import FhirError
from service.fhir.search.query import Matches, UriValue

if TYPE_CHECKING:
    from tests.unit.search.conftest import Parse, Values

URL = "https://clinic.example.org/fhir/PlanDefinition/massage"


@pytest.mark.parametrize(
    "content,code,expected",
    [
        ({"resourceType": "PlanDefinition", "url": URL}, "url", {(URL,)}),
        ({"resourceType": "PlanDefinition", "url": URL, "version": "2"}, "url", {(URL,), (f"{URL}|2",)}),
        ({"resourceType": "CarePlan", "instantiatesUri": [URL, "urn:x"]}, "instantiates-uri", {(URL,), ("urn:x",)}),
        ({"resourceType": "Task", "meta": {"profile": [f"{URL}|1"]}}, "_profile", {(URL,), (f"{URL}|1",)}),
        ({"resourceType": "Task", "meta": {"source": f"{URL}#1"}}, "_source", {(f"{URL}#1",)}),
    ],
)
def test_what_a_uri_is_found_by(values: Values, content: dict[str, Any], code: str, expected: set[tuple[str]]) -> None:
    """All of it; a profile also without its version, the url of what has a version also with it."""
    assert values(content, code) == expected


def test_a_uri_is_compared_as_it_is(parse: Parse) -> None:
    """Case, slashes and all; escapes are undone."""
    (criterion,) = parse("PlanDefinition", r"url=HTTP://X/a\,b/").where.criteria
    assert isinstance(criterion, Matches)
    assert criterion.values == (UriValue(value="HTTP://X/a,b/"),)


def uris(parse: Parse, text: str) -> list[tuple[str, str]]:
    """The values of a PlanDefinition's only criterion."""
    (criterion,) = parse("PlanDefinition", text).where.criteria
    assert isinstance(criterion, Matches)
    return [(value.value, value.form) for value in criterion.values if isinstance(value, UriValue)]


def test_below_is_what_starts_with_the_value(parse: Parse) -> None:
    """3.1.1.4.9: "the search term left-matches the value"."""
    assert uris(parse, "url:below=http://acme.org/fhir/") == [("http://acme.org/fhir/", "below")]


def test_above_is_what_the_value_starts_with(parse: Parse) -> None:
    """3.1.1.4.9: "or vice-versa", itself included, from the server's name on."""
    found = uris(parse, "url:above=http://acme.org/fhir/ValueSet/123/_history/5")
    assert {form for _, form in found} == {"equal"}
    assert {
        "http://acme.org/fhir/ValueSet/123/_history/5",
        "http://acme.org/fhir/ValueSet/123",
        "http://acme.org/fhir/",
        "http://acme.org",
    } <= {value for value, _ in found}
    assert all(value.startswith("http://a") for value, _ in found)


@pytest.mark.parametrize("modifier", ["above", "below"])
@pytest.mark.parametrize(
    "text", ["urn:oid:1.2.3", "a", "http:", "http://", "http:///x", "http://a b", "http://" + "x" * 300]
)
def test_only_urls_have_a_hierarchy(parse: Parse, modifier: str, text: str) -> None:
    """3.1.1.4.9: "only apply to URLs, and not URNs such as OIDs"."""
    with pytest.raises(FhirError) as refusal:
        uris(parse, f"url:{modifier}={text}")
    assert refusal.value.code == "parameter-value"
