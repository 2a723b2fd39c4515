"""Separators and their escapes: https://hl7.org/fhir/R4/search.html#escaping"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.search.separators import escape, split, unescape


@pytest.mark.parametrize(
    "text,parts",
    [
        ("a,b", ["a", "b"]),
        (r"a\,b,c", [r"a\,b", "c"]),
        (r"a\\,b", [r"a\\", "b"]),
        ("", [""]),
        (",", ["", ""]),
        ("a\\", ["a\\"]),
        (r"a\n,b", [r"a\n", "b"]),
    ],
)
def test_only_separators_without_a_backslash_separate(text: str, parts: list[str]) -> None:
    """The parts keep their escapes, for the next separator."""
    assert split(text, ",") == parts


@pytest.mark.parametrize(
    "text,plain", [(r"a\,b", "a,b"), (r"a\|b\$c", "a|b$c"), (r"a\\b", "a\\b"), (r"a\nb", r"a\nb"), ("a\\", "a\\")]
)
def test_a_backslash_stands_for_itself_before_anything_else(text: str, plain: str) -> None:
    """R4 gives a meaning to four escapes only."""
    assert unescape(text) == plain


@given(st.lists(st.text(min_size=1), min_size=1))
def test_escaped_texts_survive_being_joined(texts: list[str]) -> None:
    """Escaping, joining, splitting and unescaping is the identity."""
    assert [unescape(part) for part in split(",".join(map(escape, texts)), ",")] == texts
