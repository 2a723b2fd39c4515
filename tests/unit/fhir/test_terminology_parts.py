"""What is kept of code systems and expansions, and what they are named and found by."""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir.terminology.compiled import Compiled, version_key
from service.fhir.terminology.error import CannotExpandError
from service.fhir.terminology.naming import display_in, folded_words, is_named, matches
from service.fhir.terminology.needed import Needed, Versions
from service.fhir.terminology.value_set import Entry

Json = dict[str, Any]
URL = "http://codes.example.org/a"


def stored(version: str, *codes: str) -> Json:
    """A CodeSystem as it is stored."""
    content: Json = {"resourceType": "CodeSystem", "id": "a", "url": URL, "content": "complete"}
    return content | {"meta": {"versionId": version}, "concept": [{"code": code} for code in codes]}


def test_a_version_of_a_code_system_is_compiled_once() -> None:
    """Whoever decoded it."""
    compiled = Compiled()
    assert compiled.code_system(stored("1", "a")) is compiled.code_system(stored("1", "a"))


def test_another_version_is_another_code_system() -> None:
    """With its own codes."""
    compiled = Compiled()
    compiled.code_system(stored("1", "a"))
    assert list(compiled.code_system(stored("2", "b")).codes()) == ["b"]


def test_what_was_sent_along_is_not_kept() -> None:
    """It has no version that anybody vouches for."""
    sent = stored("1", "a")
    del sent["meta"]
    compiled = Compiled()
    assert version_key(sent) is None
    assert compiled.code_system(sent) is not compiled.code_system(sent)


def test_what_was_used_longest_ago_makes_room() -> None:
    """So that memory stays bounded; the latest stays however large it is."""
    compiled = Compiled()
    first = compiled.code_system(stored("0", "a"))
    for version in range(1, 300):
        compiled.code_system(stored(str(version), "a"))
    assert compiled.code_system(stored("0", "a")) is not first
    large = stored("large", *map(str, range(200_001)))
    assert compiled.code_system(large) is compiled.code_system(large)


@pytest.mark.parametrize(
    "versions,part,chosen",
    [
        (Versions(), {"system": URL}, ""),
        (Versions(), {"system": URL, "version": "1"}, "1"),
        (Versions(default={URL: "2"}), {"system": URL}, "2"),
        (Versions(default={URL: "2"}), {"system": URL, "version": "1"}, "1"),
        (Versions(check={URL: "2"}), {"system": URL}, "2"),
        (Versions(force={URL: "3"}), {"system": URL, "version": "1"}, "3"),
        (Versions(force={"http://other": "3"}), {"system": URL, "version": "1"}, "1"),
    ],
)
def test_the_version_of_a_code_system_is_chosen(versions: Versions, part: Json, chosen: str) -> None:
    """Forced, named, checked, or the default."""
    assert versions.of(part) == Needed(type="CodeSystem", url=URL, version=chosen)


def test_another_version_than_the_checked_one_is_refused() -> None:
    """Rather than expanded by it."""
    with pytest.raises(CannotExpandError, match="check-system-version"):
        Versions(check={URL: "2"}).of({"system": URL, "version": "1"})


ENTRY = Entry(
    system=URL, code="low-back", display="Low back pain", designations=({"language": "de-AT", "value": "Kreuzweh, Ö"},)
)


@pytest.mark.parametrize(
    "text,found",
    [("low", True), ("BACK lo", True), ("ack", False), ("kreuz o", True), ("low-b", True), ("low neck", False)],
)
def test_words_find_the_beginnings_of_words(text: str, found: bool) -> None:
    """Of names and codes, whatever the case and the accents."""
    assert matches(ENTRY, folded_words(text)) is found


@pytest.mark.parametrize(
    "display,named", [("low  BACK pain", True), ("kreuzweh, ö", True), ("back pain", False), ("", False)]
)
def test_a_code_is_called_by_its_names_only(display: str, named: bool) -> None:
    """Case and blanks aside."""
    assert is_named(ENTRY, display) is named


def test_a_code_without_names_may_be_called_anything() -> None:
    """Nobody can tell."""
    assert is_named(Entry(system=URL, code="a"), "whatever")


@pytest.mark.parametrize(
    "language,display",
    [("de", "Kreuzweh, Ö"), ("de-AT", "Kreuzweh, Ö"), ("d", "Low back pain"), (None, "Low back pain")],
)
def test_a_language_chooses_among_the_names(language: str | None, display: str) -> None:
    """Or a kind of it."""
    assert display_in(language, ENTRY.display, ENTRY.designations) == display
