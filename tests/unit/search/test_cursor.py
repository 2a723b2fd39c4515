"""Cursors cannot be read, altered or used elsewhere."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.outcome import FhirError
from service.fhir.search import cursor

SECRET = b"a secret of thirty-two bytes ----"
TEXT = st.characters(exclude_categories=["Cs"])
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(TEXT, max_size=50)
VALUES = st.lists(SCALARS, max_size=4)


@given(VALUES, st.text(TEXT))
def test_a_cursor_opens_to_what_was_sealed(values: list[cursor.Scalar], scope: str) -> None:
    """With the same secret and scope."""
    assert cursor.open(cursor.seal(values, SECRET, scope), SECRET, scope) == values


def test_cursors_of_names_of_similar_lengths_are_equally_long() -> None:
    """The length of a link tells nothing that a name could be guessed from."""
    assert len({len(cursor.seal(["A" * length, 1234], SECRET)) for length in range(20)}) == 1


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


def test_a_cursor_opens_to_a_megabyte_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two thousand characters could hold a thousand times as much memory otherwise."""
    with monkeypatch.context() as patched:
        patched.setattr(cursor, "_MOST_BYTES", 1 << 30)
        sealed = cursor.seal(["a" * (2 << 20)], SECRET)
    assert len(sealed) < 5000
    with pytest.raises(FhirError, match="cursor-invalid"):
        cursor.open(sealed, SECRET)


def test_more_than_a_megabyte_is_not_sealed() -> None:
    """Up to that, what was sealed opens."""
    most = (1 << 20) - len('[""]')
    assert cursor.open(cursor.seal(["a" * most], SECRET), SECRET) == ["a" * most]
    with pytest.raises(FhirError, match="too-costly"):
        cursor.seal(["a" * (most + 1)], SECRET)
