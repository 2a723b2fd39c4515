"""Random searches that R4 allows over the random resources: criteria, joins, compartments and orders."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any, Final

from hypothesis import strategies as st

from tests.search.evaluator import pools
from tests.search.evaluator.searched import Criterion, Strategy, targets_of, tokens_for, values_for
from tests.search.evaluator.values import definitions, parameter_of

PARAMETERS: Final[dict[str, str]] = {
    "Patient": "active gender birthdate name family given address address-city address-use telecom phone identifier "
    "general-practitioner organization deceased death-date",
    "Practitioner": "active gender name family identifier",
    "PractitionerRole": "practitioner organization role date active",
    "Organization": "name partof address identifier",
    "ServiceRequest": "status intent priority subject patient code authored requester performer based-on identifier "
    "instantiates-canonical instantiates-uri occurrence",
    "Task": "status business-status focus patient subject owner authored-on period part-of",
    "CarePlan": "status subject patient category date activity-code activity-date encounter condition",
    "Observation": "status code subject patient category date value-quantity value-concept value-string value-date "
    "combo-code combo-value-quantity combo-value-concept component-code component-value-quantity performer encounter "
    "derived-from code-value-quantity code-value-concept code-value-string code-value-date "
    "component-code-value-quantity component-code-value-concept combo-code-value-quantity combo-code-value-concept",
    "Condition": "subject patient code recorded-date asserter encounter identifier onset-date onset-age onset-info",
    "Encounter": "status class subject patient date length type part-of participant practitioner service-provider",
    "QuestionnaireResponse": "status questionnaire subject patient authored author based-on",
    "Questionnaire": "status url version title",
    "PlanDefinition": "status url version title",
    "ValueSet": "status url version title date context context-type context-quantity context-type-value "
    "context-type-quantity reference code",
    "CodeSystem": "status url",
    "Appointment": "status date part-status actor patient practitioner service-type based-on",
    "RiskAssessment": "subject patient probability date",
    "Group": "type actual member characteristic value exclude characteristic-value",
    "List": "status item title",
}
"""Resource type → the parameters that the random resources have values for, besides those of all resources."""

ALL: Final = "_id _tag _profile _source"

TOGETHER: Final = {"Observation": ("code", "subject patient", "date"), "Task": ("status", "owner", "authored-on")}
"""Resource type → a code, whose it is, and when: what is asked for together, for which the index has values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search over a type ("" for all), perhaps in a compartment, perhaps sorted; `count` is the size of the pages.

    `contained` and `contained_type` are the result parameters of these names.
    """

    type: str
    criteria: tuple[Criterion, ...]
    compartment: tuple[str, str] | None = None
    sort: str | None = None
    count: int = 100
    contained: str = "false"
    contained_type: str = "container"


@cache
def queries(resource_type: str) -> st.SearchStrategy[Query]:
    """Searches over a type with one criterion or two, or three of which two are asked for together."""
    some = st.builds(
        Query,
        type=st.just(resource_type),
        criteria=st.lists(criteria(resource_type, depth=2), min_size=1, max_size=2).map(tuple),
        compartment=st.one_of(st.none(), st.none(), st.none(), _compartments(resource_type)),
        sort=st.none() | st.none() | _sorts(resource_type),
        count=st.sampled_from((100, 100, 100, 2)),
    ).flatmap(_perhaps_contained)
    return st.one_of(some, some, _together(resource_type)) if resource_type in TOGETHER else some


def _together(resource_type: str) -> st.SearchStrategy[Query]:
    code, whose, date = TOGETHER[resource_type]
    asked = st.tuples(
        st.tuples(st.just(code), _several(tokens_for(resource_type, code))),
        st.sampled_from(whose.split()).flatmap(lambda name: _targets(resource_type, name)),
        st.lists(criteria(resource_type, depth=1), max_size=1),
    )
    return st.builds(
        Query,
        type=st.just(resource_type),
        criteria=asked.flatmap(lambda each: st.permutations((each[0], each[1], *each[2]))).map(tuple),
        sort=st.sampled_from((None, date, f"-{date}", f"-{date},_id")) | _sorts(resource_type),
        count=st.sampled_from((100, 100, 2)),
    ).flatmap(_perhaps_contained)


def _targets(resource_type: str, code: str) -> Strategy:
    types = targets_of(resource_type, parameter_of(resource_type, code))
    literal = st.tuples(st.sampled_from(types), st.sampled_from(pools.IDS)).map("/".join)
    return st.tuples(st.just(code), _several(literal | st.sampled_from(pools.IDS)))


def _several(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, min_size=1, max_size=3).map(",".join)


def _perhaps_contained(query: Query) -> st.SearchStrategy[Query]:
    """The same of contained resources, where that can be searched for."""
    alone = not (query.compartment or query.sort)
    if not alone or any(name.startswith(("_has", "_list")) for name, _ in query.criteria):
        return st.just(query)
    kinds = [("false", "container")] * 4 + [*product(("true", "both"), ("container", "contained"))]
    return st.sampled_from(kinds).map(lambda kind: replace(query, contained=kind[0], contained_type=kind[1]))


@cache
def criteria(resource_type: str, depth: int) -> Strategy:
    """One criterion; `depth` is how often it may go on in other resources."""
    own = st.sampled_from([*PARAMETERS[resource_type].split(), *PARAMETERS[resource_type].split(), *ALL.split()])
    plain = own.flatmap(lambda code: values_for(resource_type, parameter_of(resource_type, code)))
    if not depth:
        return plain
    options = [plain, plain, plain, *_joins(resource_type, depth)]
    if resource_type in {"Patient", "Observation", "Condition", "Task"}:
        options.append(st.tuples(st.just("_list"), st.sampled_from(pools.IDS)))
    return st.one_of(options)


def _references_of(resource_type: str) -> list[tuple[str, list[str]]]:
    found = [parameter_of(resource_type, code) for code in PARAMETERS[resource_type].split()]
    return [(each.code, targets_of(resource_type, each)) for each in found if each.kind == "reference"]


def _joins(resource_type: str, depth: int) -> list[Strategy]:
    """Chains and reverse chains."""
    chains = [(code, target) for code, types in _references_of(resource_type) for target in types if len(types) < 9]
    reverse = [
        (source, code)
        for source in PARAMETERS
        for code, types in _references_of(source)
        if resource_type in types and len(types) < 9
    ]
    made: list[Strategy] = []
    if chains:
        made.append(st.sampled_from(chains).flatmap(lambda each: _chain(resource_type, *each, depth)))
    if reverse:
        made.append(st.sampled_from(reverse).flatmap(lambda each: _has(*each, depth)))
    return made


def _chain(resource_type: str, code: str, target: str, depth: int) -> Strategy:
    return criteria(target, depth - 1).map(
        lambda each: (f"{_head(resource_type, code, target, each[0])}.{each[0]}", each[1])
    )


def _head(resource_type: str, code: str, target: str, rest: str) -> str:
    """The start of a chain; R4 lets a server refuse one without a type that goes on in several types."""
    if code in {"patient", "practitioner"}:
        return code
    inner = rest.partition(".")[0].partition(":")[0]
    able = [
        each for each in parameter_of(resource_type, code).targets if inner in definitions().search_parameters(each)
    ]
    return code if able == [target] else f"{code}:{target}"


def _has(source: str, code: str, depth: int) -> Strategy:
    return criteria(source, depth - 1).map(lambda each: (f"_has:{source}:{code}:{each[0]}", each[1]))


def _compartments(resource_type: str) -> st.SearchStrategy[tuple[str, str] | None]:
    owners = [
        each
        for each in ("Patient", "Practitioner", "Encounter")
        if each != resource_type and definitions().compartment(each).get(resource_type)
    ]
    return st.tuples(st.sampled_from(owners), st.sampled_from(pools.IDS)) if owners else st.none()


def _sorts(resource_type: str) -> st.SearchStrategy[str | None]:
    codes = [
        each for each in PARAMETERS[resource_type].split() if parameter_of(resource_type, each).kind != "composite"
    ]
    rules = st.tuples(st.sampled_from(("", "-")), st.sampled_from([*codes, "_lastUpdated", "_id"])).map("".join)
    return st.lists(rules, min_size=1, max_size=2, unique_by=lambda rule: rule.lstrip("-")).map(",".join)


def types_of(query: Query) -> set[str]:
    """The resource types that a search is about, joins included."""
    words: list[Any] = [query.type, *(query.compartment or ())[:1]]
    for name, _ in query.criteria:
        words += name.replace(".", ":").split(":")
        words += ["List"] if "_list" in name else []
        words += ["ValueSet", "CodeSystem"] if name.endswith(("in", "above", "below")) else []
        words += [each for each in ("Patient", "Practitioner", "Questionnaire") if f"{each.lower()}." in name]
    return {word for word in words if word in PARAMETERS}
