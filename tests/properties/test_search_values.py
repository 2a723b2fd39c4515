"""Every value that the random resources may have against every value that is searched for, one by one."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.search.evaluator import Evaluator, pools
from tests.search.evaluator.comparison import compare
from tests.search.evaluator.interval import PREFIXES
from tests.search.evaluator.queries import Query
from tests.search.evaluator.running import Service, serving
from tests.search.evaluator.separators import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from service.assembly import Standard
    from tests.conftest import Cluster
    from tests.search.evaluator.searched import Criterion

Json = dict[str, Any]

CODE: Final = {"text": "x"}
CONCEPTS: Final = [{"coding": [coding]} for coding in pools.CODINGS]


@pytest.fixture(scope="module")
def service(cluster: Cluster, standard: Standard) -> Iterator[Service]:
    """The service on a database of its own."""
    with serving(cluster, standard) as running:
        yield running


def observations(**values: Iterable[Any]) -> list[Json]:
    """One Observation for each of the values of an element, and one without."""
    each = [{name: value} for name, several in values.items() for value in several]
    return [
        {"resourceType": "Observation", "id": str(number), "status": "final", "code": CODE, **value}
        for number, value in enumerate([*each, {}])
    ]


def patients(name: str, values: Iterable[Any]) -> list[Json]:
    """One Patient for each of the values of an element, and one without."""
    each = [{name: value} for value in values]
    return [{"resourceType": "Patient", "id": str(number), **value} for number, value in enumerate([*each, {}])]


def searches(resource_type: str, names: Iterable[str], values: Iterable[str]) -> list[Query]:
    """A search for each value under each name."""
    return [Query(type=resource_type, criteria=((name, value),)) for name, value in product(names, values)]


def prefixed(values: Iterable[str]) -> list[str]:
    """Each value after each prefix, and after none."""
    return ["".join(both) for both in product(("", *PREFIXES), values)]


def test_dates(service: Service) -> None:
    """https://hl7.org/fhir/R4/search.html#date"""
    stored = observations(
        effectiveDateTime=(*pools.DAYS, *pools.TIMES),
        effectiveInstant=pools.TIMES,
        effectivePeriod=pools.PERIODS,
        effectiveTiming=pools.TIMINGS,
    )
    compare(service, stored, searches("Observation", ["date"], prefixed(pools.SEARCHED_TIMES)))


def test_instants_that_are_less_precise_than_the_search(service: Service) -> None:
    """https://hl7.org/fhir/R4/search.html#date"""
    stored = observations(effectiveInstant=["2020-02-01T00:00:00Z"])
    compare(service, stored, searches("Observation", ["date"], prefixed(["2020-02-01T00:00:00.000Z"])))


def test_quantities(service: Service) -> None:
    """https://hl7.org/fhir/R4/search.html#quantity"""
    units = ["", *(f"||{unit}" for unit in ("m", "h")), *(f"|{pools.UCUM}|{unit}" for unit in ("m", "cm", "min", "kg"))]
    values = ["".join(both) for both in product(prefixed(("1", "1.0", "100", "0.45359237", "1e2")), units)]
    compare(service, observations(valueQuantity=pools.QUANTITIES), searches("Observation", ["value-quantity"], values))


def test_numbers(service: Service) -> None:
    """https://hl7.org/fhir/R4/search.html#number"""
    risk = {"resourceType": "RiskAssessment", "status": "final", "subject": {"reference": "Patient/a"}}
    stored = [
        {**risk, "id": str(number), "prediction": [{"probabilityDecimal": each}]}
        for number, each in enumerate(pools.DECIMALS)
    ]
    compare(service, stored, searches("RiskAssessment", ["probability"], prefixed(pools.NUMBERS)))


def test_strings(service: Service) -> None:
    """https://hl7.org/fhir/R4/search.html#string"""
    names = [[{"family": word}] for word in pools.WORDS] + [[{"given": list(pools.WORDS[:2])}], [{"text": "x Eve"}]]
    asked = searches("Patient", ["name", "name:exact", "name:contains", "family"], map(escape, pools.SEARCHED_WORDS))
    compare(service, patients("name", names), asked)


