"""_sort: what searches can be ordered by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.search.result_parameters import SearchLimits
from tests.unit.search.refusal import refusal

if TYPE_CHECKING:
    from tests.unit.search.conftest import Parse


@pytest.mark.parametrize(
    "text,keys",
    [
        ("date", [("date", False)]),
        ("-date", [("date", True)]),
        ("status,-date,_id", [("status", False), ("date", True), ("_id", False)]),
        ("-_lastUpdated", [("_lastUpdated", True)]),
        ("value-quantity", [("value-quantity", False)]),
        ("value-string,code", [("value-string", False), ("code", False)]),
        ("-subject", [("subject", True)]),
    ],
)
def test_keys_have_a_direction_each(parse: Parse, text: str, keys: list[tuple[str, bool]]) -> None:
    """A minus is descending."""
    sort = parse("Observation", f"_sort={text}").sort
    assert [(key.parameter.code, key.descending) for key in sort] == keys


def test_without_keys_the_order_is_the_services(parse: Parse) -> None:
    """Newest first."""
    assert parse("Observation", "").sort == ()


def test_all_types_together_can_be_sorted_by_what_they_share(parse: Parse) -> None:
    """And by nothing else."""
    assert len(parse(None, "_type=Task,Group&_sort=_id,-_lastUpdated").sort) == 2
    assert refusal(parse, None, "_type=Task,Group&_sort=status")[:2] == ("parameter-value", "http._sort")


@pytest.mark.parametrize(
    "text", [",", "date,", "--date", "- date", "+date", "nonsense", "Date", "date:desc", "date,-date", "date'--"]
)
@pytest.mark.parametrize("strict", [True, False])
def test_a_key_that_is_none_is_refused_with_all_that_are(parse: Parse, text: str, strict: bool) -> None:
    """Another order would be another page."""
    assert refusal(parse, "Observation", f"_sort={text}", strict=strict)[:2] == ("parameter-value", "http._sort")


@pytest.mark.parametrize("text", ["code-value-quantity", "-code-value-concept", "_score", "-_text"])
def test_what_has_no_order_is_refused_by_name(parse: Parse, text: str) -> None:
    """Composites, relevance, and what is not searched at all."""
    code, _, diagnostics = refusal(parse, "Observation", f"_sort={text}")
    assert code == "parameter-value"
    assert f"cannot order by {text.removeprefix('-')}" in diagnostics


def test_the_key_that_is_nearest_to_an_unknown_one_is_named(parse: Parse) -> None:
    """Behind all that there are."""
    assert refusal(parse, "Patient", "_sort=-famly")[2].endswith('; did you mean "family"?')


def test_the_older_form_of_direction_is_refused_with_the_newer(parse: Parse) -> None:
    """DSTU2 had modifiers."""
    code, _, diagnostics = refusal(parse, "Observation", "_sort:desc=date")
    assert code == "modifier-unsupported"
    assert "minus" in diagnostics


def test_keys_are_given_in_one_parameter(parse: Parse) -> None:
    """Their order would be a guess."""
    assert refusal(parse, "Observation", "_sort=date&_sort=status")[0] == "parameter-value"


def test_the_number_of_keys_is_limited(parse: Parse) -> None:
    """By a setting."""
    assert refusal(parse, "Observation", "_sort=date,status", limits=SearchLimits(sort_keys=1))[0] == "too-costly"
