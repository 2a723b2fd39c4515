"""What the definitions add to a path, what extensions of primitives do to it, and what it may not do."""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir.definitions import load
from service.fhir.path import PathError, Scope, compile_path

DEFINITIONS = load()

NAMED: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [{"given": ["Alex", None], "_given": [None, {"extension": [{"url": "http://example.org/e"}]}]}],
    "_birthDate": {"extension": [{"url": "http://example.org/e", "valueString": "unknown"}]},
    "_deceasedBoolean": {"id": "d"},
}


@pytest.mark.parametrize(
    "expression,start,message",
    [
        ("nam.given", "Patient", "Patient has no element 'nam'"),
        ("name.gven", "Patient", "HumanName has no element 'gven'"),
        ("item.item.item.linkID", "Questionnaire", "Questionnaire.item has no element 'linkID'"),
        ("value.start.end", "Observation", "has no element 'end'"),
        ("memberOf('http://example.org')", "Patient", "not supported"),
        ("now()", "Patient", "not supported"),
        ("exist()", "Patient", r"did you mean exists\(\)"),
    ],
)
def test_the_message_says_what_does_not_exist(expression: str, start: str, message: str) -> None:
    with pytest.raises(PathError, match=message):
        compile_path(expression, definitions=DEFINITIONS, type_name=start)


@pytest.mark.parametrize(
    "expression,found",
    [
        ("birthDate.exists()", [True]),
        ("birthDate.hasValue()", [False]),
        ("birthDate", []),
        ("birthDate.extension('http://example.org/e').value", ["unknown"]),
        ("birthDate.children().count()", [1]),
        ("name.given", ["Alex"]),
        ("name.given.count()", [2]),
        ("name.given.extension.url", ["http://example.org/e"]),
        ("name.given.where(hasValue())", ["Alex"]),
        ("deceased.exists()", [True]),
        ("deceased is boolean", [True]),
        ("deceased.id", ["d"]),
        ("birthDate = '2000'", [False]),
        ("birthDate > @2000", []),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_a_primitive_without_a_value_is_there_all_the_same(expression: str, found: list[Any], known: bool) -> None:
    path = compile_path(expression, definitions=DEFINITIONS if known else None, type_name="Patient" if known else None)
    if not known and expression == "deceased.id":
        return  # only the definitions tell that this id is not one of an object
    assert path.evaluate(NAMED) == found


def test_what_is_found_is_the_contents_own() -> None:
    assert compile_path("name").evaluate(NAMED)[0] is NAMED["name"][0]


def test_variables_are_given_by_name() -> None:
    assert compile_path("%one + %`an other`").evaluate({}, variables={"one": 1, "an other": 2}) == [3]


def test_resource_and_root_resource_are_what_they_are_said_to_be() -> None:
    found = compile_path("%resource.id | %rootResource.id").evaluate({}, resource={"id": "a"}, root={"id": "b"})
    assert found == ["a", "b"]


def test_a_path_runs_on_an_element_of_its_type() -> None:
    path = compile_path("item.linkId", definitions=DEFINITIONS, type_name="Questionnaire.item")
    assert path.evaluate({"linkId": "1", "item": [{"linkId": "2"}]}) == ["2"]


@pytest.mark.parametrize("expression", ["'a'.matches('a')", "'a'.replaceMatches('a', 'b')", "'a'.matchesFull('a')"])
def test_the_paths_of_requests_run_no_regular_expressions(expression: str) -> None:
    with pytest.raises(PathError, match="not available in the paths of requests"):
        compile_path(expression, untrusted=True)


@pytest.mark.parametrize(
    "expression",
    [
        "descendants().where($this.combine(%resource.descendants()).tail().exists())",
        "name" + ".select($this | $this.combine($this)).combine($this)" * 20,
        "name.where(%resource.name = $this.combine(%resource.name).tail())",
        "name" + ".select(%resource.name.combine(%resource.name))" * 8,
        "name.select(%resource.descendants().select($this.children()))",
        "name.select(%resource).name",
        "name.where(iif($this.exists(), %resource).name.given = 'x')",
    ],
)
def test_a_path_that_multiplies_its_work_is_given_up(expression: str) -> None:
    content = {"resourceType": "Patient", "name": [{"given": [str(number)]} for number in range(100)]}
    path = compile_path(expression, untrusted=True)
    scope = Scope(resource=content, root=content, context=content, budget=2000)
    with pytest.raises(PathError, match="visits more items"):
        path.run(content, scope)


def test_a_text_is_put_together_within_bounds() -> None:
    path = compile_path("'x'.select($this" + " & $this)" + ".select($this & $this)" * 25)
    with pytest.raises(PathError, match="1000000 characters"):
        path.evaluate({})


def test_replacing_does_not_multiply_a_text_beyond_bounds() -> None:
    grow = ".replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')"
    with pytest.raises(PathError, match="1000000 characters"):
        compile_path("'a'" + grow * 5).evaluate({})


def test_an_invariant_of_a_shared_scope_sees_each_item() -> None:
    path = compile_path("linkId in %resource.item.linkId", definitions=DEFINITIONS, type_name="Questionnaire.item")
    resource = {"resourceType": "Questionnaire", "item": [{"linkId": "1"}, {"linkId": "2"}]}
    scope = Scope(resource=resource, root=resource, context=resource)
    assert [path.holds(item, scope) for item in [*resource["item"], {"linkId": "3"}]] == [True, True, False]


@pytest.mark.parametrize(
    "expression",
    [
        "component.code.where(coding.intersect(%resource.code.coding).exists()).empty()",
        "component.code.coding.all(%resource.code.coding contains $this)",
        "component.code.coding.all($this in %resource.code.coding)",
        "component.code.all(coding.subsetOf(%resource.code.coding))",
    ],
)
def test_looking_items_up_in_the_resource_is_linear(expression: str) -> None:
    codings = [{"system": "http://example.org", "code": str(number)} for number in range(200)]
    components = [{"code": {"coding": [coding]}} for coding in codings]
    content = {"resourceType": "Observation", "code": {"coding": codings}, "component": components}
    path = compile_path(expression, definitions=DEFINITIONS, type_name="Observation")
    scope = Scope(resource=content, root=content, context=content, budget=6000)
    assert path.run(content, scope) == ["where" not in expression]
