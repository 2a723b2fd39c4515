"""From parameters to a query, or to a refusal that helps."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.fhir.definitions import load
from service.fhir.outcome import FhirError
from service.fhir.reference import identity_of
from service.fhir.search.parse import parse_criteria, parse_search
from service.fhir.search.query import Identified, query_string
from service.fhir.search.registry import Registry
from service.fhir.search.result_parameters import RESULT_PARAMETERS, SearchLimits
from tests.unit.search.refusal import refusal

if TYPE_CHECKING:
    from tests.unit.search.conftest import Parse

BASE = "https://fhir.example.org/fhir"
REGISTRY = Registry(load())


def test_repeated_parameters_are_and(parse: Parse) -> None:
    """Each its own criterion, equal or not."""
    assert len(parse("Patient", "name=a&name=b&name=b").where.criteria) == 3


def test_no_parameters_are_a_query_for_everything(parse: Parse) -> None:
    """With the default page size."""
    query = parse("Patient", "")
    assert (query.types, query.where.criteria, query.count) == (("Patient",), (), 20)


def test_ids_become_identities(parse: Parse) -> None:
    """Of every type that is searched."""
    (criterion,) = parse(None, "_id=a,b&_type=Patient,Group").where.criteria
    assert isinstance(criterion, Identified)
    assert set(criterion.identities) == {identity_of(each, id_) for each in ("Patient", "Group") for id_ in "ab"}


@pytest.mark.parametrize(
    "text,near",
    [
        *(
            ("pateint=1", "patient"),
            ("statuss=a", "status"),
            ("_lastupdated=2024", "_lastUpdated"),
            ("_cont=1", "_count"),
        ),
        *(("_ID=a", "_id"), ("STATUS=final", "status")),
    ],
)
def test_an_unknown_parameter_is_refused_with_the_nearest_one(parse: Parse, text: str, near: str) -> None:
    """And with the list of all."""
    code, expression, diagnostics = refusal(parse, "Observation", text)
    assert (code, expression) == ("parameter-unknown", f"http.{text.partition('=')[0]}")
    assert f'did you mean "{near}"?' in diagnostics
    assert "combo-code" in diagnostics


@pytest.mark.parametrize("name", ["_offset", "page", "_getpages", "_skip", "_page_token", "ct"])
def test_how_other_servers_page_is_answered_with_the_next_link(parse: Parse, name: str) -> None:
    """A parameter of a similar name would be no help."""
    code, expression, diagnostics = refusal(parse, "Observation", f"{name}=2")
    assert (code, expression) == ("parameter-unknown", f"http.{name}")
    assert diagnostics.startswith("Pages are reached by the next link")


@pytest.mark.parametrize(
    "text,reason",
    [
        ("_content=pain", "full-text"),
        ("_text=pain", "full-text"),
        ("_query=mine", "named queries"),
        ("_filter=a eq b", "filter"),
        ("_score=1", "ranked"),
        ("subject._filter=x", "filter"),
    ],
)
def test_what_r4_has_and_the_service_has_not_is_refused_by_name(parse: Parse, text: str, reason: str) -> None:
    """With the reason."""
    code, _, diagnostics = refusal(parse, "Observation", text)
    assert code == "parameter-unsupported"
    assert reason in diagnostics


def test_lenient_handling_leaves_out_what_is_unknown_and_says_so(parse: Parse) -> None:
    """In a warning, and in the self link by its absence."""
    query = parse("Observation", "foo=1&status=final&_score=1&subject.foo=1", strict=False)
    assert len(query.where.criteria) == 1
    assert [warning.expression for warning in query.warnings] == [
        ("http.foo",),
        ("http._score",),
        ("http.subject.foo",),
    ]
    assert {warning.severity for warning in query.warnings} == {"warning"}
    assert query_string(query) == "status=final"


@pytest.mark.parametrize(
    "text", ["_count=", "status=", "status:not=", "date:missing=", "subject.name=", "_sort=", "_include="]
)
def test_a_parameter_without_a_value_is_left_out_leniently(parse: Parse, text: str) -> None:
    """As 3.1.1.3 says, "they are just ignored". Strictly it is refused: it would be answered with everything."""
    query = parse("Observation", f"code=a&{text}", strict=False)
    assert query_string(query) == "code=a"
    (warning,) = query.warnings
    assert warning.diagnostics.endswith("was sent without a value.")
    assert refusal(parse, "Observation", text)[0] == "parameter-value"


@pytest.mark.parametrize("text", ["status:foo=final", "date=2024-13", "_count=-1", "status=,"])
def test_lenient_handling_forgives_nothing_else(parse: Parse, text: str) -> None:
    """An unknown modifier or a malformed value would change what is asked."""
    code, _, _ = refusal(parse, "Observation", text, strict=False)
    assert code in {"modifier-unsupported", "parameter-value"}


@pytest.mark.parametrize(
    "text,parameter",
    [
        ("_count=-1", "_count"),
        ("_count=ten", "_count"),
        ("_count=1&_count=2", "_count"),
        ("_count=" + "9" * 5000, "_count"),
        (f"_count={2**63}", "_count"),
        ("_summary=yes", "_summary"),
        ("_total=exact", "_total"),
        ("_elements=", "_elements"),
        ("_elements=status,nonsense", "_elements"),
        ("_elements=a b", "_elements"),
        ("_id=a b", "_id"),
        ("_id=a,,b", "_id"),
        ("status:missing=yes", "status"),
        ("status=a%00b", "status"),
    ],
)
def test_a_malformed_value_is_refused_with_its_parameter(parse: Parse, text: str, parameter: str) -> None:
    """In the expression of the issue."""
    code, expression, _ = refusal(parse, "Observation", text)
    assert (code, expression) == ("parameter-value", f"http.{parameter}")


@pytest.mark.parametrize(
    "text",
    ["_id=Pat Example", "birthdate=Pat Example", "active:missing=Pat Example", "general-practitioner=Pat Example"],
)
def test_a_refusal_never_repeats_a_value(parse: Parse, text: str) -> None:
    """It may be a patient's."""
    assert "Pat Example" not in refusal(parse, "Patient", text)[2]


