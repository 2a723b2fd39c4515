"""Scopes over HTTP: through every door, for every entry, for what searches look into and bring along."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    import httpx

    from tests.api.auth.conftest import Workers

PATIENT = {"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": "1"}], "name": [{"family": "One"}]}
REFERENCE = "Patient?identifier=urn:mrn|1"


def observation(code: str = "a", category: str = "survey", patient: str = "Patient/one") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"code": code}]},
        "category": [{"coding": [{"code": category}]}],
        "subject": {"reference": patient},
    }


def entry(method: str, url: str, resource: dict[str, Any] | None = None, **request: str) -> dict[str, Any]:
    made: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    return made | ({"resource": resource} if resource else {})


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


class Door:
    """The service as a client with certain scopes meets it."""

    def __init__(self, http: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self._http = http
        self._headers = headers

    async def __call__(self, method: str, target: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self._http.request(method, target, json=body, headers=self._headers | headers)


_numbers = itertools.count(1)


async def door(workers: Workers, scope: str, **registered: Any) -> Door:
    """A client that is registered for these scopes, and has them in its token."""
    client_id = f"scoped-{next(_numbers)}"
    await workers.register(client_id, scope, **registered)
    return Door(workers.one, await workers.bearer(client_id, scope))


@pytest.fixture(scope="module")
async def filled(workers: Workers) -> Workers:
    """Two patients with an observation of each of two categories."""
    await workers.register("filler", role="administrator")
    filler = Door(workers.one, await workers.bearer("filler") | {"X-Break-Glass": "These ids are the tests' own."})
    for name in ("one", "two"):
        patient = PATIENT | {"id": name, "identifier": [{"system": "urn:mrn", "value": name}]}
        assert (await filler("PUT", f"Patient/{name}", patient)).status_code == 201
        for category in ("survey", "vital-signs"):
            made = observation(category=category, patient=f"Patient/{name}") | {"id": f"{name}-{category}"}
            assert (await filler("PUT", f"Observation/{made['id']}", made)).status_code == 201
    return workers


DOORS: list[tuple[str, str, Any, dict[str, str], str]] = [
    ("GET", "Observation/one-survey", None, {}, "r"),
    ("HEAD", "Observation/one-survey", None, {}, "r"),
    ("GET", "Observation/one-survey/_history/1", None, {}, "r"),
    ("GET", "Observation/one-survey/_history", None, {}, "r"),
    ("GET", "Observation/_history", None, {}, "s"),
    ("GET", "Observation?code=a", None, {}, "s"),
    ("GET", "Patient/one/Observation", None, {}, "s"),
    ("GET", "?_type=Observation", None, {}, "s"),
    ("POST", "Observation", observation(), {}, "c"),
    ("POST", "Observation", observation(), {"If-None-Exist": "code=none"}, "cs"),
    ("PUT", "Observation/another", observation() | {"id": "another"}, {}, "u"),
    ("PUT", "Observation?code=none", observation(), {}, "us"),
    ("PATCH", "Observation/one-survey", [{"op": "test", "path": "/status", "value": "final"}], {}, "u"),
    ("PATCH", "Observation?code=none", [{"op": "test", "path": "/status", "value": "final"}], {}, "us"),
    ("DELETE", "Observation/nothing", None, {}, "d"),
    ("DELETE", "Observation?code=none", None, {}, "ds"),
    ("GET", "Observation/one-survey/$validate", None, {}, "r"),
]
"""Method, target, body, headers, and the letters that it needs on Observation."""


@pytest.mark.parametrize("letters", ["c", "r", "u", "d", "s", "cs", "us", "ds", "cruds"])
async def test_every_door_opens_to_the_scopes_that_it_needs_and_to_no_others(filled: Workers, letters: str) -> None:
    """Each also as the entry of a batch and of a transaction."""
    scoped = await door(filled, f"system/Observation.{letters}")
    for method, target, body, headers, needed in DOORS:
        allowed = set(needed) <= set(letters)
        sent = headers | ({"Content-Type": "application/json-patch+json"} if isinstance(body, list) else {})
        response = await scoped(method, target, body, **sent)
        assert (response.status_code != 403) == allowed, (method, target, response.text)
        if allowed:
            assert response.status_code < 500, response.text
        elif method != "HEAD":
            assert_outcome(response, 403, "forbidden")
            assert 'error="insufficient_scope"' in response.headers["www-authenticate"]


@pytest.mark.parametrize("letters", ["r", "s", "cru", "cruds"])
async def test_the_entries_of_bundles_are_held_to_the_same_scopes(filled: Workers, letters: str) -> None:
    """A batch refuses entry by entry, a transaction as a whole."""
    scoped = await door(filled, f"system/Observation.{letters}")
    for method, target, body, headers, needed in DOORS:
        if method in ("PATCH", "HEAD") or "$" in target:
            continue
        allowed = set(needed) <= set(letters)
        conditions = {"ifNoneExist": headers["If-None-Exist"]} if headers else {}
        one = entry(method, target, body, **conditions)
        batch = (await scoped("POST", "", bundle("batch", one))).json()
        assert (not batch["entry"][0]["response"]["status"].startswith("403")) == allowed, (method, target, batch)
        transaction = await scoped("POST", "", bundle("transaction", one))
        assert (transaction.status_code != 403) == allowed, (method, target, transaction.text)
        if not allowed:
            assert_outcome(transaction, 403, "forbidden", "Bundle.entry[0]")


async def test_a_transaction_with_one_entry_too_many_stores_nothing(filled: Workers) -> None:
    scoped = await door(filled, "system/Observation.cs")
    sent = bundle("transaction", entry("POST", "Observation", observation("whole")), entry("POST", "Patient", PATIENT))
    assert_outcome(await scoped("POST", "", sent), 403, "forbidden", "Bundle.entry[1]")
    assert (await scoped("GET", "Observation?code=whole")).json()["total"] == 0


async def test_what_a_batch_may_do_it_does(filled: Workers) -> None:
    """Entries are refused one by one."""
    scoped = await door(filled, "system/Observation.r")
    sent = bundle("batch", entry("GET", "Observation/one-survey"), entry("GET", "Patient/one"))
    answers = (await scoped("POST", "", sent)).json()["entry"]
    assert [each["response"]["status"][:3] for each in answers] == ["200", "403"]
    assert "resource" not in answers[1]


async def test_a_reference_by_criteria_is_a_search(filled: Workers) -> None:
    """It would tell which patients exist."""
    one = observation() | {"subject": {"reference": "Patient?identifier=urn:mrn|one"}}
    without = await door(filled, "system/Observation.c")
    sent = bundle("transaction", entry("POST", "Observation", one))
    assert_outcome(await without("POST", "", sent), 403, "forbidden")
    with_search = await door(filled, "system/Observation.c system/Patient.s")
    assert (await with_search("POST", "", sent)).status_code == 200


@pytest.mark.parametrize(
    "search, needed",
    [
        ("subject:Patient.identifier=urn:mrn|one", "system/Patient.s"),
        ("_has:Provenance:target:agent=Device/1", "system/Provenance.s"),
        ("_include=Observation:subject:Patient", "system/Patient.r"),
        ("_revinclude=Provenance:target", "system/Provenance.r"),
    ],
)
async def test_a_search_may_look_only_into_types_that_it_may_search(filled: Workers, search: str, needed: str) -> None:
    without = await door(filled, "system/Observation.rs")
    assert_outcome(await without("GET", f"Observation?{search}"), 403, "forbidden")
    by_form = await without("POST", f"Observation/_search?{search}", None)
    assert by_form.status_code in (403, 415)
    with_it = await door(filled, f"system/Observation.rs {needed}")
    assert (await with_it("GET", f"Observation?{search}")).status_code == 200


@pytest.mark.parametrize("include", ["_include=*", "_include=Observation:subject", "_include=Observation:*"])
async def test_what_is_included_without_a_name_is_held_to_the_scopes(filled: Workers, include: str) -> None:
    """What may not be read is left out, and the answer says so, whether there was any or not."""
    without = await door(filled, "system/Observation.rs")
    searched = (await without("GET", f"Observation?_id=one-survey&{include}")).json()
    assert [each["resource"]["resourceType"] for each in searched["entry"]] == ["Observation", "OperationOutcome"]
    assert "Patient/one" not in str([each.get("fullUrl") for each in searched["entry"]])
    with_it = await door(filled, "system/Observation.rs system/Patient.r")
    searched = (await with_it("GET", f"Observation?_id=one-survey&{include}")).json()
    assert "Patient" in [each["resource"]["resourceType"] for each in searched["entry"]]


async def test_a_search_of_the_system_needs_all_the_types_that_it_searches(filled: Workers) -> None:
    scoped = await door(filled, "system/Observation.s system/Patient.s")
    assert (await scoped("GET", "?_type=Observation,Patient&_lastUpdated=gt2000")).status_code == 200
    assert_outcome(await scoped("GET", "?_type=Observation,Task&_lastUpdated=gt2000"), 403, "forbidden")
    assert_outcome(await scoped("GET", "?_lastUpdated=gt2000"), 403, "forbidden")
    assert_outcome(await scoped("GET", "Patient/one/*"), 403, "forbidden")
    assert_outcome(await scoped("GET", "_history"), 403, "forbidden")


@pytest.mark.parametrize("contained", ["true", "both", "true&_containedType=contained"])
async def test_contained_resources_are_searched_by_who_may_search_their_containers(
    filled: Workers, contained: str
) -> None:
    """Which can be of any type, and of anybody, and come back with them."""
    everything = await door(filled, "system/*.cruds", role="administrator")
    opened = {"X-Break-Glass": "What is contained belongs to several."}
    inner = {"resourceType": "Practitioner", "id": "p", "name": [{"family": "Inside"}]}
    made = observation() | {"contained": [inner], "performer": [{"reference": "#p"}]}
    assert (await everything("POST", "Observation", made)).status_code == 201
    search = f"Practitioner?family=Inside&_contained={contained}"
    assert (await everything("GET", search, **opened)).json()["total"] >= 1
    clinic = await door(filled, "system/*.cruds")
    assert_outcome(await clinic("GET", search), 403, "forbidden", "http._contained")
    scoped = await door(filled, "system/Practitioner.rs")
    assert_outcome(await scoped("GET", search), 403, "forbidden")


async def test_the_plan_of_a_search_is_for_administrators(filled: Workers) -> None:
    """Its estimates tell how much there is."""
    clinic = await door(filled, "system/*.cruds")
    assert_outcome(await clinic("GET", "Observation?_explain=true"), 403, "forbidden", "http._explain")
    administrator = await door(filled, "system/*.cruds", role="administrator", organisation=None)
    assert (await administrator("GET", "Observation?_explain=true")).status_code == 200


async def test_a_researcher_reads_no_single_resource(filled: Workers) -> None:
    researcher = await door(filled, "system/*.cruds", role="researcher")
    for method, target, body, headers, _ in DOORS:
        if method != "HEAD" and not isinstance(body, list):
            assert_outcome(await researcher(method, target, body, **headers), 403, "forbidden")


FILTERED = "system/Observation.rs?category=survey"
ALL_FOUR = "_id=one-survey,one-vital-signs,two-survey,two-vital-signs"


async def test_a_filter_of_a_scope_narrows_searches(filled: Workers) -> None:
    """The matches, the total, and the pages that follow."""
    scoped = await door(filled, FILTERED)
    searched = (await scoped("GET", f"Observation?{ALL_FOUR}&_total=accurate")).json()
    found = [each["resource"]["id"] for each in searched["entry"]]
    assert sorted(found) == ["one-survey", "two-survey"]
    assert searched["total"] == 2
    first = (await scoped("GET", "Observation?_id=one-survey,one-vital-signs,two-survey&_count=1")).json()
    following = next(each["url"] for each in first["link"] if each["relation"] == "next")
    second = (await scoped("GET", following)).json()
    assert {each["resource"]["id"] for page in (first, second) for each in page["entry"]} == {
        "one-survey",
        "two-survey",
    }


async def test_a_filter_of_a_scope_holds_for_reads(filled: Workers) -> None:
    """What lies outside is not there."""
    scoped = await door(filled, FILTERED)
    for place in ("", "/_history/1", "/_history"):
        assert (await scoped("GET", f"Observation/one-survey{place}")).status_code == 200
        assert_outcome(await scoped("GET", f"Observation/one-vital-signs{place}"), 404, "not-found")
        assert_outcome(await scoped("GET", f"Observation/nothing{place}"), 404, "not-found")


async def test_a_filter_of_a_scope_shows_no_version_that_may_lie_outside(filled: Workers) -> None:
    """It holds for current versions, and nothing tells of older ones."""
    everything, scoped = await door(filled, "system/*.cruds"), await door(filled, FILTERED)
    before, after = (observation(category=category) for category in ("vital-signs", "survey"))
    made = (await everything("POST", "Observation", before)).json()["id"]
    assert (await everything("PUT", f"Observation/{made}", after | {"id": made})).status_code == 200
    for current in ("", "/_history/2"):
        assert (await scoped("GET", f"Observation/{made}{current}")).status_code == 200
    for older in ("/_history/1", "/_history"):
        assert_outcome(await scoped("GET", f"Observation/{made}{older}"), 403, "forbidden")
        assert (await everything("GET", f"Observation/{made}{older}")).status_code == 200
    sent = bundle("batch", entry("GET", f"Observation/{made}/_history/1"))
    answered = (await scoped("POST", "", sent)).json()
    assert answered["entry"][0]["response"]["status"].startswith("403")


async def test_several_filters_are_alternatives_and_a_scope_without_any_makes_them_moot(filled: Workers) -> None:
    either = await door(filled, f"{FILTERED} system/Observation.rs?category=vital-signs")
    found = await either("GET", f"Observation?{ALL_FOUR}")
    assert found.json().get("total") == 4, found.text
    neither = await door(filled, "system/Observation.rs?category=x system/Observation.rs?category=y")
    assert (await neither("GET", f"Observation?{ALL_FOUR}")).json()["total"] == 0
    unfiltered = await door(filled, f"{FILTERED} system/*.r")
    assert (await unfiltered("GET", "Observation/one-vital-signs")).status_code == 200


@pytest.mark.parametrize(
    "method, target, body",
    [
        ("GET", "Observation/_history", None),
        ("GET", "?_type=Observation,Patient", None),
        ("GET", "Patient?_has:Observation:subject:code=a", None),
        ("POST", "Observation", observation()),
        ("PUT", "Observation/one-survey", observation() | {"id": "one-survey"}),
        ("PUT", "Observation?code=none", observation()),
        ("DELETE", "Observation/one-vital-signs", None),
        ("DELETE", "Observation?code=none", None),
        ("POST", "Observation/$unheard-of", None),
        ("GET", "Observation/one-survey/$validate", None),
        ("GET", "Patient?_revinclude=Observation:subject", None),
        ("GET", "Observation?derived-from.code=a", None),
        ("GET", "Observation?has-member:Observation.category=vital-signs", None),
        ("GET", "Observation?_has:Observation:derived-from:code=a", None),
        ("GET", "Observation?derived-from:Observation.subject:Patient._has:Observation:subject:code=a", None),
    ],
)
async def test_what_cannot_be_held_within_a_filter_is_refused(
    filled: Workers, method: str, target: str, body: Any
) -> None:
    """Rather than done without it."""
    scoped = await door(filled, "system/Observation.cruds?category=survey system/Patient.cruds")
    assert_outcome(await scoped(method, target, body), 403, "forbidden")
    if "$" not in target:
        sent = bundle("transaction", entry(method, target, body))
        assert (await scoped("POST", "", sent)).status_code == 403


async def test_a_read_within_a_transaction_is_held_to_the_filter_too(filled: Workers) -> None:
    scoped = await door(filled, FILTERED)
    sent = bundle("transaction", entry("GET", "Observation/one-vital-signs"))
    assert (await scoped("POST", "", sent)).status_code == 403
    sent = bundle("transaction", entry("GET", "Observation?subject=Patient/one"))
    answered = (await scoped("POST", "", sent)).json()
    inner = answered["entry"][0]["resource"]
    assert {each["resource"]["category"][0]["coding"][0]["code"] for each in inner["entry"]} == {"survey"}


async def test_a_filter_that_its_type_does_not_have_opens_nothing(filled: Workers) -> None:
    """A scope can be registered before anybody sees that it makes no sense."""
    scoped = await door(filled, "system/Observation.rs?unheard-of=x")
    assert (await scoped("GET", "Observation?code=a")).status_code == 400
    assert (await scoped("GET", "Observation/one-survey")).status_code == 400
