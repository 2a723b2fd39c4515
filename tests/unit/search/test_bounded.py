"""Texts in an index: bounded in length, never confused."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.fhir.search.bounded import LONGEST, bounded


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
