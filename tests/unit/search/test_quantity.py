"""quantity: https://hl7.org/fhir/R4/search.html#quantity"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.code_systems import UCUM
from service.fhir.codec import ExactDecimal
from service.fhir.outcome import FhirError
from service.fhir.reference import digest_of
from service.fhir.search.query import CanonicalRange, Matches, QuantityValue
from service.fhir.search.types.quantity import CURRENCIES, QUANTITY
from service.fhir.search.types.search_type import FurtherNumbers, Rows

if TYPE_CHECKING:
    from tests.unit.search.conftest import Parse, Values

Row = tuple[Any, ...]


def quantity(parse: Parse, text: str) -> QuantityValue:
    """The only value of an Observation's only criterion."""
    (criterion,) = parse("Observation", f"value-quantity={text}").where.criteria
    assert isinstance(criterion, Matches)
    (value,) = criterion.values
    assert isinstance(value, QuantityValue)
    return value


def around(low: str, high: str | None = None) -> dict[str, Any]:
    """Bounds without a prefix."""
    return {"prefix": "eq", "low": Decimal(low), "high": Decimal(high or low)}


@pytest.mark.parametrize(
    "text,expected",
    [
        ("5.4", QuantityValue(**around("5.35", "5.45"), form="any-unit")),
        ("5.4||mg", QuantityValue(**around("5.35", "5.45"), form="code", code="mg")),
        (
            "5.4|http://unitsofmeasure.org|mg",
            QuantityValue(
                **around("5.35", "5.45"),
                form="system-and-code",
                system=digest_of(UCUM),
                code="mg",
                canonical=CanonicalRange(unit="g", low=Decimal("0.00535"), high=Decimal("0.00545")),
            ),
        ),
        (
            "5|urn:x|mg",
            QuantityValue(**around("4.5", "5.5"), form="system-and-code", system=digest_of("urn:x"), code="mg"),
        ),
        (
            "7|http://unitsofmeasure.org|[pH]",
            QuantityValue(**around("6.5", "7.5"), form="system-and-code", system=digest_of(UCUM), code="[pH]"),
        ),
        (r"5||a\|b\$\,", QuantityValue(**around("4.5", "5.5"), form="code", code="a|b$,")),
    ],
)
def test_a_quantity_has_three_forms(parse: Parse, text: str, expected: QuantityValue) -> None:
    """Number, number and unit, number and coded unit; of UCUM, the canonical bounds as well."""
    assert quantity(parse, text) == expected


@pytest.mark.parametrize("prefix", ["gt", "lt", "ge", "le", "sa", "eb"])
def test_comparisons_are_with_the_exact_number(parse: Parse, prefix: str) -> None:
    """In the canonical unit too."""
    value = quantity(parse, f"{prefix}120|{UCUM}|min")
    assert value.prefix == prefix
    assert value.low == value.high == Decimal(120)
    assert value.canonical == CanonicalRange(unit="s", low=Decimal(7200), high=Decimal(7200))


@pytest.mark.parametrize(
    "text",
    [
        *("abc", "5.4|", "5||", "5|a|", "5|a|b|c", "|a|b", "||mg", "5 mg", "5mg", "1e400", "1e400||mg", "gt", "5|a"),
        *("5||mg,", ",5", "5,,6"),
    ],
)
def test_a_malformed_quantity_is_refused(parse: Parse, text: str) -> None:
    """Naming the parameter and what it takes, without repeating the value."""
    with pytest.raises(FhirError) as refusal:
        quantity(parse, text)
    (issue,) = refusal.value.issues
    assert (refusal.value.code, issue.expression) == ("parameter-value", ("http.value-quantity",))
    assert issue.diagnostics.startswith("value-quantity takes ")
    assert "400" not in issue.diagnostics


def test_a_nul_is_refused_before_anything_is_read(parse: Parse) -> None:
    with pytest.raises(FhirError) as refusal:
        parse("Observation", "value-quantity=5%00||mg")
    assert refusal.value.code == "parameter-value"


def row(
    bounds: tuple[str | None, str | None],
    unit: tuple[str | None, str | None, str | None] = (None, None, None),
    canonical: tuple[str | None, str | None, str | None] = (None, None, None),
) -> Row:
    """A row of the index without its source and element."""
    system, code, text = unit
    name, *ends = canonical
    return (
        *(None if each is None else Decimal(each) for each in bounds),
        system and digest_of(system),
        code,
        text,
        name,
        *(None if each is None else Decimal(each) for each in ends),
    )


MM = {"value": 5, "unit": "mm", "system": UCUM, "code": "mm"}
MM_UNIT = (UCUM, "mm", None)


