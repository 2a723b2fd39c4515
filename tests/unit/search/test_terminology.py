"""Value sets and hierarchies: which codes they come to, and when that cannot be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.outcome import FhirError
from service.fhir.reference import digest_of
from service.fhir.search.query import Chain, Matches, Not, TokenValue
from service.fhir.search.terminology import criteria_of, resolve, unresolved
from service.fhir.terminology.needed import Needed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.fhir.search.query import Query
    from tests.unit.search.conftest import Parse

Json = dict[str, Any]

SYSTEM = "http://codes.example.org/pain"
OTHER = "http://codes.example.org/other"
SET = "http://sets.example.org/set"
INNER = "http://sets.example.org/inner"

PAIN: Json = {
    "resourceType": "CodeSystem",
    "url": SYSTEM,
    "status": "active",
    "content": "complete",
    "property": [
        {"code": "region", "type": "code"},
        {"code": "status", "uri": "http://hl7.org/fhir/concept-properties#status", "type": "code"},
        {"code": "under", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"},
        {"code": "acute", "type": "boolean"},
    ],
    "concept": [
        {
            "code": "pain",
            "concept": [
                {
                    "code": "back",
                    "property": [{"code": "region", "valueCode": "trunk"}, {"code": "acute", "valueBoolean": True}],
                    "concept": [
                        {"code": "low-back"},
                        {"code": "lumbago", "property": [{"code": "status", "valueCode": "retired"}]},
                    ],
                },
                {"code": "neck", "property": [{"code": "region", "valueCode": "head"}]},
            ],
        },
        {"code": "sciatica", "property": [{"code": "under", "valueCode": "low-back"}]},
        {"code": "stress", "property": [{"code": "child", "valueCode": "neck"}]},
    ],
}
ALL = {"pain", "back", "low-back", "lumbago", "neck", "sciatica", "stress"}


def value_set(*include: Json, exclude: Sequence[Json] = (), url: str = SET, **others: Any) -> Json:
    """A ValueSet that is composed."""
    compose: Json = {"include": list(include)}
    if exclude:
        compose["exclude"] = list(exclude)
    return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": compose | others}


def held(*resources: Json) -> dict[Needed, list[Json]]:
    """The resources under the names that they are needed by."""
    found: dict[Needed, list[Json]] = {}
    for each in resources:
        found.setdefault(Needed(type=each["resourceType"], url=each["url"]), []).append(each)
    return found


def codes(query: Query) -> set[str]:
    """The codes of a resolved search, each in a system."""
    (criterion,) = query.where.criteria
    assert isinstance(criterion, Matches)
    systems = {digest_of(SYSTEM): "", digest_of(OTHER): "other:"}
    return {
        f"{systems[value.system]}{value.code}"
        for value in criterion.values
        if isinstance(value, TokenValue) and value.system is not None
    }


def expanded(parse: Parse, *resources: Json, text: str = f"code:in={SET}") -> set[str]:
    """The codes of a search by a value set or a hierarchy."""
    query = parse("Observation", text)
    known = held(*resources)
    assert unresolved(query, known) == ()
    return codes(resolve(query, known, limit=100))


def untold(parse: Parse, known: Mapping[Needed, Sequence[Json]], text: str = f"code:in={SET}", limit: int = 100) -> str:
    """Why a search cannot be answered."""
    with pytest.raises(FhirError) as raised:
        resolve(parse("Observation", text), known, limit=limit)
    (issue,) = raised.value.issues
    assert (issue.code, issue.expression) in [("not-supported", ("http.code",)), ("too-costly", ("http.code",))]
    return issue.diagnostics


def concepts(*listed: str, system: str = SYSTEM) -> Json:
    """A part of a value set that lists its codes."""
    return {"system": system, "concept": [{"code": each} for each in listed]}


def filtered(name: str, operator: str, value: str) -> Json:
    """A part of a value set that filters the codes of the system."""
    return {"system": SYSTEM, "filter": [{"property": name, "op": operator, "value": value}]}


@pytest.mark.parametrize(
    "composed,expected",
    [
        (value_set(concepts("a", "b")), {"a", "b"}),
        (value_set(concepts("a"), concepts("a", system=OTHER)), {"a", "other:a"}),
        (value_set(concepts("a", "b"), exclude=[concepts("b")]), {"a"}),
        (value_set(concepts("a", "b"), exclude=[concepts("b", system=OTHER)]), {"a", "b"}),
        (value_set({"system": SYSTEM}), ALL),
        (value_set({"system": SYSTEM}, inactive=False), ALL - {"lumbago"}),
        (value_set({"system": SYSTEM}, inactive=True), ALL),
        (value_set({"system": SYSTEM}, exclude=[filtered("concept", "is-a", "back")]), {"pain", "neck", "stress"}),
        (value_set(concepts("pain", "x"), exclude=[{"system": SYSTEM}]), {"x"}),
        (value_set(filtered("concept", "is-a", "back")), {"back", "low-back", "lumbago", "sciatica"}),
        (value_set(filtered("concept", "descendent-of", "back")), {"low-back", "lumbago", "sciatica"}),
        (value_set(filtered("concept", "is-not-a", "back")), {"pain", "neck", "stress"}),
        (value_set(filtered("concept", "generalizes", "sciatica")), {"sciatica", "low-back", "back", "pain"}),
        (value_set(filtered("code", "=", "neck")), {"neck"}),
        (value_set(filtered("concept", "in", "neck,back")), {"neck", "back"}),
        (value_set(filtered("concept", "not-in", "neck,back")), ALL - {"neck", "back"}),
        (value_set(filtered("concept", "regex", "(low-)?back")), {"back", "low-back"}),
        (value_set(filtered("region", "regex", "t.*")), {"back"}),
        (value_set(filtered("region", "=", "trunk")), {"back"}),
        (value_set(filtered("region", "in", "trunk,head")), {"back", "neck"}),
        (value_set(filtered("region", "not-in", "trunk")), ALL - {"back"}),
        (value_set(filtered("region", "exists", "true")), {"back", "neck"}),
        (value_set(filtered("region", "exists", "false")), ALL - {"back", "neck"}),
        (value_set(filtered("acute", "=", "true")), {"back"}),
        (value_set(filtered("parent", "=", "low-back")), {"sciatica"}),
        (value_set(filtered("child", "=", "neck")), {"pain", "stress"}),
        (
            value_set(
                {
                    "system": SYSTEM,
                    "filter": [
                        *filtered("concept", "is-a", "pain")["filter"],
                        *filtered("region", "exists", "true")["filter"],
                    ],
                }
            ),
            {"back", "neck"},
        ),
    ],
)
def test_a_value_set_is_composed(parse: Parse, composed: Json, expected: set[str]) -> None:
    """Lists, whole systems, filters; what is excluded leaves."""
    assert expanded(parse, composed, PAIN) == expected


@pytest.mark.parametrize(
    "include,expected",
    [
        ([{"valueSet": [INNER]}], {"a", "b"}),
        ([{"valueSet": [INNER]}, concepts("c")], {"a", "b", "c"}),
        ([{**concepts("b", "c"), "valueSet": [INNER]}], {"b"}),
        ([{"valueSet": [INNER, f"{INNER}-2"]}], {"b"}),
    ],
)
def test_value_sets_import_others(parse: Parse, include: list[Json], expected: set[str]) -> None:
    """Within one include, all of its conditions hold."""
    inner = [value_set(concepts("a", "b"), url=INNER), value_set(concepts("b", "c"), url=f"{INNER}-2")]
    assert expanded(parse, value_set(*include), *inner) == expected


def expansion(*contains: Json, **others: Any) -> Json:
    """A ValueSet that carries an expansion, and a composition that the service could not evaluate."""
    composed = value_set(filtered("region", "is-a", "trunk"))
    return composed | {"expansion": {"timestamp": "2024-01-01", "contains": list(contains), **others}}


NESTED: Json = {
    "system": SYSTEM,
    "code": "group",
    "abstract": True,
    "contains": [
        {"system": SYSTEM, "code": "a"},
        {"display": "only a heading", "contains": [{"system": SYSTEM, "code": "b"}]},
    ],
}


@pytest.mark.parametrize("others", [{}, {"total": 4}, {"offset": 0}])
def test_an_expansion_that_is_complete_is_taken(parse: Parse, others: Json) -> None:
    """With what is nested in it, without abstract entries and headings."""
    assert expanded(parse, expansion(NESTED, **others)) == {"a", "b"}


@pytest.mark.parametrize(
    "others",
    [
        {"total": 5},
        {"offset": 10},
        {"parameter": [{"name": "limitedExpansion", "valueBoolean": True}]},
        {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/valueset-unclosed", "valueBoolean": True}]},
        {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/valueset-toocostly", "valueBoolean": True}]},
    ],
)
def test_an_expansion_that_is_a_part_is_not(parse: Parse, others: Json) -> None:
    """It would be a smaller list."""
    assert "is-a" in untold(parse, held(expansion(NESTED, **others), PAIN))


@pytest.mark.parametrize(
    "resources,reason",
    [
        ([], "does not hold the ValueSet"),
        ([value_set({"system": SYSTEM})], f"does not hold the CodeSystem {SYSTEM}"),
        ([value_set({"valueSet": [INNER]})], f"does not hold the ValueSet {INNER}"),
        ([value_set({"valueSet": [SET]})], "includes itself"),
        ([value_set({"valueSet": [INNER]}), value_set({"valueSet": [SET]}, url=INNER)], "includes itself"),
        ([value_set({"system": SYSTEM}), PAIN | {"content": "fragment"}], "without all of its codes"),
        ([value_set({"system": SYSTEM}), PAIN | {"content": "not-present"}], "without all of its codes"),
        ([value_set({"system": SYSTEM}), PAIN | {"compositional": True}], "can be composed"),
        ([value_set(filtered("concept", "is-a", "pain")), PAIN | {"hierarchyMeaning": "part-of"}], "part-of, not is-a"),
        ([value_set(filtered("concept", "is-a", "unknown")), PAIN], "does not have the code"),
        ([value_set(filtered("concept", "regex", "(?=a)")), PAIN], "regular expression that is not evaluated"),
        ([value_set(filtered("region", "is-a", "trunk")), PAIN], "filters with is-a on the property region"),
        ([value_set(filtered("nonsense", "=", "a")), PAIN], "does not declare the property nonsense"),
        ([value_set(concepts("a"), lockedDate="2020-01-01")], "locked to a date"),
        ([{"resourceType": "ValueSet", "url": SET, "status": "active"}], "without its codes"),
        ([value_set(concepts("a")), value_set(concepts("b"))], "several versions"),
    ],
)
def test_what_cannot_be_told_is_refused(parse: Parse, resources: list[Json], reason: str) -> None:
    """Never answered with fewer codes."""
    assert reason in untold(parse, held(*resources))


def test_the_only_active_one_of_several_is_taken(parse: Parse) -> None:
    """Drafts and retired versions stay out of the way."""
    retired = value_set(concepts("old")) | {"status": "retired"}
    assert expanded(parse, retired, value_set(concepts("new"))) == {"new"}


def test_too_many_codes_are_refused(parse: Parse) -> None:
    """With the limit."""
    assert "more than 3" in untold(parse, held(value_set({"system": SYSTEM}), PAIN), limit=3)
    assert "more than 3" in untold(parse, held(PAIN), text=f"code:below={SYSTEM}%7Cpain", limit=3)


@pytest.mark.parametrize(
    "relation,code,expected",
    [
        ("below", "back", {"back", "low-back", "lumbago", "sciatica"}),
        ("below", "sciatica", {"sciatica"}),
        ("below", "stress", {"stress", "neck"}),
        ("above", "sciatica", {"sciatica", "low-back", "back", "pain"}),
        ("above", "neck", {"neck", "pain", "stress"}),
        ("above", "pain", {"pain"}),
    ],
)
def test_a_hierarchy_is_walked(parse: Parse, relation: str, code: str, expected: set[str]) -> None:
    """Nested concepts, parents and children by property; the code itself is both above and below."""
    assert expanded(parse, PAIN, text=f"code:{relation}={SYSTEM}%7C{code}") == expected


def test_a_hierarchy_may_have_a_circle(parse: Parse) -> None:
    """Everything in it is above and below everything else."""
    circle = PAIN | {
        "concept": [
            {"code": "a", "property": [{"code": "subsumedBy", "valueCode": "b"}]},
            {"code": "b", "property": [{"code": "subsumedBy", "valueCode": "a"}]},
        ]
    }
    assert expanded(parse, circle, text=f"code:above={SYSTEM}%7Ca") == {"a", "b"}


def test_a_hierarchy_that_names_what_is_not_there_is_refused(parse: Parse) -> None:
    """The code system is not whole."""
    broken = PAIN | {"concept": [{"code": "a", "property": [{"code": "parent", "valueCode": "gone"}]}]}
    assert "lacks a code" in untold(parse, held(broken), text=f"code:below={SYSTEM}%7Ca")


def test_imports_that_meet_again_are_worked_out_once(parse: Parse) -> None:
    """Fifty levels of two imports each would take longer than anybody waits."""
    levels = [
        value_set({"valueSet": [f"{SET}-{level + 1}"]}, {"valueSet": [f"{SET}-{level + 1}"]}, url=f"{SET}-{level}")
        for level in range(50)
    ]
    assert expanded(parse, *levels, value_set(concepts("a"), url=f"{SET}-50"), text=f"code:in={SET}-0") == {"a"}


@pytest.mark.parametrize("count", [99, 101])
def test_the_resources_behind_a_search_are_limited(parse: Parse, count: int) -> None:
    """Each of them is a look-up."""
    many = value_set(*({"valueSet": [f"{INNER}-{number}"]} for number in range(count)))
    query = parse("Observation", f"code:in={SET}")
    if count < 100:
        assert len(unresolved(query, held(many))) == count
        return
    with pytest.raises(FhirError, match="more than 100"):
        unresolved(query, held(many))


@pytest.mark.parametrize(
    "text,known,expected",
    [
        (f"code:in={SET}", [], {f"ValueSet {SET}"}),
        (f"code:in={SET}%7C2", [], {f"ValueSet {SET}|2"}),
        ("code:in=ValueSet/9", [], {"ValueSet ValueSet/9"}),
        (f"code:in={SET},{INNER}", [], {f"ValueSet {SET}", f"ValueSet {INNER}"}),
        (f"code:below={SYSTEM}%7Ca", [], {f"CodeSystem {SYSTEM}"}),
        (f"code:in={SET}", [value_set({"system": SYSTEM, "version": "3"})], {f"CodeSystem {SYSTEM}|3"}),
        (f"code:in={SET}", [value_set({"valueSet": [f"{INNER}|1"]}, concepts("a"))], {f"ValueSet {INNER}|1"}),
        (f"code:in={SET}", [value_set(concepts("a"), exclude=[{"system": OTHER}])], {f"CodeSystem {OTHER}"}),
        (f"code:in={SET}", [value_set({"valueSet": [SET]})], set()),
        (f"code:in={SET}", [expansion(NESTED)], set()),
        (f"subject:Patient._has:Observation:patient:code:not-in={SET}", [], {f"ValueSet {SET}"}),
        ("code=a", [], set()),
    ],
)
def test_what_is_needed_is_told_step_by_step(parse: Parse, text: str, known: list[Json], expected: set[str]) -> None:
    """What the resources at hand name, until nothing is left to look up."""
    assert {str(each) for each in unresolved(parse("Observation", text), held(*known))} == expected


def test_what_was_looked_up_in_vain_is_not_needed_again(parse: Parse) -> None:
    """`resolve` tells the client."""
    needed = Needed(type="ValueSet", url=SET)
    assert unresolved(parse("Observation", f"code:in={SET}"), {needed: []}) == ()


def test_a_needed_resource_is_found_by_search_parameters() -> None:
    """With the separators in its URL escaped."""
    assert criteria_of(Needed(type="ValueSet", url="http://a.example/x,y", version="2")) == (
        ("url", "http://a.example/x\\,y"),
        ("version", "2"),
    )
    assert criteria_of(Needed(type="ValueSet", url="ValueSet/9")) == (("_id", "9"),)


def test_codes_are_written_out_wherever_they_stand(parse: Parse) -> None:
    """Behind links and in complements."""
    query = parse("Observation", f"encounter.type:not-in={SET}")
    (chain,) = resolve(query, held(value_set(concepts("a"))), limit=10).where.criteria
    assert isinstance(chain, Chain)
    (complement,) = chain.where.criteria
    assert isinstance(complement, Not)
    assert isinstance(complement.criterion, Matches)
    assert len(complement.criterion.values) == 1


def test_codes_of_elements_with_an_implied_system_are_without_it(parse: Parse) -> None:
    """As the index has them; those of other systems match nothing."""
    status = "http://hl7.org/fhir/observation-status"
    known = held(value_set(concepts("final", "bogus", system=status), concepts("amended")))
    (criterion,) = resolve(parse("Observation", f"status:in={SET}"), known, limit=10).where.criteria
    assert isinstance(criterion, Matches)
    assert criterion.values == (TokenValue(form="any-code-of", codes=("final",)),)


def test_a_value_set_without_codes_matches_nothing(parse: Parse) -> None:
    """And everything is not in it."""
    known = held(value_set(concepts("a"), exclude=[concepts("a")]))
    (criterion,) = resolve(parse("Observation", f"code:in={SET}"), known, limit=10).where.criteria
    assert isinstance(criterion, Matches)
    assert criterion.values == (TokenValue(form="any-code-of", codes=()),)


def test_a_refusal_does_not_repeat_what_the_client_named(parse: Parse) -> None:
    """It may be anything."""
    assert "Pat-Example" not in untold(parse, {}, text="code:in=urn:Pat-Example")


def test_an_element_that_is_only_an_extension_is_refused(parse: Parse) -> None:
    """R4 allows it, and it tells no code."""
    strange = value_set({"system": SYSTEM, "concept": [{"_code": {"extension": [{"url": "a", "valueCode": "b"}]}}]})
    assert "'code'" in untold(parse, held(strange))
