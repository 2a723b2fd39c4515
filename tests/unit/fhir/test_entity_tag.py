"""Entity tags as HTTP carries them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.entity_tag import parse_entity_tags


@pytest.mark.parametrize(
    "text, versions",
    [
        ('W/"1"', ("1",)),
        ('"1"', ("1",)),
        (' W/"1" , "2" ', ("1", "2")),
        ("*", ("*",)),
        (" * ", ("*",)),
        ("1", ("1",)),
        ('W/"1", 2,', ("1", "2")),
        ('"3-gzip"', ("3-gzip",)),
        ('""', ("",)),
        ('"*"', ('"*"',)),
        ("\uff11", None),
        ("one", None),
        ('W/"1', None),
        ('"1", *', None),
        ("", None),
        ('w/"1"', None),
    ],
)
def test_weak_strong_and_listed_tags_are_read(text: str, versions: tuple[str, ...] | None) -> None:
    """Anything else is malformed."""
    assert parse_entity_tags(text) == versions


@given(st.text())
def test_no_text_makes_parsing_fail(text: str) -> None:
    """Hostile headers are None, not an exception."""
    parse_entity_tags(text)