def test_tokens(service: Service) -> None:
    """https://hl7.org/fhir/R4/search.html#token"""
    forms = [
        form.format(s, c) for s, c in product(pools.SYSTEMS, pools.CODES) for form in ("{1}", "|{1}", "{0}|", "{0}|{1}")
    ]
    stored = observations(valueCodeableConcept=[*CONCEPTS, {"text": "Head"}, {"coding": list(pools.CODINGS[:2])}])
    compare(service, stored, searches("Observation", ["value-concept", "value-concept:not"], dict.fromkeys(forms)))
    texts = ("head", "Severe headache", "RÜCKEN", "ache")
    compare(service, stored, searches("Observation", ["value-concept:text"], texts))


def test_identifiers(service: Service) -> None:
    """https://hl7.org/fhir/R4/search.html#token"""
    stored = patients("identifier", [[each] for each in pools.IDENTIFIERS])
    plain = [
        form.format(s, v) for s in (pools.MRN, "urn:other") for v in "12" for form in ("{1}", "|{1}", "{0}|", "{0}|{1}")
    ]
    compare(service, stored, searches("Patient", ["identifier", "identifier:not"], dict.fromkeys(plain)))
    typed = [f"{system}|MR|{value}" for system in (pools.RECORD["system"], "urn:x") for value in "12"]
    compare(service, stored, searches("Patient", ["identifier:of-type"], typed))
    compare(service, stored, searches("Patient", ["identifier:text"], ("record", "number")))


def test_texts_as_tokens(service: Service) -> None:
    """R4: "if the underlying data type is string then the search is not case sensitive"."""
    stored = [
        {"resourceType": "ValueSet", "id": str(number), "status": "draft", "version": version}
        for number, version in enumerate(pools.VERSIONS)
    ]
    compare(service, stored, searches("ValueSet", ["version", "version:not"], (*pools.VERSIONS, "1.0-Rc", "1.0 rc")))


def test_uris(service: Service) -> None:
    """https://hl7.org/fhir/R4/search.html#uri"""
    stored = [
        {"resourceType": "ValueSet", "id": str(number), "status": "draft", "url": url, "meta": {"profile": [profile]}}
        for number, (url, profile) in enumerate(product(pools.URLS, pools.CANONICALS))
    ]
    urls = [url for url in (*pools.URLS, "http://acme.org/fhir/", "http://acme.org/") if url.startswith("http")]
    compare(service, stored, searches("ValueSet", ["url:above"], urls))
    compare(service, stored, searches("ValueSet", ["url:below"], [url for url in urls if url != pools.URLS[0]]))
    compare(service, stored, searches("ValueSet", ["url"], pools.URLS))
    compare(service, stored, searches("ValueSet", ["_profile"], pools.CANONICALS))


def test_what_starts_with_a_url(service: Service) -> None:
    """https://hl7.org/fhir/R4/search.html#modifiers"""
    stored = [
        {"resourceType": "ValueSet", "id": str(number), "status": "draft", "url": url}
        for number, url in enumerate(pools.URLS)
    ]
    compare(service, stored, searches("ValueSet", ["url:below"], [pools.URLS[0]]))


def test_instants_of_updates(service: Service) -> None:
    """https://hl7.org/fhir/R4/search.html#lastUpdated, in all types and in some."""
    tags = [{"system": pools.LOINC, "code": code} for code in "ab"]
    stored = service.store(
        [
            {
                "resourceType": kind,
                "id": kind[:3],
                "meta": {"tag": [tag]},
                **({"name": "x"} if kind == "Organization" else {}),
            }
            for kind, tag in product(("Patient", "Organization", "Practitioner"), tags[:1])
        ]
    )
    instants = sorted({each["meta"]["lastUpdated"] for each in stored})
    evaluator = Evaluator(stored, base=pools.BASE, now=datetime.now(UTC))
    types: list[tuple[Criterion, ...]] = [(), (("_type", "Patient,Organization"),), (("_tag", f"{pools.LOINC}|a"),)]
    values = [
        prefix + instant[:length] for prefix in ("", *PREFIXES) for instant in instants for length in (10, 19, 24)
    ]
    for some, value in product(types, values):
        criteria = (*some, ("_lastUpdated", value))
        found = service.search(Query(type="", criteria=criteria))
        assert found is not None
        assert set(found) == evaluator.matches(None, criteria), (criteria, instants)


