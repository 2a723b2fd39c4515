"""Scopes: both spellings are read, written in version 2, and narrowed to what a client is registered for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.refusal import Refused
from service.access.scopes import known_scopes, merged, narrowed, parse_scope, parse_scopes, scope_text
from service.fhir.actor import PERMISSIONS, Scope

LETTERS = st.sets(st.sampled_from(PERMISSIONS), min_size=1).map(
    lambda some: "".join(c for c in PERMISSIONS if c in some)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
FILTERS = st.lists(st.tuples(st.sampled_from(["category", "code", "_tag"]), TEXTS), max_size=2)


@st.composite
def scopes(draw: st.DrawFn) -> Scope:
    resource_type = draw(st.sampled_from(["*", "Observation", "Task"]))
    return Scope(
        level=draw(st.sampled_from(["system", "user", "patient"])),
        type=resource_type,
        permissions=draw(LETTERS),
        filters=() if resource_type == "*" else tuple(draw(FILTERS)),
    )


@pytest.mark.parametrize(
    "text, level, resource_type, permissions",
    [
        ("system/Observation.rs", "system", "Observation", "rs"),
        ("system/*.cruds", "system", "*", "cruds"),
        ("user/Task.u", "user", "Task", "u"),
        ("patient/Patient.r", "patient", "Patient", "r"),
        ("system/Observation.read", "system", "Observation", "rs"),
        ("system/Observation.write", "system", "Observation", "cud"),
        ("system/*.*", "system", "*", "cruds"),
    ],
)
def test_both_spellings_are_read(text: str, level: str, resource_type: str, permissions: str) -> None:
    """SMART 1's read, write and * are rs, cud and cruds."""
    scope = parse_scope(text)
    assert (scope.level, scope.type, scope.permissions, scope.filters) == (level, resource_type, permissions, ())


def test_the_filters_of_a_scope_are_search_parameters() -> None:
    """As the query string that they are, percent-encoding and all."""
    scope = parse_scope("system/Observation.rs?category=http://x.example|survey&code=a%2Cb")
    assert scope.filters == (("category", "http://x.example|survey"), ("code", "a,b"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "system/Observation",
        "system/Observation.",
        "system/Observation.sr",
        "system/Observation.rr",
        "system/observation.rs",
        "system/.rs",
        "system/Observation.rs?",
        "system/Observation.read?category=survey",
        "system/*.rs?category=survey",
        "system/Observation.rs?category=%zz",
        "system/Observation.rs?_count=1",
        "system/Observation.rs?_include=*",
        "System/Observation.rs",
        "launch/patient",
        "openid",
        "system/Observation.rs\n",
        "system/Observation.cruds.cruds",
    ],
)
def test_a_malformed_scope_is_refused(text: str) -> None:
    """A scope that could be read in two ways is read in none."""
    with pytest.raises(Refused):
        parse_scope(text)


def test_a_list_longer_than_a_token_could_need_is_refused() -> None:
    with pytest.raises(Refused):
        parse_scopes("system/Observation.rs " * 400)


def test_scopes_of_others_are_no_scopes_of_ours() -> None:
    """openid, launch and what an issuer makes up beside them."""
    assert scope_text(known_scopes("openid fhirUser launch/patient system/Task.r email")) == "system/Task.r"


@given(st.lists(scopes(), max_size=4))
def test_what_is_written_is_read_again(every: list[Scope]) -> None:
    """Whatever the filters hold."""
    assert tuple(parse_scope(text) for text in scope_text(every).split()) == tuple(every)


@pytest.mark.parametrize(
    "asked, registered, granted",
    [
        ("system/Task.rs", "system/Task.cruds", "system/Task.rs"),
        ("system/Task.cruds", "system/Task.rs", "system/Task.rs"),
        ("system/*.rs", "system/Task.crus system/Observation.s", "system/Task.rs system/Observation.s"),
        ("system/Task.rs", "system/*.r", "system/Task.r"),
        ("system/Patient.r", "system/Task.r", ""),
        ("user/Task.r", "system/Task.r", ""),
        ("system/Task.c", "system/Task.r", ""),
        ("system/Task.read system/Task.write", "system/*.cruds", "system/Task.cruds"),
        ("system/Observation.rs", "system/Observation.rs?category=survey", "system/Observation.rs?category=survey"),
        ("system/Observation.rs?category=survey", "system/Observation.rs", "system/Observation.rs?category=survey"),
        (
            "system/Observation.rs?code=a",
            "system/Observation.rs?category=survey",
            "system/Observation.rs?category=survey&code=a",
        ),
        (
            "system/Observation.rs?code=a system/Observation.rs?code=b",
            "system/Observation.rs?code=a system/Observation.rs?code=b",
            "system/Observation.rs?code=a system/Observation.rs?code=b",
        ),
        (
            "system/Observation.rs?code=a&code=b",
            "system/Observation.r?code=b&code=a",
            "system/Observation.r?code=a&code=b",
        ),
        ("system/Observation.rs?code=a system/Observation.rs", "system/*.rs", "system/Observation.rs"),
    ],
)
def test_what_is_granted_lies_within_both(asked: str, registered: str, granted: str) -> None:
    """Types, letters and filters of what was asked for and of what is registered hold together."""
    assert scope_text(narrowed(parse_scopes(asked), parse_scopes(registered))) == granted


@given(st.lists(scopes(), max_size=4), st.lists(scopes(), max_size=4))
def test_nothing_is_granted_beyond_what_is_registered(asked: list[Scope], registered: list[Scope]) -> None:
    """Each granted scope lies within one that was asked for and one that is registered."""

    def within(narrow: Scope, wide: Scope) -> bool:
        return (
            narrow.level == wide.level
            and wide.type in ("*", narrow.type)
            and set(narrow.permissions) <= set(wide.permissions)
            and set(wide.filters) <= set(narrow.filters)
        )

    # what was merged is taken apart again: a letter may stem from one scope and the next from another
    for granted in narrowed(asked, registered):
        for letter in granted.permissions:
            one = Scope(level=granted.level, type=granted.type, permissions=letter, filters=granted.filters)
            assert any(within(one, each) for each in asked)
            assert any(within(one, each) for each in registered)


@given(st.lists(scopes(), max_size=4))
def test_whoever_asks_for_all_that_is_registered_gets_it(registered: list[Scope]) -> None:
    """Nothing is lost on the way, in whatever order filters are written."""
    backwards = [
        Scope(level=each.level, type=each.type, permissions=each.permissions, filters=each.filters[::-1])
        for each in registered
    ]
    assert set(narrowed(backwards, registered)) == set(merged(registered))
