"""What a code is called: its display and designations, in a language or in any, and texts that look for it."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from service.fhir.terminology.value_set import Entry


def display_in(language: str | None, display: str | None, designations: Iterable[Mapping[str, Any]]) -> str | None:
    """The name in a language (or a kind of it: ``de-AT`` for ``de``), the display where there is none."""
    if language:
        for each in designations:
            told = each.get("language", "")
            if told == language or told.startswith(f"{language}-"):
                return str(each["value"])
    return display


def is_named(entry: Entry, display: str) -> bool:
    """Whether a code is called so, whatever the case and the blanks; every code without names is."""
    names = [entry.display, *(each.get("value") for each in entry.designations)]
    known = {_plain(name) for name in names if name}
    return not known or _plain(display) in known


def matches(entry: Entry, words: Iterable[str]) -> bool:
    """Whether each of the folded words begins a word of the code's names, or the code."""
    names = [entry.display or "", *(each.get("value", "") for each in entry.designations)]
    begun = [*(word for name in names for word in folded_words(name)), *folded_words(entry.code), folded(entry.code)]
    return all(any(each.startswith(word) for each in begun) for word in words)


def folded_words(text: str) -> list[str]:
    """The words of a text without case and accents."""
    return "".join(one if one.isalnum() else " " for one in folded(text)).split()


def folded(text: str) -> str:
    """A text without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in decomposed if not unicodedata.combining(one))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