REFERENCES: Final[tuple[Json, ...]] = (
    *({"reference": f"{kind}/{id_}"} for kind in ("Patient", "Group") for id_ in ("a", "aa")),
    *({"reference": f"{server}/Patient/a"} for server in (pools.BASE, pools.ELSEWHERE)),
    {"reference": "Patient/a/_history/1"},
    {"reference": f"{pools.ELSEWHERE}/Group/a"},
    *({"identifier": identifier} for identifier in pools.IDENTIFIERS),
    {"reference": "Patient/a", "identifier": pools.IDENTIFIERS[0]},
)


def test_references(service: Service) -> None:
    """https://hl7.org/fhir/R4/search.html#reference"""
    targets = ("a", "aa", "Patient/a", "Group/a", f"{pools.BASE}/Patient/a", f"{pools.ELSEWHERE}/Patient/a")
    stored = observations(subject=REFERENCES)
    compare(service, stored, searches("Observation", ["subject"], targets))
    compare(service, stored, searches("Observation", ["subject:Patient", "subject:Group", "patient"], ("a", "aa", "b")))
    tokens = [
        form.format(s, v) for s in (pools.MRN, "urn:x") for v in "12" for form in ("{1}", "|{1}", "{0}|", "{0}|{1}")
    ]
    compare(
        service, stored, searches("Observation", ["subject:identifier", "patient:identifier"], dict.fromkeys(tokens))
    )
    compare(service, stored, searches("Observation", ["subject:missing", "patient:missing"], ("true", "false")))


def test_chains_into_contained_resources(service: Service) -> None:
    """https://hl7.org/fhir/R4/search.html#contained"""
    organization = {"resourceType": "Organization", "id": "o", "name": "Eve", "partOf": {"reference": "Organization/1"}}
    patient = {"resourceType": "Patient", "id": "p", "gender": "male", "managingOrganization": {"reference": "#o"}}
    group = {"resourceType": "Group", "id": "p", "type": "person", "actual": True}
    stored = observations(subject=[{"reference": "#p"}, {"reference": "#p"}, {"reference": "Patient/p"}])
    stored[0]["contained"] = [organization, patient]
    stored[1]["contained"] = [group]
    stored += [patient | {"managingOrganization": {"reference": "Organization/1"}}]
    stored += [organization | {"id": "1", "name": "Zoe", "partOf": {"reference": "Organization/2"}}]
    stored += [{"resourceType": "Organization", "id": "2", "name": "Zoe"}]
    compare(service, stored, searches("Observation", ["subject:Patient.gender", "patient.gender"], ["male", "female"]))
    compare(service, stored, searches("Observation", ["patient.gender:not"], ["male", "female"]))
    compare(service, stored, searches("Observation", ["patient.gender:missing"], ["true", "false"]))
    compare(service, stored, searches("Observation", ["patient._id", "patient.organization._id"], ["p", "o", "1", "x"]))
    compare(service, stored, searches("Observation", ["patient.organization.name"], ["Eve", "Zoe"]))
    compare(service, stored, searches("Observation", ["patient.organization.partof.name"], ["Eve", "Zoe"]))
    compare(service, stored, searches("Observation", ["patient.organization.partof.partof"], ["1", "2"]))
    compare(service, stored, searches("Patient", ["gender"], ["male"]))
    compare(service, stored, searches("Organization", ["name"], ["Eve", "Zoe"]))
    compare(service, stored, searches("Organization", ["_has:Patient:organization:gender"], ["male"]))


def test_chains_from_contained_resources_to_their_container(service: Service) -> None:
    """https://hl7.org/fhir/R4/references.html#contained: the reference ``#`` leads there."""
    inside = {"resourceType": "Organization", "id": "a", "name": "Eve", "partOf": {"reference": "#"}}
    around = {"resourceType": "Organization", "id": "a", "name": "Zoe", "partOf": {"reference": "#a"}}
    below = {"resourceType": "Organization", "id": "b", "name": "Ann", "partOf": {"reference": "Organization/a"}}
    names = ["name", "partof.name", "partof.partof.name", "partof.partof.partof.name", "partof.partof.partof._id"]
    asked = searches("Organization", names, ["Eve", "Zoe", "Ann", "a"])
    compare(service, [around | {"contained": [inside]}, below], asked)


