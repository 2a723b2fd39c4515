"""Random values that R4 allows for a search parameter, each under the parameter's name with or without a modifier."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tests.search.evaluator import pools
from tests.search.evaluator.interval import PREFIXES
from tests.search.evaluator.resources import MAKERS
from tests.search.evaluator.separators import escape
from tests.search.evaluator.tokens import IMPLIED_SYSTEMS
from tests.search.evaluator.values import parameter_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.fhir.definitions import SearchParameterFact

Criterion = tuple[str, str]
"""The name of a parameter, with its modifiers, and its value."""

Strategy = st.SearchStrategy[Criterion]

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
    ("Questionnaire", "status"): ("active", "draft"),
    ("Questionnaire", "version"): (*pools.BUSINESS_VERSIONS, "3"),
    ("PlanDefinition", "status"): ("active", "draft"),
    ("PlanDefinition", "version"): (*pools.BUSINESS_VERSIONS, "3"),
    ("Appointment", "status"): ("proposed", "cancelled"),
    ("Appointment", "part-status"): ("accepted", "declined"),
    ("Group", "type"): ("person", "animal"),
    ("List", "status"): ("current", "retired"),
}
"""(resource type, parameter) → codes of elements of type code or string, which have no system of their own."""

CONTACT: Final = frozenset({"telecom", "phone"})
BOOLEAN: Final = frozenset({"active", "deceased", "actual", "exclude"})


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
    versions = {"_profile": pools.CANONICALS, "url": [f"{pools.URLS[1]}|{version}" for version in pools.VERSIONS]}
    plain = _named(code, st.sampled_from((*pools.URLS, *versions.get(code, ()))))
    below = _named(f"{code}:below", st.sampled_from(("http://acme.org/fhir/", "http://acme.org/fhir", pools.URLS[0])))
    above = _named(f"{code}:above", st.sampled_from(("http://acme.org/fhir/ValueSet/1/x/y", pools.URLS[1])))
    return st.one_of(plain, plain, below, above)


def _tokens(resource_type: str, parameter: SearchParameterFact) -> Strategy:
    code = parameter.code
    values = tokens_for(resource_type, code)
    if code == "_id":
        return _named(code, values)
    plain = st.tuples(st.sampled_from((code, code, f"{code}:not")), values)
    if code == "identifier":
        return st.one_of(plain, *_of_identifiers(code))
    if code in BOOLEAN | CONTACT or (resource_type, code) in CODES:
        return plain
    return st.one_of(plain, plain, *_of_concepts(code))


def tokens_for(resource_type: str, code: str) -> st.SearchStrategy[str]:
    """Values of a token parameter, as far as its elements have systems with them."""
    if code == "_id":
        return st.sampled_from((*pools.IDS, "nobody"))
    if code in BOOLEAN:
        return st.sampled_from(("true", "false"))
    if code in CONTACT:
        return st.sampled_from(("1", "2", "a\\|b", "a"))
    if code == "identifier":
        return _coded((pools.MRN, "urn:other"), ("1", "2"))
    if (resource_type, code) in CODES:
        return _codes(resource_type, code)
    return _coded(pools.SYSTEMS, pools.CODES)


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
    sets = st.sampled_from((*pools.URLS[:3], "ValueSet/a", f"{pools.BASE}/ValueSet/b"))
    return [
        _named(f"{code}:text", texts),
        st.tuples(st.sampled_from((f"{code}:above", f"{code}:below")), places),
        st.tuples(st.sampled_from((f"{code}:in", f"{code}:not-in")), sets),
    ]


def _references(resource_type: str, parameter: SearchParameterFact) -> Strategy:
    code = parameter.code
    if "canonical" in code or code == "questionnaire":
        return st.tuples(st.sampled_from((code, f"{code}:below")), st.sampled_from(pools.CANONICALS))
    types = targets_of(resource_type, parameter)
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


def targets_of(resource_type: str, parameter: SearchParameterFact) -> list[str]:
    """The types that a reference parameter may lead to, as far as there are random resources of them."""
    if parameter.code in {"patient", "practitioner"}:
        return [parameter.code.capitalize()]
    return [each for each in MAKERS if each in parameter.targets] or [resource_type]
