"""The texts of statements: one per shape, values only as arguments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from service.fhir.outcome import FhirError
from service.fhir.reference import identity_of
from service.store.search import compile_count, compile_match, compile_search
from service.store.search.plain import of_plain
from service.store.search.shaper import shaped_by_criteria
from service.store.search.value_rows import after_prefix

if TYPE_CHECKING:
    from tests.unit.search.conftest import Parse


@pytest.mark.parametrize(
    "one,other",
    [
        ("patient=1&code=a", "patient=2&code=b"),
        ("patient=1&code=a,b", "patient=2&code=c,d,e"),
        ("code=a", "status=final"),
        ("code=x|a,x|b", "code=y|b,z|c,z|d"),
        ("date=2024,2025", "date=2023,2022,2021"),
        ("value-string=a", "value-string=b"),
        ("code=a,b,x|c,y|d", "code=x|e,y|f,z|g,h,i,j"),
        ("value-quantity=5,6", "value-quantity=7,8,9"),
        ("code-value-quantity=a$5,b$6", "code-value-quantity=c$7,d$8,e$9"),
        ("patient.name=a,b", "patient.name=b,c,d"),
        ("patient=1&_sort=-date", "patient=2&_sort=-date"),
        ("subject:missing=true", "encounter:missing=true"),
    ],
)
def test_searches_of_one_shape_share_a_text(parse: Parse, one: str, other: str) -> None:
    """Whatever the parameter, the values and their number; but one value is asked for more simply than several."""
    first, second = (compile_search(parse("Observation", text), limit=21) for text in (one, other))
    assert first.text == second.text
    assert first.arguments != second.arguments


@pytest.mark.parametrize(
    "resource_type,text",
    [
        ("Patient", "identifier=urn:x|1"),
        ("Observation", "code=urn:x|a"),
        ("Observation", "combo-code=urn:x|a"),
        ("Observation", "_tag=urn:x|a"),
        ("Task", "group-identifier=urn:x|a"),
        ("Observation", "code=a"),
        ("Observation", "status=final"),
        ("Observation", "patient=Patient/1"),
        ("Observation", "subject=Patient/1&patient=Patient/2&code=urn:x|a&combo-code=b&code=c&status=final"),
        ("Patient", "identifier=1&active=true&general-practitioner=Practitioner/1"),
        ("Patient", ""),
    ],
)
def test_one_value_for_each_criterion_has_the_shape_that_its_criteria_come_to(
    parse: Parse, resource_type: str, text: str
) -> None:
    """The short way leads to the same place."""
    query = parse(resource_type, text)
    short = of_plain(query)
    assert short is not None
    assert short == shaped_by_criteria(query)


@pytest.mark.parametrize(
    "text",
    [
        "identifier=urn:x|1,urn:x|2",
        "identifier=urn:x|1&active=true,false",
        "identifier=|1",
        "identifier=urn:x|",
        "general-practitioner=1",
        "identifier=urn:x|1&_sort=name",
        "identifier:not=urn:x|1",
        "identifier=urn:x|1&_contained=true",
        "general-practitioner:identifier=urn:x|1",
        "name=urn:x",
        "_lastUpdated=gt2024",
    ],
)
def test_other_searches_do_not_go_the_short_way(parse: Parse, text: str) -> None:
    assert of_plain(parse("Patient", text)) is None


EVIL = "'; DROP TABLE resource; --"
HOSTILE = [
    ("Observation", f"value-string={EVIL}&code={EVIL}&_tag={EVIL}", ("0", EVIL, 5)),
    ("Observation", f"value-string:contains={EVIL}&value-string:exact={EVIL}", (5,)),
    ("Observation", f"code:text={EVIL}", (5,)),
    ("Observation", f"value-quantity=5||{EVIL}", ("0", "5", 5)),
    ("Observation", f"code-value-quantity={EVIL}$5", (5,)),
    ("Observation", f"patient.name={EVIL}&patient.identifier={EVIL}|{EVIL}", (5,)),
    ("Patient", f"_has:Observation:patient:code={EVIL}&_sort=family,-birthdate", (EVIL, None, 5)),
    ("Patient", f"identifier:of-type=urn:x|{EVIL}|{EVIL}&_sort=-gender,_id", (EVIL, EVIL, 5)),
    ("Patient", f"general-practitioner:identifier={EVIL}", (5,)),
    ("PlanDefinition", f"url=http://x/{EVIL},urn:{EVIL}", (5,)),
]


@pytest.mark.parametrize("resource_type,text,after", HOSTILE)
def test_no_value_is_part_of_a_text(
    parse: Parse, resource_type: str, text: str, after: tuple[str | int | None, ...]
) -> None:
    """SQL in a value stays a value, wherever it stands and however the page goes on."""
    query = parse(resource_type, text)
    statements = [compile_search(query, limit=21), compile_count(query), compile_match([query])]
    statements += [compile_search(query, limit=21, after=after, backwards=backwards) for backwards in (False, True)]
    for statement in statements:
        assert "drop" not in statement.text.casefold()
        assert "table resource" in str(statement.arguments).casefold()
        assert set(re.findall(r"\$\d+", statement.text)) == {f"${n + 1}" for n in range(len(statement.arguments))}


@pytest.mark.parametrize(
    "text,ranged",
    [
        ("value-quantity=gt3", True),
        ("code=a&value-quantity=gt3", False),
        ("code=a&value-quantity=5", True),
        ("code=a&value-quantity=gt3&value-quantity=lt5", True),
        ("code=a&value-quantity=gt3,lt1", False),
        ("code=a&date=ge2024", True),
    ],
)
def test_numbers_that_are_bounded_on_one_side_leave_the_lead_to_a_code(parse: Parse, text: str, ranged: bool) -> None:
    """Beyond a bound lie those of other codes: results come newest first, else in the order of the range."""
    assert bool(compile_search(parse("Observation", text), limit=1).sorts) == ranged


def test_criteria_of_one_shape_share_a_branch(parse: Parse) -> None:
    """So a transaction's text does not grow with its entries."""
    queries = [parse("Patient", f"identifier=urn:x|{number}") for number in range(50)]
    assert compile_match(queries).text == compile_match(queries[:1]).text


