"""Texts in an index: bounded in length, never confused."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.fhir.search.bounded import LONGEST, bounded, overlapping
from service.fhir.search.types.string import fold


def test_a_short_text_is_kept() -> None:
    """As it is."""
    assert bounded("x" * LONGEST) == "x" * LONGEST


@given(st.text(min_size=LONGEST + 1, max_size=2 * LONGEST))
def test_a_long_text_keeps_its_beginning_and_its_identity(text: str) -> None:
    """Its index text starts with its first characters, and differs from that of any other text."""
    found = bounded(text)
    assert found.startswith(text[:LONGEST])
    assert len(found.encode()) < 2704
    assert found not in {bounded(text + "x"), bounded(text[:LONGEST]), bounded(text[:-1] + chr(ord(text[-1]) ^ 1))}
    assert bounded(found) != found


@given(st.text(min_size=LONGEST + 1, max_size=2 * LONGEST), st.text(max_size=3))
def test_a_digest_holds_nothing_that_is_looked_for_in_folded_texts(text: str, searched: str) -> None:
    """It consists of capital letters."""
    digest = bounded(text)[LONGEST + 1 :]
    assert digest.isupper()
    assert searched == "" or fold(searched) == "" or fold(searched) not in digest


@given(st.integers(1, 2000), st.integers(0, 2000), st.integers(1, LONGEST))
def test_whatever_is_within_a_text_is_within_one_of_its_parts(length: int, start: int, size: int) -> None:
    """Up to the length that is searched for; each part fits an index."""
    text = "".join(chr(0x4E00 + position) for position in range(length))
    parts = overlapping(text)
    assert any(text[start : start + size] in part for part in parts)
    assert all(len(part.encode()) * 4 // 3 < 2704 for part in parts)