def test_a_hostile_name_is_not_repeated(parse: Parse) -> None:
    """It is only called unknown."""
    code, expression, diagnostics = refusal(parse, "Patient", "<script>alert(1)</script>=1")
    assert (code, expression) == ("parameter-unknown", "http")
    assert "script" not in diagnostics


@pytest.mark.parametrize(
    "text,limits",
    [("code=a,b,c", SearchLimits(values=2)), ("code=a&code=b&code=c", SearchLimits(criteria=2))],
)
def test_what_costs_too_much_is_refused(parse: Parse, text: str, limits: SearchLimits) -> None:
    """The limits are the deployment's."""
    assert refusal(parse, "Observation", text, limits=limits)[0] == "too-costly"


def test_result_parameters_are_read(parse: Parse) -> None:
    """And do not count as criteria."""
    query = parse("Patient", "_count=5&_total=accurate&_elements=name,active&_cursor=x&_format=json")
    assert (query.count, query.total, query.cursor) == (5, "accurate", "x")
    assert (query.elements, query.where.criteria) == (("name", "active"), ())
    assert parse("Patient", "_summary=data").summary == "data"


def test_summary_and_elements_exclude_each_other(parse: Parse) -> None:
    """R4 does not say which of them would win."""
    with pytest.raises(FhirError, match="cannot be combined"):
        parse("Patient", "_summary=data&_elements=name")


@pytest.mark.parametrize("text", ["_count=0", "_summary=count"])
def test_a_count_alone_can_be_asked_for(parse: Parse, text: str) -> None:
    """In both of R4's ways."""
    assert parse("Patient", text).counts_only


def test_links_repeat_what_was_applied(parse: Parse) -> None:
    """The page size as it was cut; without the noise that clients add, and with the new cursor."""
    query = parse("Patient", "name=%C3%84&_count=5000&_totalMethod=count&_cursor=old&_pretty=true")
    assert query.count == 1000
    assert parse_qsl(query_string(query, cursor="new")) == [
        ("name", "Ä"),
        ("_count", "1000"),
        ("_pretty", "true"),
        ("_cursor", "new"),
    ]


@pytest.mark.parametrize("text", ["_type=Nonsense", "_type=Patient&_type=Group", "_type="])
def test_the_types_of_a_system_search_are_checked(parse: Parse, text: str) -> None:
    """They must be served."""
    assert refusal(parse, None, text)[:2] == ("parameter-value", "http._type")