def test_only_short_texts_are_kept(parse: Parse) -> None:
    """Of a search that nobody repeats, a long text is not worth its memory."""

    def text(count: int) -> str:
        return compile_count(parse("Patient", "&".join(["family=a"] * count))).text

    assert text(2) is text(2)
    assert len(text(50)) > 20_000
    assert text(50) is not text(50)


def test_criteria_with_many_values_share_a_branch_however_many(parse: Parse) -> None:
    """Nor does the text grow with their values."""
    queries = [parse("Patient", f"identifier={','.join(f'urn:x|{n}' for n in range(most))}") for most in (30, 50, 1000)]
    assert compile_match(queries).text == compile_match(queries[:1]).text


def test_criteria_of_other_shapes_keep_their_ordinals(parse: Parse) -> None:
    """Grouped by shape, told apart by position."""
    texts = ["identifier=urn:x|1", "_id=7", "identifier=urn:x|2", "family=a,b"]
    statement = compile_match([parse("Patient", text) for text in texts])
    lists = [argument for argument in statement.arguments if isinstance(argument, list)]
    ordinals = [argument for argument in lists if all(item in range(4) for item in argument)]
    assert sorted(ordinals) == [[0, 2], [1], [3]]
    assert [identity_of("Patient", "7")] in statement.arguments


@pytest.mark.parametrize(
    "prefix,following",
    [("a", "b"), ("ab", "ac"), ("a\U0010ffff", "b"), ("\ud7ff", "\ue000"), ("\U0010ffff", "\U0010ffff\U0010ffff")],
)
def test_a_prefix_ends_before_the_next_text(prefix: str, following: str) -> None:
    """In the order of code points, which is that of UTF-8 bytes; surrogates are no text."""
    assert after_prefix(prefix) == following


@pytest.mark.parametrize(
    "text,after",
    [
        ("_sort=date", ("x", 1)),
        ("_sort=date", ("2024-01-01 00:00:00+00", "1", 1)),
        ("_sort=date", (1,)),
        ("_sort=date,code", ("2024-01-01 00:00:00+00", 1)),
        ("_sort=value-quantity", ("m", "1e5", 1)),
        ("_sort=value-quantity", ("1", 1)),
        ("_sort=subject", ("m", 1)),
        ("_sort=_lastUpdated", ("", 1)),
        ("date=ge2024", ("0.5", "2024-01-01 00:00:00+00", 1)),
        ("", ("m", 1)),
        ("", ("1",)),
        ("", (None,)),
    ],
)
def test_a_position_in_another_order_is_refused(parse: Parse, text: str, after: tuple[str | int, ...]) -> None:
    """A parameter may be another one since the link was given, or the release."""
    for backwards in (False, True):
        with pytest.raises(FhirError) as raised:
            compile_search(parse("Observation", text), limit=21, after=after, backwards=backwards)
        assert raised.value.code == "cursor-invalid"


@pytest.mark.parametrize(
    "text,after",
    [
        ("_sort=date", ("2024-01-01 00:00:00+00", 1)),
        ("_sort=-date", ("0001-12-31 23:59:59.999999+00 BC", 1)),
        ("_sort=date", (None, 1)),
        ("_sort=value-quantity", ("m", "-0.005", 1)),
        ("_sort=value-quantity", (None, None, 1)),
        ("_sort=code,subject", ("a\nb", "68e04284-313c-4e27-36b6-7161093e6591", 1)),
        ("date=ge2024", ("0", "infinity", 1)),
        ("value-quantity=gt5", ("1", "Infinity", 1)),
        ("", (1,)),
    ],
)
def test_a_position_goes_on_from_what_the_statement_gave(
    parse: Parse, text: str, after: tuple[str | int | None, ...]
) -> None:
    """The values as PostgreSQL writes them."""
    assert compile_search(parse("Observation", text), limit=21, after=after).arguments
