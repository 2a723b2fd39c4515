"""The evaluator on the specification's own examples of numbers and quantities."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.search.evaluator.examples import found, observation
from tests.search.evaluator.units import UCUM

Json = dict[str, Any]


@pytest.mark.parametrize(
    "search,low,high",
    [
        ("100", "99.5", "100.5"),
        ("100.00", "99.995", "100.005"),
        ("1.00e2", "99.5", "100.5"),
        ("1e2", "95", "105"),
        ("1.2e2", "115", "125"),
    ],
)
def test_equal_numbers(search: str, low: str, high: str) -> None:
    """R4: "in the range [99.5 ... 100.5)"; `ne` is the complement."""
    just_below = Decimal(low) - Decimal("0.001"), Decimal(high) - Decimal("0.001")
    values = [just_below[0], Decimal(low), just_below[1], Decimal(high)]
    risks = [assessed(value) for value in values]
    assert found("RiskAssessment", f"probability={search}", *risks) == {"1", "2"}
    assert found("RiskAssessment", f"probability=ne{search}", *risks) == {"0", "3"}


@pytest.mark.parametrize(
    "prefix,ids", [("lt", {"0"}), ("le", {"0", "1"}), ("gt", {"2"}), ("ge", {"1", "2"}), ("sa", {"2"}), ("eb", {"0"})]
)
def test_compared_numbers(prefix: str, ids: set[str]) -> None:
    """R4: "less than exactly 100"; the precision does not count."""
    risks = [assessed(Decimal(value)) for value in ("99.9", "100.0", "100.1")]
    assert found("RiskAssessment", f"probability={prefix}100", *risks) == ids


def assessed(probability: Decimal) -> Json:
    return {"resourceType": "RiskAssessment", "prediction": [{"probabilityDecimal": probability}]}


MILLIGRAMS = observation(valueQuantity={"value": Decimal("5.42"), "unit": "mg", "system": UCUM, "code": "mg"})
GRAMS = observation(valueQuantity={"value": Decimal("0.0054"), "unit": "g", "system": UCUM, "code": "g"})
IN_WORDS = observation(valueQuantity={"value": Decimal("5.4"), "unit": "mg"})
UNKNOWN = observation(valueQuantity={"value": Decimal("5.4"), "system": "urn:other", "code": "mg"})


@pytest.mark.parametrize(
    "search,ids",
    [
        (f"5.4|{UCUM}|mg", {"0", "1"}),
        (f"5.40e-3|{UCUM}|g", {"1"}),
        ("5.4||mg", {"0", "2", "3"}),
        ("5.4", {"0", "2", "3"}),
        (f"le5.4|{UCUM}|mg", {"1"}),
        (f"ap5.4|{UCUM}|mg", {"0", "1"}),
        (f"gt5000|{UCUM}|kg", set()),
        (f"5|{UCUM}|m", set()),
    ],
)
def test_quantities(search: str, ids: set[str]) -> None:
    """https://hl7.org/fhir/R4/search.html#quantity"""
    assert found("Observation", f"value-quantity={search}", MILLIGRAMS, GRAMS, IN_WORDS, UNKNOWN) == ids


def test_a_pound_is_not_half_a_kilogram() -> None:
    """UCUM: [lb_av] is 453.59237 g."""
    pound = observation(valueQuantity={"value": Decimal(1), "system": UCUM, "code": "[lb_av]"})
    assert found("Observation", f"value-quantity=453.6|{UCUM}|g", pound)
    assert found("Observation", f"value-quantity=le453.59237|{UCUM}|g&value-quantity=ge0.45359237|{UCUM}|kg", pound)


def test_quantities_of_which_only_a_limit_is_known() -> None:
    """https://hl7.org/fhir/R4/datatypes.html#Quantity: below 5, and between 3 and 8."""
    below = {"resourceType": "Condition", "onsetAge": {"value": Decimal(5), "comparator": "<"}}
    between = {"resourceType": "Condition", "onsetRange": {"low": {"value": Decimal(3)}, "high": {"value": Decimal(8)}}}
    both = {"lt1": {"0"}, "gt5": {"1"}, "ge5": {"1"}, "gt4": {"0", "1"}, "eb5": {"0"}, "sa2": {"1"}, "ap5": {"0", "1"}}
    for search, ids in both.items():
        assert found("Condition", f"onset-age={search}", below, between) == ids, search
