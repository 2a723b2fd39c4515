"""Hidden characters are shown, in text and in JSON, and markup of others is read for its words only."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.documents.paper import Paper, legible
from service.fhir.visible import visible
from service.pages.visible import visible_json, words_of

BIDI = ("\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u200e", "\u200f")


@pytest.mark.parametrize("hidden", [*BIDI, "\u061c", "\0", "\x1b", "\x7f", "\x9b", "\u200b", "\ufeff", "\u2028"])
def test_a_hidden_character_is_named(hidden: str) -> None:
    """Nobody can make a name or file look like another by turning the order of its letters."""
    assert visible(f"a{hidden}b") == f"a[U+{ord(hidden):04X}]b"


@pytest.mark.parametrize("hidden", ["\u00ad", "\u180e", "\ufff9", "\U000e0041", "\u206a", "\ue001", "\r"])
def test_pages_and_documents_name_the_same_characters(hidden: str) -> None:
    """In JSON they are in its own notation."""
    named = f"a[U+{ord(hidden):04X}]b"
    paper = Paper(title=f"a{hidden}b", about="", made_at="", facts=(), sections=())
    assert (visible(f"a{hidden}b"), legible(paper).title) == (named, named)
    assert hidden == "\r" or hidden not in visible_json(f'"a{hidden}b"')


def test_a_line_ends_alike_on_every_system() -> None:
    """What Windows ends a line with is no hidden character."""
    assert visible("one\r\ntwo\u202e") == "one\ntwo[U+202E]"


@pytest.mark.parametrize("text", ["Müller", "محمد", "नमस्ते क्‍ष", "a\tb\nc", "👩‍⚕️", "‌a"])
def test_what_languages_need_stays_as_it_is(text: str) -> None:
    """Joiners shape letters and emoji; they turn nothing around."""
    assert visible(text) == text


@given(st.text())
def test_json_means_the_same_with_its_hidden_characters_shown(text: str) -> None:
    shown = visible_json(json.dumps(text, ensure_ascii=False))
    assert json.loads(shown) == text
    assert not set(shown) & set(BIDI)


def test_the_words_of_a_narrative_are_kept_without_its_markup() -> None:
    """No link, picture, style or script of others stands on a page of ours."""
    div = (
        '<div xmlns="http://www.w3.org/1999/xhtml"><p style="x">One &lt;b&gt;</p><table><tr><td>two</td><td>three</td>'
        '</tr></table><img src="x" alt="y"/><a href="javascript:x">four</a></div>'
    )
    assert words_of(div) == "One <b>\ntwo · three\nfour"
