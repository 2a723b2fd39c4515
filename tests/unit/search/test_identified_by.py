"""Criteria of one identifier come to the same query by the short way as by the long one, or do not take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.definitions import load
from service.fhir.outcome import FhirError
from service.fhir.search.identified_by import identified_by
from service.fhir.search.parse import parse_criteria, parse_search
from service.fhir.search.registry import Registry
from tests.unit.search.conftest import BASE

if TYPE_CHECKING:
    from service.fhir.search.query import Query

REGISTRY = Registry(load())
SYSTEM = "https://ehr.example.org/orders"
SPECIAL = st.text(st.sampled_from('ab1:/#?.=&+%!~|,$\\" \t\0é\u200b\ud800'), max_size=12)


def in_short(text: str, name: str = "identifier", resource_type: str = "Patient") -> Query | None:
    return identified_by(REGISTRY, resource_type, ((name, text),), count=20)


def at_length(text: str) -> Query:
    return parse_search(REGISTRY, "Patient", (("identifier", text),), base=BASE)


@pytest.mark.parametrize("text", [f"{SYSTEM}|ORD-1", "urn:oid:1.2.36.146|800:1/2#3", "a|b", f"{SYSTEM}|{'x' * 256}"])
def test_a_system_and_a_value_are_read_in_short(text: str) -> None:
    assert in_short(text) == at_length(text)


@pytest.mark.parametrize(
    "text",
    ["ORD-1", "|ORD-1", f"{SYSTEM}|", f"{SYSTEM}|a,b", f"{SYSTEM}|a|b", r"a\|b|c", f"{SYSTEM}|{'x' * 257}", "é|1", ""],
)
def test_other_texts_go_the_long_way(text: str) -> None:
    assert in_short(text) is None


@pytest.mark.parametrize(
    "name,resource_type",
    [("identifier:not", "Patient"), ("_id", "Patient"), ("gender", "Patient"), ("code", "Observation")],
)
def test_other_parameters_go_the_long_way(name: str, resource_type: str) -> None:
    assert in_short(f"{SYSTEM}|1", name, resource_type) is None


def test_several_parameters_go_the_long_way() -> None:
    pair = ("identifier", f"{SYSTEM}|1")
    assert identified_by(REGISTRY, "Patient", (pair, pair), count=20) is None


@given(system=SPECIAL, value=SPECIAL)
def test_whatever_is_read_in_short_comes_to_the_same(system: str, value: str) -> None:
    text = f"{system}|{value}"
    found = in_short(text)
    if found is not None:
        assert found == at_length(text)


def test_what_criteria_refuse_is_refused_as_before() -> None:
    with pytest.raises(FhirError):
        parse_criteria(REGISTRY, "Patient", (("identifier", f"{SYSTEM}|a|b"),), base=BASE)
