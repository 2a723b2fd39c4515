"""UCUM: which units compare, and by what factor. https://ucum.org/ucum"""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from lark.exceptions import LarkError
from ucumvert import get_ucum_parser
from ucumvert.xml_util import get_base_units, get_prefixes, get_units_with_full_definition

from service.fhir.search.ucum import conversion_of
from service.fhir.search.ucum_grammar import Grammar, UnreadableError
from tests.spent import spent

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    "one,other",
    [
        (("5", "mm"), ("0.5", "cm")),
        (("90", "min"), ("1.5", "h")),
        (("1", "[lb_av]"), ("0.45359237", "kg")),
        (("5.4", "mg"), ("0.0054", "g")),
        (("1", "[in_i]"), ("25.4", "mm")),
        (("24.5", "kg/m2"), ("0.0245", "g/mm2")),
        (("72", "/min"), ("1.2", "/s")),
        (("72", "{beats}/min"), ("72", "/min")),
        (("100", "mL/min/{1.73_m2}"), ("6", "L/h")),
        (("23", "mm/h"), ("0.023", "m/h")),
        (("5", "mmol/L"), ("5", "mol/m3")),
        (("12", "m[Hg]"), ("12000", "mm[Hg]")),
        (("1", "l"), ("1", "L")),
        (("7", "{score}"), ("7", "1")),
        (("50", "%"), ("0.5", "1")),
        (("3", "10*3/uL"), ("3", "10*9/L")),
        (("3", "10^3/uL"), ("3", "10*3/uL")),
        (("5", "[iU]/mL"), ("5000", "[IU]/L")),
        (("37", "Cel"), ("98.6", "[degF]")),
        (("37", "Cel"), ("310.15", "K")),
        (("80", "[degRe]"), ("100", "Cel")),
        (("90", "deg"), ("5400", "'")),
        (("1", "m.s-2"), ("1", "m/s/s")),
        (("1", "/m/s"), ("1", "m-1.s-1")),
        (("1", "J/s"), ("1", "W")),
        (("1", "(m)"), ("1", "m")),
        (("1", "KiBy"), ("1024", "By")),
    ],
)
def test_equal_quantities_are_equal(one: tuple[str, str], other: tuple[str, str]) -> None:
    """To the last digit, and in the same canonical unit."""
    (first, first_unit), (second, second_unit) = (
        (conversion.apply(Decimal(number)), conversion.unit)
        for number, code in (one, other)
        if (conversion := conversion_of(code)) is not None
    )
    assert (first, first_unit) == (second, second_unit)


@pytest.mark.parametrize(
    "one,other",
    [
        ("mm", "mg"),
        ("kg", "kg/m2"),
        ("[iU]", "[arb'U]"),
        ("[iU]", "1"),
        ("mm[Hg]", "mm"),
        ("Cel", "s"),
        ("/min", "min"),
    ],
)
def test_different_kinds_do_not_compare(one: str, other: str) -> None:
    """Their canonical units differ."""
    first, second = conversion_of(one), conversion_of(other)
    assert first is not None
    assert second is not None
    assert first.unit != second.unit


@pytest.mark.parametrize(
    "code",
    [
        *("[pH]", "B", "dB", "Np", "%[slope]", "[hp'_X]", "mCel", "Cel/min", "Cel2"),
        *("", "foo", "°C", "MM", "m m", "m[", "m..s", "{a b}", "cm{", "dam2x"),
        *("km9999999", "Ym30.Ym30.Ym30", "m.m.m.m.m.m.m.m.m.m.m", "(((m)))", "a" * 5000),
    ],
)
def test_what_has_no_linear_scale_is_not_converted(code: str) -> None:
    """Logarithms, scales with another zero inside of other units, what is none of UCUM's, and what costs to read."""
    assert conversion_of(code) is None


def test_what_does_not_end_is_rounded_alike() -> None:
    """A seventh: equal quotients stay equal, and larger ones larger."""
    weekly, daily = conversion_of("/wk"), conversion_of("/d")
    assert weekly is not None
    assert daily is not None
    assert weekly.unit == daily.unit
    assert weekly.apply(Decimal(14)) == daily.apply(Decimal(2))
    assert weekly.apply(Decimal("15.0")) == weekly.apply(Decimal(15))
    assert daily.apply(Decimal("2.1")) < weekly.apply(Decimal(15)) < daily.apply(Decimal("2.2"))


def test_long_numbers_are_converted_exactly() -> None:
    """No digit is lost to a context's precision."""
    inch = conversion_of("[in_i]")
    assert inch is not None
    assert inch.apply(Decimal("1." + "0" * 300 + "1")) == Decimal("0.0254" + "0" * 297 + "0254")


def test_codes_are_read_as_the_grammar_of_ucumvert_does() -> None:
    """Of the official examples every twentieth, and what is at the edges."""
    examples = (files("ucumvert") / "vendor" / "ucum_examples.tsv").read_text(encoding="utf-8").splitlines()[1::20]
    codes = [code for line in examples for code in line.split("\t") if 0 < len(code) < 20 and "{" not in code]
    codes += ["10-3", "103", "10*3", "10^-3", "m+2", "m0", "m.s-2", "(m/s)2", "((m))", "m//s", "m.", ".m", "(m", "m)"]
    codes += ["010", "0", "dar", "daar", "cd", "KiBy", "m[H2O]", "cm[H2O]", "B[10.nV]", "[m/s2/Hz^(1/2)]", "m٣", "m²"]
    units = get_units_with_full_definition()
    metric = [*get_base_units(), *(each.code_cs for each in units if each.is_metric)]
    grammar = Grammar([each.code_cs for each in units], metric, get_prefixes())
    parser = get_ucum_parser()
    for code in dict.fromkeys(codes):
        try:
            expected = sorted(_powers(parser.parse(code), 1))
        except (LarkError, UnreadableError):
            with pytest.raises(UnreadableError):
                grammar.read(code)
        else:
            assert sorted((each.prefix, each.unit, each.exponent) for each in grammar.read(code)) == expected, code
    assert len(codes) > 100


def _powers(tree: Any, exponent: int) -> Iterator[tuple[str, str, int]]:
    """Prefix, unit and exponent of the powers in a parse tree."""
    match tree.data, tree.children:
        case "simple_unit", [unit]:
            yield "", str(unit), exponent
        case "simple_unit", [prefix, unit]:
            yield str(prefix), str(unit), exponent
        case "annotatable", [inner, power]:
            yield from _powers(inner, exponent * int(power))
        case "term", [left, operator, right]:
            yield from _powers(left, exponent)
            yield from _powers(right, -exponent if operator == "/" else exponent)
        case "main_term", [*before, inner]:
            yield from _powers(inner, -exponent if before else exponent)
        case _:
            raise UnreadableError(tree)


def test_unknown_units_are_read_in_no_time() -> None:
    """Clients choose them: a thousand that nobody has asked for."""
    conversion_of("m")
    with spent() as taken:
        for number in range(1000):
            conversion_of(f"m{number % 30 + 1}.s-{number % 7 + 1}/kg.L{number % 29 + 1}.mol{number}")
    assert taken.seconds < 0.3
