"""number: https://hl7.org/fhir/R4/search.html#number and https://hl7.org/fhir/R4/search.html#prefix"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.outcome import FhirError
from service.fhir.search.query import Matches, NumberValue
from service.fhir.search.types.number import parse_bounds

if TYPE_CHECKING:
    from tests.unit.search.conftest import Parse, Values


def number(parse: Parse, text: str) -> NumberValue:
    """The only value of a RiskAssessment's only criterion."""
    (criterion,) = parse("RiskAssessment", f"probability={text}").where.criteria
    assert isinstance(criterion, Matches)
    (value,) = criterion.values
    assert isinstance(value, NumberValue)
    return value


@pytest.mark.parametrize(
    "text,low,high",
    [
        ("100", "99.5", "100.5"),  # 3.1.1.4.6: to 3 significant figures
        ("100.00", "99.995", "100.005"),  # 3.1.1.4.6: to 5 significant figures
        ("1e2", "95", "105"),  # 3.1.1.4.6, in these words
        ("1.00e2", "99.5", "100.5"),  # 3.1.1.4.6: 100 and 1.00e2 have three digits both
        ("5.40e-3", "0.005395", "0.005405"),  # 3.1.1.4.11: 0.0054(+/-0.000005)
        ("5.4e-3", "0.00535", "0.00545"),
        ("5.4", "5.35", "5.45"),  # 3.1.1.4.11: 5.4(+/-0.05)
        ("5.4E0", "5.35", "5.45"),
        ("5e0", "4.5", "5.5"),
        ("1e%2B2", "95", "105"),
        ("1e+2", "95", "105"),  # the plus sign that is a blank in a URL
        ("2.0", "1.95", "2.05"),  # 3.1.1.4.5
        ("0", "-0.5", "0.5"),
        ("0.0", "-0.05", "0.05"),
        ("-3", "-3.5", "-2.5"),
        ("007", "6.5", "7.5"),  # 3.1.1.4.6: excluding leading zeros
        ("eq5", "4.5", "5.5"),
        ("ne5", "4.5", "5.5"),  # 3.1.1.4.6: not in the range
        (
            "0.1234567890123456789012345678901234567890",
            *("0.12345678901234567890123456789012345678" + end for end in ("895", "905")),
        ),
    ],
)
def test_a_number_has_the_precision_that_it_is_written_with(parse: Parse, text: str, low: str, high: str) -> None:
    """Half of the last digit to both sides, exactly."""
    value = number(parse, text)
    assert (value.low, value.high) == (Decimal(low), Decimal(high))


@pytest.mark.parametrize("prefix", ["gt", "lt", "ge", "le", "sa", "eb"])
@pytest.mark.parametrize("text", ["100", "1e2", "100.0"])
def test_comparisons_ignore_the_precision(parse: Parse, prefix: str, text: str) -> None:
    """3.1.1.4.6: "the implicit precision of the number is ignored"."""
    assert number(parse, prefix + text) == NumberValue(prefix=prefix, low=Decimal(100), high=Decimal(100))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text,low,high", [("ap5", "4.5", "5.5"), ("ap100.0", "90", "110"), ("ap-1", "-1.1", "-0.9"), ("ap0", "0", "0")]
)
def test_approximately_is_within_a_tenth(parse: Parse, text: str, low: str, high: str) -> None:
    """3.1.1.4.5: "10 % of the stated value"."""
    assert number(parse, text) == NumberValue(prefix="ap", low=Decimal(low), high=Decimal(high))


@pytest.mark.parametrize(
    "text",
    [
        *("abc", "5.", ".5", "5,4x", "1e", "e5", "--5", "%2B5", "5 ", " 5", "0x10", "1_000", "NaN", "Infinity", "٣"),
        *("1e400", "-1e400", "1e-400", "1e99999999999", "9" * 65, "gtgt5", "gt", "GT5", "xx5", "5|a|b"),
    ],
)
def test_what_is_no_number_is_refused(parse: Parse, text: str) -> None:
    """Naming the parameter and what it takes, without repeating the value."""
    with pytest.raises(FhirError) as refusal:
        number(parse, text)
    (issue,) = refusal.value.issues
    assert (refusal.value.code, issue.expression) == ("parameter-value", ("http.probability",))
    assert issue.diagnostics.startswith("probability takes a number such as 5, 5.40 or 5.4e-3")
    assert text not in {"abc", "1e400"} or text not in issue.diagnostics


@given(st.text())
def test_no_text_breaks_the_reading_of_numbers(text: str) -> None:
    """It is bounds or none."""
    bounds = parse_bounds(text)
    assert bounds is None or bounds.low <= bounds.high


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_a_number_lies_within_its_bounds(number: Decimal) -> None:
    """Whatever its sign and size."""
    bounds = parse_bounds(str(number))
    assert bounds is not None
    assert bounds.low < number < bounds.high


@pytest.mark.parametrize(
    "prediction,bounds",
    [
        ({"probabilityDecimal": Decimal("0.80")}, ("0.8", "0.8")),
        ({"probabilityDecimal": 1}, ("1", "1")),
        ({"probabilityRange": {"low": {"value": 1}}}, None),  # 3.1.1.6: a Range is searched by quantities only
        ({}, None),
    ],
)
def test_what_a_risk_assessment_is_found_by(
    values: Values, prediction: dict[str, Any], bounds: tuple[str, str] | None
) -> None:
    """A decimal is a point; numbers of other data types are not searched."""
    rows = values({"resourceType": "RiskAssessment", "prediction": [prediction]}, "probability")
    expected = bounds and tuple(map(Decimal, bounds))
    assert rows == ({(*expected, None, None, None, None, None, None)} if expected else set())
