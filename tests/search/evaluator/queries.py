"""Random searches that R4 allows over the random resources: parameters with the values and modifiers of their types."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tests.search.evaluator import pools
from tests.search.evaluator.interval import PREFIXES
from tests.search.evaluator.separators import escape
from tests.search.evaluator.tokens import IMPLIED_SYSTEMS
from tests.search.evaluator.values import parameter_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.fhir.definitions import SearchParameterFact

Criterion = tuple[str, str]
Strategy = st.SearchStrategy[Criterion]

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

CODES: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("Patient", "gender"): ("male", "female"),
    ("Patient", "address-use"): ("old", "work"),
    ("Practitioner", "gender"): ("male", "female"),
    ("ServiceRequest", "status"): ("active", "draft", "completed", "unknown"),
    ("ServiceRequest", "intent"): ("order", "plan"),
    ("ServiceRequest", "priority"): ("routine", "urgent", "stat"),
    ("Task", "status"): ("requested", "accepted", "draft"),
    ("CarePlan", "status"): ("active", "draft", "unknown"),
    ("Observation", "status"): ("final", "amended", "unknown"),
    ("Encounter", "status"): ("planned", "finished", "unknown"),
    ("QuestionnaireResponse", "status"): ("completed", "in-progress"),
    ("ValueSet", "status"): ("active", "draft"),
    ("ValueSet", "version"): (*pools.VERSIONS, "1.0-Rc"),
    ("ValueSet", "code"): ("a", "b", "a-a"),
    ("CodeSystem", "status"): ("active", "draft"),
    ("Appointment", "status"): ("proposed", "cancelled"),
    ("Appointment", "part-status"): ("accepted", "declined"),
    ("Group", "type"): ("person", "animal"),
    ("List", "status"): ("current", "retired"),
}
"""(resource type, parameter) → codes of elements of type code or string, which have no system of their own."""

BOOLEAN: Final = frozenset({"active", "deceased", "actual", "exclude"})
SORTED: Final = frozenset({"date", "string"})
"""The parameter types for which R4 implies an order of values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search over a type, perhaps in a compartment, perhaps sorted."""

    type: str
    criteria: tuple[Criterion, ...]
    compartment: tuple[str, str] | None = None
    sort: str | None = None


@cache
def queries(resource_type: str) -> st.SearchStrategy[Query]:
    """Searches over a type with one criterion or two."""
    return st.builds(
        Query,
        type=st.just(resource_type),
        criteria=st.lists(criteria(resource_type, depth=2), min_size=1, max_size=2).map(tuple),
        compartment=st.none() | st.none() | st.none() | _compartments(resource_type),
        sort=st.none() | st.none() | _sorts(resource_type),
    )


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


@cache
def values_for(resource_type: str, parameter: SearchParameterFact) -> Strategy:
    """Names and values with one parameter: alternatives, modifiers, `:missing`."""
    make = _MAKERS[parameter.kind]
    found = st.lists(make(resource_type, parameter), min_size=1, max_size=3).map(_as_alternatives)
    if parameter.code == "_id" or parameter.kind == "composite":
        return found
    missing = st.tuples(st.just(f"{parameter.code}:missing"), st.sampled_from(("true", "false")))
    return st.one_of(found, found, found, found, missing)


def _as_alternatives(found: list[Criterion]) -> Criterion:
    """Values under the name of the first; those under other names are left out."""
    name = found[0][0]
    return name, ",".join(value for each, value in found if each == name)


def _named(name: str, values: st.SearchStrategy[str]) -> Strategy:
    return st.tuples(st.just(name), values)


def _dates(_resource_type: str, parameter: SearchParameterFact) -> Strategy:
    times = st.tuples(st.sampled_from(("", *PREFIXES)), st.sampled_from(pools.SEARCHED_TIMES))
    return _named(parameter.code, times.map("".join))


def _numbers(_resource_type: str, parameter: SearchParameterFact) -> Strategy:
    numbers = st.tuples(st.sampled_from(("", *PREFIXES)), st.sampled_from(pools.NUMBERS))
    return _named(parameter.code, numbers.map("".join))


def _quantities(_resource_type: str, parameter: SearchParameterFact) -> Strategy:
    units = st.sampled_from(pools.UNITS)
    unit = st.one_of(
        st.just(""), units.map(lambda code: f"||{code}"), *(units.map(lambda code: f"|{pools.UCUM}|{code}"),) * 2
    )
    pieces = st.tuples(st.sampled_from(("", *PREFIXES)), st.sampled_from(pools.NUMBERS), unit)
    return _named(parameter.code, pieces.map("".join))


def _strings(_resource_type: str, parameter: SearchParameterFact) -> Strategy:
    words = st.sampled_from(pools.SEARCHED_WORDS).map(escape)
    names = st.sampled_from(("", "", ":exact", ":contains")).map(lambda modifier: parameter.code + modifier)
    return st.tuples(names, words)


def _uris(_resource_type: str, parameter: SearchParameterFact) -> Strategy:
    code = parameter.code
    urls = st.sampled_from((*pools.URLS, *pools.CANONICALS)).filter(lambda url: code == "_profile" or "|" not in url)
    plain = _named(code, urls.map(escape) if code != "_profile" else urls)
    below = _named(f"{code}:below", st.sampled_from(("http://acme.org/fhir/", "http://acme.org/fhir", pools.URLS[0])))
    above = _named(f"{code}:above", st.sampled_from(("http://acme.org/fhir/ValueSet/1/x/y", pools.URLS[1])))
    return st.one_of(plain, plain, below, above)


def _tokens(resource_type: str, parameter: SearchParameterFact) -> Strategy:
    code = parameter.code
    maybe_not = st.sampled_from((code, code, f"{code}:not"))
    if code == "_id":
        return _named(code, st.sampled_from((*pools.IDS, "nobody")))
    if code in BOOLEAN:
        return st.tuples(maybe_not, st.sampled_from(("true", "false")))
    if code in {"telecom", "phone"}:
        return st.tuples(maybe_not, st.sampled_from(("1", "2", "a\\|b", "a")))
    if code == "identifier":
        return st.one_of(st.tuples(maybe_not, _coded((pools.MRN, "urn:other"), ("1", "2"))), *_of_identifiers(code))
    if (resource_type, code) in CODES:
        return st.tuples(maybe_not, _codes(resource_type, code))
    concept = st.tuples(maybe_not, _coded(pools.SYSTEMS, pools.CODES))
    return st.one_of(concept, concept, *_of_concepts(code))


def _coded(systems: tuple[str, ...], codes: tuple[str, ...]) -> st.SearchStrategy[str]:
    """The four forms of a token; the codes are escaped already."""
    code, system = st.sampled_from(codes), st.sampled_from(systems)
    return st.one_of(
        code,
        code.map(lambda each: f"|{each}"),
        system.map(lambda each: f"{each}|"),
        st.tuples(system, code).map("|".join),
    )


def _codes(resource_type: str, code: str) -> st.SearchStrategy[str]:
    codes = st.sampled_from(CODES[resource_type, code])
    system = IMPLIED_SYSTEMS.get((resource_type, code))
    if system is None:
        return codes
    return st.one_of(codes, codes, codes.map(lambda each: f"{system}|{each}"), st.just(f"{system}|"))


def _of_identifiers(code: str) -> list[Strategy]:
    typed = st.sampled_from((f"{pools.RECORD['system']}|MR|1", f"{pools.RECORD['system']}|MR|2", "urn:x|MR|1"))
    return [_named(f"{code}:of-type", typed), _named(f"{code}:text", st.sampled_from(("record", "Record n", "number")))]


def _of_concepts(code: str) -> list[Strategy]:
    texts = st.sampled_from(("head", "severe head", "SEVERE", "Rückens", "rucken", "ache"))
    places = st.sampled_from(("a", "a-a", "a-a-a", "a-b")).map(lambda each: f"{pools.TREE}|{each}")
    sets = st.sampled_from((*pools.URLS, "ValueSet/a", f"{pools.BASE}/ValueSet/b"))
    return [
        _named(f"{code}:text", texts),
        st.tuples(st.sampled_from((f"{code}:above", f"{code}:below")), places),
        st.tuples(st.sampled_from((f"{code}:in", f"{code}:not-in")), sets),
    ]


def _references(resource_type: str, parameter: SearchParameterFact) -> Strategy:
    code = parameter.code
    if "canonical" in code or code == "questionnaire":
        return _named(code, st.sampled_from(pools.CANONICALS).map(lambda each: each.replace("|", "|")))
    types = _targets(resource_type, parameter)
    targets = st.tuples(st.sampled_from(types), st.sampled_from(pools.IDS))
    literal = targets.map("/".join)
    tokens = _coded((pools.MRN, "urn:other"), ("1", "2"))
    return st.one_of(
        _named(code, literal),
        _named(code, st.sampled_from(pools.IDS)),
        _named(code, literal.map(lambda each: f"{pools.BASE}/{each}")),
        _named(code, literal.map(lambda each: f"{pools.ELSEWHERE}/{each}")),
        targets.map(lambda both: (f"{code}:{both[0]}", both[1])),
        _named(f"{code}:identifier", tokens),
    )


def _composites(resource_type: str, parameter: SearchParameterFact) -> Strategy:
    components = [parameter_of(resource_type, code) for code, _ in parameter.components]
    single = [_component(resource_type, each) for each in components]
    return _named(parameter.code, st.tuples(*single).map("$".join))


def _component(resource_type: str, parameter: SearchParameterFact) -> st.SearchStrategy[str]:
    """A value of one part: without modifiers, which composites do not take."""
    if parameter.kind == "token":
        return _coded(pools.SYSTEMS, pools.CODES)
    if parameter.kind == "string":
        return st.sampled_from(pools.SEARCHED_WORDS).map(escape)
    return _MAKERS[parameter.kind](resource_type, parameter).map(lambda criterion: criterion[1])


_MAKERS: Final[dict[str, Callable[[str, SearchParameterFact], Strategy]]] = {
    "date": _dates,
    "number": _numbers,
    "quantity": _quantities,
    "string": _strings,
    "uri": _uris,
    "token": _tokens,
    "reference": _references,
    "composite": _composites,
}


def _targets(resource_type: str, parameter: SearchParameterFact) -> list[str]:
    """The types that a reference parameter may lead to, as far as there are random resources of them."""
    if parameter.code in {"patient", "practitioner"}:
        return [parameter.code.capitalize()]
    return [each for each in PARAMETERS if each in parameter.targets] or [resource_type]


def _references_of(resource_type: str) -> list[tuple[str, list[str]]]:
    found = [parameter_of(resource_type, code) for code in PARAMETERS[resource_type].split()]
    return [
        (each.code, _targets(resource_type, each))
        for each in found
        if each.kind == "reference" and "canonical" not in each.code and each.code != "questionnaire"
    ]


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
        made.append(st.sampled_from(chains).flatmap(lambda each: _chain(*each, depth)))
    if reverse:
        made.append(st.sampled_from(reverse).flatmap(lambda each: _has(*each, depth)))
    return made


def _chain(code: str, target: str, depth: int) -> Strategy:
    head = code if code in {"patient", "practitioner"} else f"{code}:{target}"
    return criteria(target, depth - 1).map(lambda each: (f"{head}.{each[0]}", each[1]))


def _has(source: str, code: str, depth: int) -> Strategy:
    return criteria(source, depth - 1).map(lambda each: (f"_has:{source}:{code}:{each[0]}", each[1]))


def _compartments(resource_type: str) -> st.SearchStrategy[tuple[str, str] | None]:
    owners = [each for each in ("Patient", "Practitioner", "Encounter") if each != resource_type]
    return st.tuples(st.sampled_from(owners), st.sampled_from(pools.IDS))


def _sorts(resource_type: str) -> st.SearchStrategy[str | None]:
    codes = [each for each in PARAMETERS[resource_type].split() if parameter_of(resource_type, each).kind in SORTED]
    if not codes:
        return st.none()
    rules = st.tuples(st.sampled_from(("", "-")), st.sampled_from(codes)).map("".join)
    return st.lists(rules, min_size=1, max_size=2, unique_by=lambda rule: rule.lstrip("-")).map(",".join)


def types_of(query: Query) -> set[str]:
    """The resource types that a search is about, joins included."""
    words: list[Any] = [query.type, *(query.compartment or ())[:1]]
    for name, _ in query.criteria:
        words += name.replace(".", ":").split(":")
        words += ["List"] if "_list" in name else []
        words += ["ValueSet", "CodeSystem"] if name.endswith(("in", "above", "below")) else []
        words += ["Patient"] if "patient." in name else ["Practitioner"] if "practitioner." in name else []
    return {word for word in words if word in PARAMETERS}
