"""Cursors cannot be read, altered or used elsewhere."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.outcome import FhirError
from service.fhir.search import cursor

if TYPE_CHECKING:
    from tests.unit.search.conftest import Parse

SECRET = b"a secret of thirty-two bytes ----"
TEXT = st.characters(exclude_categories=["Cs"])
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(TEXT, max_size=50)
VALUES = st.lists(SCALARS, max_size=4)


@given(VALUES, st.text(TEXT))
def test_a_cursor_opens_to_what_was_sealed(values: list[cursor.Scalar], scope: str) -> None:
    """With the same secret and scope."""
    assert cursor.open(cursor.seal(values, SECRET, scope), SECRET, scope) == values


@given(VALUES, st.booleans())
def test_a_position_tells_its_direction(values: list[cursor.Scalar], backwards: bool) -> None:
    """The values of any sort, and which way the page lies."""
    position = cursor.Position(values=tuple(values), backwards=backwards)
    assert cursor.open_position(cursor.seal_position(position, SECRET, "a"), SECRET, "a") == position


def test_cursors_of_names_of_similar_lengths_are_equally_long() -> None:
    """The length of a link tells nothing that a name could be guessed from."""
    assert len({len(cursor.seal(["A" * length, 1234], SECRET)) for length in range(20)}) == 1


@pytest.mark.parametrize(
    "first,second",
    [
        ("name=a", "name=b"),
        ("name=a", "name:exact=a"),
        ("_sort=name", "_sort=-name"),
        ("_sort=name", ""),
        ("name=a", "name=a&name=a"),
    ],
)
def test_searches_that_match_or_order_differently_have_cursors_of_their_own(
    parse: Parse, first: str, second: str
) -> None:
    """A position in one means nothing in the other."""
    assert cursor.scope_of(parse("Patient", first)) != cursor.scope_of(parse("Patient", second))


@pytest.mark.parametrize("form", ["_count=5", "_summary=data", "_elements=name", "_total=none", "_pretty=true"])
def test_the_form_of_a_page_may_change_on_the_way(parse: Parse, form: str) -> None:
    """With the same matches in the same order."""
    assert cursor.scope_of(parse("Patient", f"name=a&{form}")) == cursor.scope_of(parse("Patient", "name=a"))


def test_a_compartment_has_cursors_of_its_own(parse: Parse) -> None:
    """And so has that of every patient."""
    scopes = {
        cursor.scope_of(parse("Observation", "", compartment=each))
        for each in [None, ("Patient", "1"), ("Patient", "2")]
    }
    assert len(scopes) == 3


def test_a_cursor_shows_nothing_of_its_values() -> None:
    """Neither as text nor decoded."""
    sealed = cursor.seal(["Patient/pat-77", 123456789], SECRET)
    raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    assert b"pat-77" not in raw
    assert b"123456789" not in raw
    assert cursor.seal(["Zimmermann"], SECRET) != cursor.seal(["Zimmermanx"], SECRET)


def test_the_same_position_has_the_same_cursor() -> None:
    """So that links can be cached and compared."""
    assert cursor.seal([7], SECRET, "a") == cursor.seal([7], SECRET, "a") != cursor.seal([8], SECRET, "a")


@pytest.mark.parametrize("other", [{"secret": b"another"}, {"scope": "another"}])
def test_a_cursor_opens_nowhere_else(other: dict[str, object]) -> None:
    """Not with another deployment's secret, not for another search."""
    where = {"secret": SECRET, "scope": "search"}
    sealed = cursor.seal([7], SECRET, "search")
    with pytest.raises(FhirError) as refusal:
        cursor.open(sealed, **(where | other))  # type: ignore[arg-type]
    assert refusal.value.code == "cursor-invalid"


@given(st.integers(0, 30), st.integers(1, 255))
def test_an_altered_cursor_does_not_open(position: int, mask: int) -> None:
    """Whichever of its bits was changed."""
    raw = bytearray(base64.urlsafe_b64decode(cursor.seal([123456789], SECRET) + "=="))
    raw[position % len(raw)] ^= mask
    with pytest.raises(FhirError):
        cursor.open(base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("="), SECRET)


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    """As cursor-invalid, never otherwise."""
    with pytest.raises(FhirError) as refusal:
        cursor.open(text, SECRET)
    assert refusal.value.code == "cursor-invalid"
