"""string: https://hl7.org/fhir/R4/search.html#string"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.fhir.outcome import FhirError
from service.fhir.search.extract import Extractor
from service.fhir.search.query import Matches, StringValue
from service.fhir.search.types.string import fold

if TYPE_CHECKING:
    from service.fhir.search.registry import Registry
    from tests.unit.search.conftest import Parse, Values


@pytest.mark.parametrize(
    "text,folded",
    [
        ("Müller", "muller"),
        ("MU\u0308LLER", "muller"),
        ("van  der\tBerg", "van der berg"),
        ("  Ng ", "ng"),
        ("Straße", "strasse"),
        ("Łukasz Sørensen", "lukasz sorensen"),
        ("ΜΆΙΟΣ", "μαιοσ"),
        ("\uff26\uff55\uff4c\uff4c", "full"),
        ("ﬁn", "fin"),
        ("李雷", "李雷"),
        ("O'Neill-Smith", "oneill smith"),
        ("O\u2019Neill \u2013 Smith", "oneill smith"),
        ("O`Neill_Smith", "oneill smith"),
        ("O\u00b4NEILL", "oneill"),
        ("Ka\u02bbahumanu", "kaahumanu"),
        ("J.-P. (Hans), Dr.", "j p hans dr"),
        ("St. Mary", "st mary"),
        ("low-back pain: 1.5 mg, 120/80; 5%", "low back pain 1.5 mg 120/80 5"),
        ("<5 + >=7", "<5 + >=7"),
        ("李・雷", "李 雷"),
        ("-", "-"),
        (" … ", "..."),
    ],
)
def test_case_accents_punctuation_and_runs_of_blanks_do_not_matter(text: str, folded: str) -> None:
    """As R4 asks for string searches."""
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    """What is stored and what is searched for meet."""
    assert fold(fold(text)) == fold(text)


def string(parse: Parse, text: str) -> StringValue:
    """The only value of a Patient's only criterion."""
    (criterion,) = parse("Patient", text).where.criteria
    assert isinstance(criterion, Matches)
    (value,) = criterion.values
    assert isinstance(value, StringValue)
    return value


@pytest.mark.parametrize(
    "text,expected",
    [
        ("family=Mül", StringValue(folded="mul")),
        ("family=de la", StringValue(folded="de la")),
        (r"family=a\,b", StringValue(folded="a b")),
        ("family:exact=O'Mül", StringValue(folded="omul", exact="O'Mül", form="exact")),
        ("family:exact=Mül", StringValue(folded="mul", exact="Mül", form="exact")),
        ("family:contains=Mül", StringValue(folded="mul", form="contains")),
        ("family=eve", StringValue(folded="eve")),
    ],
)
def test_a_string_is_a_beginning_unless_it_is_exact(parse: Parse, text: str, expected: StringValue) -> None:
    """Prefixes such as ``ge`` mean nothing here."""
    assert string(parse, text) == expected


@pytest.mark.parametrize("text", ["family=-", "family=...", "family:contains='"])
def test_nothing_but_punctuation_is_no_beginning_of_everything(parse: Parse, text: str) -> None:
    """It finds what is nothing else: a result that is written as a minus."""
    assert string(parse, text).folded == text.partition("=")[2]


@pytest.mark.parametrize("text", ["family=", "family=%20", "family=%CC%88", "family=a,", "family=" + "x" * 257])
def test_a_beginning_needs_something_to_begin_with(parse: Parse, text: str) -> None:
    """And no more than an index holds."""
    with pytest.raises(FhirError) as refusal:
        parse("Patient", text)
    assert refusal.value.code == "parameter-value"


@pytest.mark.parametrize("modifier", ["Contains", "text", "not", "Exact"])
def test_other_modifiers_are_refused_by_name(parse: Parse, modifier: str) -> None:
    """Naming those that work."""
    with pytest.raises(FhirError) as refusal:
        parse("Patient", f"family:{modifier}=a")
    assert refusal.value.code == "modifier-unsupported"
    assert "missing, exact, contains" in refusal.value.issues[0].diagnostics