@pytest.mark.parametrize(
    "text,told", [("_type=Task,patient", 'did you mean "Patient"?'), ("_type=Task,,Goal", "by commas.")]
)
def test_a_type_that_cannot_be_searched_is_refused_with_the_nearest(parse: Parse, text: str, told: str) -> None:
    assert refusal(parse, None, text)[2].endswith(told)


@pytest.mark.parametrize("count", [2**31 - 1, 2**63 - 1])
def test_clients_that_want_all_get_the_largest_page(parse: Parse, count: int) -> None:
    """R4: "may return less than the client requested". The link says how many."""
    query = parse("Patient", f"_count={count}")
    assert (query.count, query_string(query)) == (1000, "_count=1000")


def test_types_belong_to_searches_of_the_system(parse: Parse) -> None:
    """A search of one type has its type already."""
    assert refusal(parse, "Patient", "_type=Group")[0] == "parameter-unknown"


@pytest.mark.parametrize(
    "parameters,code",
    [
        ((), "criteria-required"),
        ((("_count", "1"),), "parameter-unsupported"),
        ((("_totalMethod", "count"),), "parameter-unsupported"),
        ((("foo", "1"),), "parameter-unknown"),
        ((("identifier", "|"),), "parameter-value"),
        ((("_include:iterate", "Patient:link"),), "parameter-unsupported"),
        ((("language:in", "http://sets.example.org/set"),), "modifier-unsupported"),
        ((("organization.type:below", "http://codes.example.org|a"),), "modifier-unsupported"),
    ],
)
def test_criteria_are_search_parameters_alone(parameters: tuple[tuple[str, str], ...], code: str) -> None:
    """A conditional interaction must not act on what was meant otherwise."""
    with pytest.raises(FhirError) as raised:
        parse_criteria(REGISTRY, "Patient", parameters, base=BASE)
    assert raised.value.code == code


def test_what_refuses_an_unknown_criterion_lists_what_criteria_may_be() -> None:
    """Result parameters are none, and would be refused next; inside a search they are listed."""
    refused = []
    for read in (parse_criteria, parse_search):
        with pytest.raises(FhirError) as raised:
            read(REGISTRY, "Patient", (("_cuont", "1"),), base=BASE)
        refused.append(raised.value.issues[0].diagnostics)
    criteria, search = refused
    assert " identifier, " in criteria
    assert not any(name in criteria for name in RESULT_PARAMETERS)
    assert all(name in search for name in RESULT_PARAMETERS)


_NAMES = st.sampled_from(
    [
        *("status", "status:not", "code", "code:missing", "subject", "subject:Patient", "date", "value-string"),
        *("value-string:exact", "_id", "_lastUpdated", "_tag", "_profile", "_count", "_elements", "_type", "_cursor"),
        *(
            "_sort",
            "_include",
            "_revinclude:iterate",
            "_list",
            "_explain",
            "_contained",
            "_containedType",
            "subject.name",
            "subject:Patient._id",
        ),
        *("_has:Task:focus:status", "patient._has:Observation:patient:code", "code:in", "code:below", "value-quantity"),
    ]
)


_VALUES = st.sampled_from(
    [
        *("final", "Patient/1", "1", "1,2", "ge2024-01", "a|b", r"a\,b", "5||mm", "true", "Patient", "date,-status"),
        *(
            "container",
            "contained",
            "both",
            "Observation:subject",
            "Provenance:target",
            "*",
            "http://codes.example.org|a",
            "http://sets.example.org",
        ),
    ]
)


@settings(deadline=None)  # the first example compiles the search parameters
@given(
    st.lists(st.tuples(_NAMES | st.text(max_size=20), _VALUES | st.text()), max_size=4), st.booleans(), st.booleans()
)
def test_no_text_breaks_the_parser(parameters: list[tuple[str, str]], strict: bool, of_system: bool) -> None:
    """Everything is a query, which its own link repeats, or a refusal with a code."""
    resource_type = None if of_system else "Observation"
    try:
        query = parse_search(REGISTRY, resource_type, tuple(parameters), base=BASE, strict=strict)
    except FhirError as error:
        assert error.category.status == 400
    else:
        again = parse_search(
            REGISTRY, resource_type, tuple(parse_qsl(query_string(query), keep_blank_values=True)), base=BASE
        )
        assert (again.types, again.where, again.sort, again.includes, again.contained, again.contained_type) == (
            query.types,
            query.where,
            query.sort,
            query.includes,
            query.contained,
            query.contained_type,
        )