@pytest.mark.parametrize(
    "content,expected",
    [
        ({"valueQuantity": MM}, {row(("5", "5"), MM_UNIT, ("m", "0.005", "0.005"))}),
        (
            {"valueQuantity": {"value": Decimal("0.5"), "unit": "Zentimeter", "system": UCUM, "code": "cm"}},
            {row(("0.5", "0.5"), (UCUM, "cm", "Zentimeter"), ("m", "0.005", "0.005"))},
        ),
        ({"valueQuantity": {"value": 5}}, {row(("5", "5"), canonical=("|", "5", "5"))}),
        ({"valueQuantity": {"value": ExactDecimal("5.0e0")}}, {row(("5", "5"), canonical=("|", "5", "5"))}),
        ({"valueQuantity": {"value": 5, "unit": "mm"}}, {row(("5", "5"), (None, None, "mm"), ("|mm", "5", "5"))}),
        (
            {"valueQuantity": {"value": 5, "system": "urn:x", "code": "mm"}},
            {row(("5", "5"), ("urn:x", "mm", None), ("|mm", "5", "5"))},
        ),
        (
            {"valueQuantity": {"value": 7, "system": UCUM, "code": "[pH]"}},
            {row(("7", "7"), (UCUM, "[pH]", None), ("|[pH]", "7", "7"))},
        ),
        (
            {"valueQuantity": {"value": 7, "system": UCUM, "code": "nonsense"}},
            {row(("7", "7"), (UCUM, "nonsense", None), ("|nonsense", "7", "7"))},
        ),
        ({"valueQuantity": MM | {"comparator": "<="}}, {row((None, "5"), MM_UNIT, ("m", None, "0.005"))}),
        ({"valueQuantity": MM | {"comparator": ">="}}, {row(("5", None), MM_UNIT, ("m", "0.005", None))}),
        ({"valueQuantity": {"unit": "mm", "system": UCUM, "code": "mm"}}, set()),
        ({"valueString": "5"}, set()),
        (
            {
                "valueSampledData": {
                    "origin": MM,
                    "period": 1,
                    "factor": Decimal("0.1"),
                    "dimensions": 1,
                    "data": "10 E -20 0",
                }
            },
            {row(("3", "6"), MM_UNIT, ("m", "0.003", "0.006"))},
        ),
        (
            {"valueSampledData": {"origin": MM, "period": 1, "dimensions": 1, "data": "1 U 2"}},
            {row(("6", None), MM_UNIT, ("m", "0.006", None))},
        ),
        (
            {"valueSampledData": {"origin": MM, "period": 1, "dimensions": 1, "data": "L 1"}},
            {row((None, "6"), MM_UNIT, ("m", None, "0.006"))},
        ),
        ({"valueSampledData": {"origin": MM, "period": 1, "dimensions": 1, "data": "E NaN"}}, set()),
        ({"valueSampledData": {"origin": MM, "period": 1, "dimensions": 1}}, set()),
    ],
)
def test_what_an_observation_is_found_by(values: Values, content: dict[str, Any], expected: set[Row]) -> None:
    """A point, half of the numbers, or a range; with the canonical bounds where there are any."""
    assert values({"resourceType": "Observation"} | content, "value-quantity") == expected


@pytest.mark.parametrize("comparator", ["<", ">"])
def test_a_bound_that_is_left_out_is_moved_inwards_by_next_to_nothing(values: Values, comparator: str) -> None:
    """So that what is less than 5 does not begin, or end, with 5: by less than any number can tell."""
    content = {"resourceType": "Observation", "valueQuantity": MM | {"comparator": comparator}}
    ((low, high, _, _, _, unit, canonical_low, canonical_high),) = values(content, "value-quantity")
    assert unit == "m"
    tiny = Decimal("1e-1000")
    if comparator == "<":
        assert (low, canonical_low) == (None, None)
        assert 0 < 5 - high < tiny
        assert 0 < Decimal("0.005") - canonical_high < tiny
    else:
        assert (high, canonical_high) == (None, None)
        assert 0 < low - 5 < tiny


@pytest.mark.parametrize(
    "content,expected",
    [
        (
            {"onsetAge": {"value": 40, "unit": "years", "system": UCUM, "code": "a"}},
            {row(("40", "40"), (UCUM, "a", "years"), ("s", "1262304000", "1262304000"))},
        ),
        (
            {"onsetRange": {"low": {"value": 1, "system": UCUM, "code": "h"}, "high": {"value": 2}}},
            {row(("1", "2"), (UCUM, "h", None), ("s", "3600", "7200"))},
        ),
        (
            {"onsetRange": {"high": {"value": 2, "system": UCUM, "code": "h"}}},
            {row((None, "2"), (UCUM, "h", None), ("s", None, "7200"))},
        ),
        ({"onsetRange": {"low": {"unit": "h"}}}, set()),
        ({"onsetString": "5"}, set()),
    ],
)
def test_what_a_condition_is_found_by(values: Values, content: dict[str, Any], expected: set[Row]) -> None:
    """Ages, and Ranges, whose ends share a unit."""
    assert values({"resourceType": "Condition"} | content, "onset-age") == expected


def test_money_is_a_quantity_in_a_currency() -> None:
    """R4's served types have no parameter that reads Money; one that is added may."""
    rows = Rows(base="", types=frozenset(), zone=None, further=FurtherNumbers())  # type: ignore[arg-type]
    QUANTITY.extractors["Money"]({"value": Decimal("12.50"), "currency": "CHF"}, 7, rows)
    QUANTITY.extractors["Money"]({"currency": "CHF"}, 7, rows)
    number = Decimal("12.5")
    assert rows.quantity == {(7, 0, number, number, digest_of(CURRENCIES), "CHF", None, "|CHF", number, number)}