@pytest.mark.parametrize(
    "code,element,texts",
    [
        ("family", {"name": [{"family": "Exämple"}, {"family": "B"}]}, {"Exämple", "B"}),
        ("given", {"name": [{"given": ["A", "B"]}]}, {"A", "B"}),
        (
            "name",
            {"name": [{"text": "T", "family": "F", "given": ["G"], "prefix": ["P"], "suffix": ["S"], "use": "usual"}]},
            {"T", "F", "G", "P", "S"},
        ),
        ("address", {"address": [{"line": ["L"], "city": "C", "postalCode": "1", "use": "home"}]}, {"L", "C", "1"}),
        ("address-city", {"address": [{"city": "C", "state": "S"}]}, {"C"}),
    ],
)
def test_names_and_addresses_are_found_by_any_part(
    values: Values, code: str, element: dict[str, Any], texts: set[str]
) -> None:
    """The parts share their rows with the parameters that ask for one of them."""
    assert values({"resourceType": "Patient"} | element, code) == {(fold(text), text) for text in texts}


def test_an_item_without_a_value_is_passed_over(values: Values) -> None:
    """A null in an array of primitives stands for an extension."""
    patient = {"resourceType": "Patient", "name": [{"given": ["A", None], "_given": [None, {"id": "x"}]}]}
    assert values(patient, "given") == {("a", "A")}


def test_long_texts_are_found_by_their_beginning_and_as_a_whole(parse: Parse, values: Values) -> None:
    """Bounded in the index, but never confused."""
    long = "Ab" * 300
    ((folded, exact),) = values({"resourceType": "Patient", "name": [{"family": long}]}, "family")
    assert folded.startswith("ab" * 128)
    assert string(parse, f"family:exact={long}") == StringValue(folded=folded, exact=exact, form="exact")


def test_a_long_text_is_held_in_parts_for_searches_within_it(registry: Registry) -> None:
    """Under a number of its own, so that no part is taken for a beginning; a short text has none."""
    parameter = registry.parameters("ValueSet")["description"]
    (own,), (_, parts) = parameter.source_numbers, parameter.contains_numbers
    long = " ".join(f"Wörd{number}" for number in range(200))
    rows = Extractor(registry).rows("ValueSet", {"resourceType": "ValueSet", "description": long}, "")["string"]
    assert [row[0] for row in rows].count(own) == 1
    assert {row[3] for row in rows if row[0] == parts} == {""}
    for searched in ("word0 word1", "word77 word78 word79", "word199"):
        assert any(searched in row[2] for row in rows if row[0] == parts)
    short = Extractor(registry).rows("ValueSet", {"resourceType": "ValueSet", "description": "short"}, "")["string"]
    assert [row[0] for row in short] == [own]


@pytest.mark.parametrize(
    "name,searched,alike",
    [
        ("Catherine Müller", "kathryn", True),
        ("Catherine Müller", "Miller", True),
        ("Catherine Müller", "Smith", False),
        ("Jon", "john", True),
        ("李雷", "李雷", True),
        ("李雷", "王", False),
    ],
)
def test_names_are_found_by_their_sound(
    parse: Parse, registry: Registry, name: str, searched: str, *, alike: bool
) -> None:
    """https://hl7.org/fhir/R4/patient.html#search: any word of a name, in rows that no other parameter reads."""
    patient = {"resourceType": "Patient", "name": [{"text": name}]}
    rows = Extractor(registry).rows("Patient", patient, "")["string"]
    parameters = registry.parameters("Patient")
    value = string(parse, f"phonetic={searched}")
    found = {(value.folded, value.exact)} & {row[2:] for row in rows if row[0] in parameters["phonetic"].source_numbers}
    assert bool(found) is alike
    assert not set(parameters["phonetic"].source_numbers) & set(parameters["name"].source_numbers)


@pytest.mark.parametrize("text", ["phonetic=a b", "phonetic=%20", "phonetic:exact=a", "phonetic:contains=a"])
def test_a_sound_is_that_of_one_word(parse: Parse, text: str) -> None:
    """And takes no modifier that is about letters."""
    with pytest.raises(FhirError) as refusal:
        parse("Patient", text)
    assert refusal.value.code in {"parameter-value", "modifier-unsupported"}


@given(st.text(st.characters(max_codepoint=127)))
@example(": ?")
def test_plain_texts_are_folded_like_any_other(text: str) -> None:
    """By a shorter way, which a letter that is not plain closes; texts of nothing but punctuation are kept alone."""
    assert fold(f"{text} \u00e9") == f"{fold(text)} e".strip() or not fold(text).strip(" !\"#%&()*,-/:;?@[\\]_{}'`.")
