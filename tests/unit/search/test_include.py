"""_include and _revinclude, checked against the parameters that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.search.query import query_string
from service.fhir.search.result_parameters import SearchLimits
from tests.unit.search.refusal import refusal

if TYPE_CHECKING:
    from tests.unit.search.conftest import Parse


def described(parse: Parse, resource_type: str | None, text: str) -> list[str]:
    """The includes of a search, in short."""
    return [
        f"{'<' if each.reverse else '>'}{each.source_type}:{each.parameter.code if each.parameter else '*'}"
        f"{f':{each.target_type}' if each.target_type else ''}{' again' if each.iterate else ''}"
        for each in parse(resource_type, text).includes
    ]


@pytest.mark.parametrize(
    "text,expected",
    [
        ("_include=Task:focus", [">Task:focus"]),
        ("_include=Task:focus:ServiceRequest", [">Task:focus:ServiceRequest"]),
        ("_include=Task:*", [">Task:*"]),
        ("_include=Task:*:Patient", [">Task:*:Patient"]),
        ("_include=*", [">*:*"]),
        ("_include=Task:focus&_include=Task:owner", [">Task:focus", ">Task:owner"]),
        ("_include=Task:focus&_include=Task:focus", [">Task:focus"]),
        ("_include:iterate=Task:part-of", [">Task:part-of again"]),
        (
            "_include=Task:focus&_include:iterate=ServiceRequest:subject:Patient",
            [">Task:focus", ">ServiceRequest:subject:Patient again"],
        ),
        ("_revinclude=Provenance:target", ["<Provenance:target"]),
        ("_revinclude=Provenance:target:Task", ["<Provenance:target:Task"]),
        ("_revinclude=Provenance:*", ["<Provenance:*"]),
        ("_revinclude=*", ["<*:*"]),
        ("_revinclude:iterate=Observation:subject", ["<Observation:subject again"]),
    ],
)
def test_an_include_names_references(parse: Parse, text: str, expected: list[str]) -> None:
    """Of the matches, or to them; of what was included where it iterates."""
    assert described(parse, "Task", text) == expected


def test_a_search_of_several_types_includes_from_any_of_them(parse: Parse) -> None:
    """Those that it searches."""
    text = "_type=Task,Observation&_include=Task:focus&_include=Observation:subject"
    assert described(parse, None, text) == [">Task:focus", ">Observation:subject"]


@pytest.mark.parametrize(
    "name,value",
    [
        *(("_include", value) for value in ("Task", ":", "Task:", ":focus", "Task:focus:", "Task:focus:Patient:x")),
        ("_include", "Task:focus,Task:owner"),
        ("_include", "Nonsense:focus"),
        ("_include", "Task:nonsense"),
        ("_include", "Task:status"),
        ("_include", "Task:focus:Nonsense"),
        ("_include", "Task:patient:Practitioner"),
        ("_include", "*:focus"),
        ("_include", "Observation:subject"),
        ("_include", "ServiceRequest:subject"),
        ("_include:iterate", "Nonsense:subject"),
        ("_include:iterate", "ServiceRequest:instantiates-uri"),
        ("_revinclude", "Observation:code"),
        ("_revinclude", "Patient:general-practitioner"),
        ("_revinclude", "Provenance:target:Patient"),
        ("_revinclude", "Nonsense:target"),
        ("_revinclude", "' OR 1=1 --"),
    ],
)
def test_what_cannot_be_included_is_refused(parse: Parse, name: str, value: str) -> None:
    """With the parameter named."""
    code, expression, _ = refusal(parse, "Task", f"{name}={value}", strict=False)
    assert (code, expression) == ("parameter-value", f"http.{name.partition(':')[0]}")


def test_a_wrong_parameter_is_answered_with_the_references_of_the_type(parse: Parse) -> None:
    """Canonicals are among them, other URIs are not."""
    diagnostics = refusal(parse, "ServiceRequest", "_include=ServiceRequest:pateint")[2]
    assert "based-on, encounter, instantiates-canonical, patient, performer" in diagnostics
    assert "instantiates-uri" not in diagnostics


def test_an_include_that_does_not_start_at_the_matches_says_how_it_could(parse: Parse) -> None:
    """It would include nothing."""
    assert "_include:iterate" in refusal(parse, "Task", "_include=ServiceRequest:subject")[2]


@pytest.mark.parametrize("name", ["_include:recurse", "_revinclude:recurse", "_include:foo", "_include:"])
def test_iterate_is_the_only_modifier(parse: Parse, name: str) -> None:
    """R4 renamed recurse."""
    code, expression, diagnostics = refusal(parse, "Task", f"{name}=Task:focus", strict=False)
    assert (code, expression) == ("modifier-unsupported", f"http.{name.partition(':')[0]}")
    assert "iterate" in diagnostics


def test_the_number_of_includes_is_limited(parse: Parse) -> None:
    """Both directions count."""
    text = "_include=Task:focus&_revinclude=Provenance:target"
    assert refusal(parse, "Task", text, limits=SearchLimits(includes=1))[:2] == ("too-costly", "http._include")


def test_a_summary_of_texts_includes_nothing(parse: Parse) -> None:
    """R4 forbids the two together."""
    assert refusal(parse, "Task", "_summary=text&_include=Task:focus")[:2] == ("parameter-value", "http._summary")


def test_links_repeat_includes(parse: Parse) -> None:
    """Every page includes what belongs to it."""
    query = parse("Task", "_include=Task:focus&_revinclude:iterate=Provenance:target")
    assert query_string(query) == "_include=Task%3Afocus&_revinclude%3Aiterate=Provenance%3Atarget"
