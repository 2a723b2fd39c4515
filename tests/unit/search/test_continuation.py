"""Links between pages carry the search, unreadable, and go with no other."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.fhir.definitions import load
from service.fhir.outcome import FhirError
from service.fhir.search.continuation import continued, page_query
from service.fhir.search.cursor import Position
from service.fhir.search.parse import parse_search
from service.fhir.search.registry import Registry

if TYPE_CHECKING:
    from service.fhir.interaction import Parameters
    from service.fhir.search.continuation import Continuation
    from tests.unit.search.conftest import Parse

SECRET = b"a secret of thirty-two bytes ----"
ADDRESS = "Patient"
POSITION = Position(values=("Zimmermann", 17))
REGISTRY = Registry(load())


def sent(text: str) -> Parameters:
    """The parameters of a query part."""
    return tuple(parse_qsl(text, keep_blank_values=True))


def followed(text: str, *others: tuple[str, str], address: str = ADDRESS) -> Continuation:
    """What a link leads to, with further parameters."""
    return continued((*sent(text), *others), SECRET, address=address)


def test_without_a_cursor_a_search_begins(parse: Parse) -> None:
    """With the parameters as they are."""
    found = followed("name=a&_count=5")
    assert (found.parameters, found.position, found.cursor) == (sent("name=a&_count=5"), None, None)


@pytest.mark.parametrize("position", [None, POSITION, Position(values=(None, 3), backwards=True)])
def test_a_link_leads_to_the_page_of_the_search(parse: Parse, position: Position | None) -> None:
    """The first one, the next or the previous."""
    query = parse("Patient", "name=a&name=b&_sort=family&_count=5&_totalMethod=count")
    link = page_query(query, position, SECRET, address=ADDRESS)
    found = followed(link)
    assert (found.parameters, found.position) == (query.applied, position)
    assert found.cursor == sent(link)[-1][1]


def test_a_link_carries_no_values(parse: Parse) -> None:
    """But how the page is written, which the parser of searches does not decide."""
    query = parse("Patient", "name=Zimmermann&birthdate=1980-02-03&_count=5&_format=json&_pretty=true")
    names = [name for name, _ in sent(page_query(query, POSITION, SECRET, address=ADDRESS))]
    assert names == ["_format", "_pretty", "_cursor"]
    assert "Zimmermann" not in page_query(query, POSITION, SECRET, address=ADDRESS)


def test_a_page_of_the_search_is_the_same_wherever_it_is_asked_for(parse: Parse) -> None:
    """So a link can be compared, and kept."""
    query = parse("Patient", "name=a")
    links = {page_query(query, POSITION, SECRET, address=ADDRESS) for _ in range(2)}
    assert len(links) == 1


def test_the_form_may_change_on_the_way(parse: Parse) -> None:
    """The rest stays."""
    link = page_query(parse("Patient", "name=a&_count=5&_summary=data"), POSITION, SECRET, address=ADDRESS)
    found = followed(link, ("_count", "7"), ("_totalMethod", "count"))
    assert found.parameters == (("name", "a"), ("_summary", "data"), ("_count", "7"))


@pytest.mark.parametrize("text", ["name=a&_sort=family", "_sort=family&name=a", ""])
def test_the_search_may_be_repeated_beside_its_cursor(parse: Parse, text: str) -> None:
    """As the self link does."""
    link = page_query(parse("Patient", "name=a&_sort=family"), POSITION, SECRET, address=ADDRESS)
    assert followed(link, *sent(text)).position == POSITION


@pytest.mark.parametrize(
    "text", ["name=b&_sort=family", "name=a", "name=a&_sort=-family", "name=a&_sort=family&active=true", "foo=1"]
)
def test_a_cursor_of_another_search_is_refused(parse: Parse, text: str) -> None:
    """Its position means nothing there."""
    link = page_query(parse("Patient", "name=a&_sort=family"), POSITION, SECRET, address=ADDRESS)
    with pytest.raises(FhirError) as refusal:
        followed(link, *sent(text))
    assert (refusal.value.code, refusal.value.issues[0].expression) == ("cursor-invalid", ("http._cursor",))


@pytest.mark.parametrize("address", ["", "Observation", "Patient/1/*", "Patient/1/Observation"])
def test_a_cursor_of_another_address_is_refused(parse: Parse, address: str) -> None:
    """Of another type, of the system, of a compartment."""
    link = page_query(parse("Patient", ""), POSITION, SECRET, address=ADDRESS)
    with pytest.raises(FhirError, match="cursor-invalid"):
        followed(link, address=address)


@pytest.mark.parametrize("cursor", ["", "a", "A" * 40, "é", "A" * 20_000, "%00"])
def test_a_forged_cursor_is_refused(cursor: str) -> None:
    """Whatever it is."""
    with pytest.raises(FhirError, match="cursor-invalid"):
        followed("", ("_cursor", cursor))


def test_one_cursor_is_enough(parse: Parse) -> None:
    """Two name two pages."""
    link = page_query(parse("Patient", ""), POSITION, SECRET, address=ADDRESS)
    with pytest.raises(FhirError, match="given once"):
        followed(link, *sent(link))


def test_a_long_search_fits_into_a_link(parse: Parse) -> None:
    """Compressed: 200 references take less of the URL than they did in the body."""
    text = f"subject={','.join(f'Patient/patient-{number}' for number in range(200))}"
    query = parse("Observation", text)
    link = page_query(query, POSITION, SECRET, address="Observation")
    assert len(link) < len(text) / 2
    assert followed(link, address="Observation").parameters == query.applied


@settings(deadline=None)  # the first example compiles the search parameters
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00,|$\\"), min_size=1), max_size=5)
)
def test_any_text_comes_back(values: list[str]) -> None:
    """As it was sent."""
    parameters = tuple(("identifier", value) for value in values)
    query = parse_search(REGISTRY, "Patient", parameters, base="")
    assert followed(page_query(query, None, SECRET, address=ADDRESS)).parameters == parameters