def test_what_a_list_contains_is_not_on_it(service: Service) -> None:
    """Other resources of the same type and id are not either, but for those that it refers to."""
    task = {"resourceType": "Task", "id": "a", "status": "requested", "intent": "order"}
    shopping = {"resourceType": "List", "id": "a", "status": "current", "mode": "working", "contained": [task]}
    stored: list[Json] = [task, shopping | {"entry": [{"item": {"reference": "#a"}}]}]
    asked = [("Task", "_list", "a"), ("List", "item:Task._list", "a"), ("List", "item:Task.status", "requested")]
    compare(service, stored, [Query(type=each, criteria=((name, value),)) for each, name, value in asked])


def test_contained_resources(service: Service) -> None:
    """https://hl7.org/fhir/R4/search.html#contained: alone or by their containers, page by page, each once."""
    stored: list[Json] = []
    for number, (first, second) in enumerate(product(pools.WORDS[:4], pools.WORDS[2:6])):
        inside = [
            {"resourceType": "Patient", "id": "p", "name": [{"family": first}], "gender": "male"},
            {"resourceType": "Patient", "id": "q", "name": [{"family": second}], "birthDate": pools.DAYS[number % 8]},
            {"resourceType": "Organization", "id": "o", "name": first, "partOf": {"reference": "Organization/o"}},
        ]
        members = [{"entity": {"reference": f"#{each}"}} for each in "pq"]
        around: Json = {"resourceType": "Group", "type": "person", "actual": True, "contained": inside}
        stored += [around | {"id": str(number), "member": members, "managingEntity": {"reference": "#o"}}]
    stored += patients("name", [[{"family": word}] for word in pools.WORDS])
    zoe = {"resourceType": "Organization", "id": "o", "name": "Zoe", "partOf": {"reference": "Organization/o"}}
    stored += [{"resourceType": "Organization", "id": "o", "name": "Eve", "contained": [zoe]}]
    stored[-1]["partOf"] = {"reference": "#o"}
    asked = [
        ("Patient", (("family", "eve"),)),
        ("Patient", (("family:exact", "Eve"),)),
        ("Patient", (("family:contains", "e"), ("gender:missing", "true"))),
        ("Patient", (("gender:not", "male"),)),
        ("Patient", (("gender", "male"), ("family", "e"))),
        ("Patient", (("birthdate", "ge2020"),)),
        ("Patient", (("birthdate", "ge2020"), ("family", "m"))),
        ("Patient", (("_id", "p,1"),)),
        ("Patient", ()),
        ("Organization", (("partof", "Organization/o"),)),
        ("Organization", (("partof.name", "eve"),)),
        ("Organization", (("partof.partof.name", "zoe"),)),
        ("Organization", (("name:missing", "true"),)),
        ("Observation", ()),
        ("", (("_type", "Patient,Organization"), ("_id", "o,q"))),
        ("", (("_type", "Patient,Organization"),)),
    ]
    kinds = product(("true", "both"), ("container", "contained"), (100, 3, 1))
    queries = [
        Query(type=kind, criteria=criteria, contained=contained, contained_type=returned, count=count)
        for (kind, criteria), (contained, returned, count) in product(asked, kinds)
    ]
    compare(service, stored, queries)


def test_pages_of_resources_with_a_value_several_times(service: Service) -> None:
    """https://hl7.org/fhir/R4/search.html#sort: whatever the size of the pages, together they have all matches."""
    stored = patients("name", [[{"family": "Eve", "given": ["Eve"], "text": "Eve"}], [{"family": "Zoe"}]])
    asked = [
        Query(type="Patient", criteria=(("gender:missing", "true"),), sort=sort, count=count)
        for sort, count in product(("name", "-name"), (1, 2, 100))
    ]
    compare(service, stored, asked)
