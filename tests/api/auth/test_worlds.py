"""Whatever another organisation does, one cannot tell.

Two services hear the same requests of an organisation. In the one of them another organisation has been busy too: with
resources that carry its secrets, that point at the first one's and have the same identifiers. Every answer of both has
to be the same, but for ids that the service gives, instants and sealed cursors.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.auth.conftest import workers_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from service.assembly import Standard
    from tests.api.auth.conftest import Workers
    from tests.conftest import Cluster

SECRET = "Geheimnis"
TYPES = ("Patient", "Condition", "ServiceRequest", "Task", "CarePlan", "Observation", "Goal")
REQUESTS = 60
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CHANGING = (
    (re.compile(r'_cursor=[^"&]*'), "_cursor="),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "instant"),
)
_LEFT_OUT = {"x-request-id", "last-modified", "content-length"}


@dataclass
class World:
    """A service, the clients of both organisations there, and the names of the ids that it gave."""

    workers: Workers
    headers: dict[str, dict[str, str]]
    ids: dict[str, str] = field(default_factory=dict)  # our name of a resource → its id here

    async def __call__(self, who: str, request: Request) -> httpx.Response:
        """Send a request, in which names of resources stand for their ids."""
        method, target, body, headers = request
        self.workers.clock.seconds += 0.01  # of what has the same instant, ids give the order, which are random
        return await self.workers.one.request(
            method, self.told(target), json=self.filled(body), headers=self.headers[who] | headers
        )

    def told(self, text: str) -> str:
        return re.sub(r"<(\w+)>", lambda name: self.ids.get(name[1], name[1]), text)

    def filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.filled(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.filled(each) for each in value]
        return self.told(value) if isinstance(value, str) else value

    def neutral(self, text: str) -> str:
        """The text with names for ids, and nothing that changes from time to time."""
        names = {logical_id: name for name, logical_id in self.ids.items()}
        for pattern, instead in _CHANGING:
            text = pattern.sub(instead, text)
        return _ID.sub(lambda found: f"<{names.get(found[0], 'new')}>", text)

    def keep(self, name: str, response: httpx.Response) -> None:
        """Note the id of what was created."""
        if response.status_code == 201 and "location" in response.headers:
            self.ids[name] = response.headers["location"].partition("/_history")[0].rsplit("/", 1)[1]


Request = tuple[str, str, Any, dict[str, str]]


@pytest.fixture(scope="module")
async def worlds(cluster: Cluster, standard: Standard) -> AsyncIterator[tuple[World, World]]:
    """One with both organisations, and one where the other is silent."""
    async with workers_on(cluster, standard, {}) as both, workers_on(cluster, standard, {}) as alone:
        found = []
        for workers in (both, alone):
            headers = {}
            for who in ("other", "we"):
                await workers.register(
                    who, role="clinic", organisation=f"Organization/{who}", requests_per_minute=10**6
                )
                headers[who] = await workers.bearer(who)
            found.append(World(workers, headers))
        yield found[0], found[1]


class Author:
    """Makes requests of an organisation up, about what both have made so far."""

    def __init__(self, seed: int, who: str, names: dict[str, list[str]], secret: str) -> None:
        self._random = random.Random(f"{seed}-{who}")  # noqa: S311 - no secret hangs on it
        self._names = names
        self._secret = secret
        self._who = who

    def any_of(self, resource_type: str) -> str:
        """A reference to something of a type, ours, theirs, or nobody's."""
        return f"{resource_type}/<{self._random.choice([*self._names.get(resource_type, ()), 'nobody'])}>"

    def content(self, resource_type: str) -> dict[str, Any]:
        text = f"{self._secret}{self._random.choice('abc')}"
        subject = {"reference": self.any_of("Patient")}
        made: dict[str, Any] = {
            "resourceType": resource_type,
            "identifier": [{"system": "urn:shared", "value": self._random.choice("123")}],
            "meta": {"tag": [{"system": "urn:tag", "code": self._random.choice("xy")}]},
        }
        referral = [{"reference": self.any_of("ServiceRequest")}]
        coded = {"code": {"coding": [{"system": "urn:code", "code": self._random.choice("pq")}], "text": text}}
        match resource_type:
            case "Patient":
                made |= {"name": [{"family": text}], "birthDate": f"19{self._random.randrange(10, 99)}-01-01"}
            case "Condition":
                made |= {"subject": subject, **coded}
            case "ServiceRequest":
                performer = self._random.choice(["Organization/elsewhere", "Organization/third"])
                made |= {"status": "active", "intent": "order", "subject": subject, **coded}
                made |= {
                    "performer": [{"reference": performer}],
                    "requester": {"reference": f"Organization/{self._who}"},
                }
            case "Task":
                made |= {"status": "requested", "intent": "order", "focus": referral[0], "for": subject}
                made |= {"owner": {"reference": f"Organization/{self._who}"}, "description": text}
            case "CarePlan":
                made |= {"status": "active", "intent": "plan", "subject": subject, "supportingInfo": referral}
                made |= {"goal": [{"reference": self.any_of("Goal")}], "title": text}
            case "Goal":
                made |= {"lifecycleStatus": "active", "subject": subject, "description": {"text": text}}
            case _:
                made |= {"status": "final", "subject": subject, "basedOn": referral, **coded}
                made |= {"effectiveDateTime": f"20{self._random.randrange(10, 26)}-02-03"}
        return made

    def create(self) -> Request:
        resource_type = self._random.choice(TYPES)
        headers = {"If-None-Exist": "identifier=urn:shared|1"} if self._random.random() < 0.3 else {}
        return "POST", resource_type, self.content(resource_type), headers

    def search(self, reference: str) -> str:
        """The criteria of a search that any type takes."""
        return self._random.choice(
            [
                "identifier=urn:shared|1",
                "_tag=urn:tag|x",
                f"_id={reference.split('/')[1]}",
                "_sort=_lastUpdated&_count=3&_total=accurate",
                "_sort=-_id&_count=2",
                "_summary=count",
                "_lastUpdated=gt2000&_count=2",
                "identifier:missing=true",
                "_tag:not=urn:tag|x",
                "_include=*&_count=5",
                "_revinclude=*&_include:iterate=*&_count=5",
                "_has:Provenance:target:recorded=gt2000",
                f"_list={self.any_of('List').split('/')[1]}",
                "status=active",
            ]
        )

    def linked_search(self) -> str:
        """A search of some types by what others say."""
        return self._random.choice(
            [
                f"Condition?subject:Patient.family={SECRET}",
                f"Observation?subject:Patient.family:contains={SECRET.lower()}",
                f"Observation?subject={self.any_of('Patient')}",
                "Observation?code=p&_sort=-date&_count=3",
                "Observation?_sort=code,-date&_total=accurate",
                "Observation?date=gt2015&code=urn:code|q",
                "Observation?code:text=geheim",
                "Patient?_has:Observation:subject:code=urn:code|p",
                "Patient?_has:Condition:subject:_tag=urn:tag|y&_total=accurate",
                "Patient?birthdate=lt1980&_sort=birthdate&_revinclude=Task:patient",
                "Patient?family:contains=heim",
                "Task?focus:ServiceRequest.subject:Patient._tag=urn:tag|x&_include=Task:focus",
                "CarePlan?goal.identifier=urn:shared|2&_revinclude=Observation:based-on",
                f"{self.any_of('Patient')}/Observation",
                f"{self.any_of('Patient')}/*?_count=5",
                "?_type=Patient,Task&_lastUpdated=gt2000&_count=4",
            ]
        )

    def change(self, resource_type: str, reference: str) -> Request:
        """A write, or what looks like one."""
        content = self.content(resource_type)
        patch = [{"op": "add", "path": "/language", "value": "en"}]
        patching = {"Content-Type": "application/json-patch+json"}
        entry = {"resource": content, "request": {"method": "POST", "url": resource_type}}
        # of two changes at the same instant, which a batch may have, the ids give the order, which are random
        reading = {"request": {"method": "GET", "url": f"{resource_type}?identifier=urn:shared|3"}}
        changes: list[Request] = [
            ("POST", resource_type, content, {}),
            ("PUT", reference, content | {"id": reference.split("/")[1]}, {}),
            ("PUT", f"{resource_type}?identifier=urn:shared|2", content, {}),
            ("PATCH", reference, patch, patching),
            ("DELETE", reference, None, {}),
            ("DELETE", f"{resource_type}?identifier=urn:shared|3", None, {}),
            ("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}, {}),
            ("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": [reading, entry]}, {}),
            ("POST", f"{resource_type}/$validate", content, {}),
        ]
        return self._random.choice(changes)

    def anything(self) -> Request:
        """One of every kind of request; searches more often than others."""
        resource_type = self._random.choice(TYPES)
        reference = self.any_of(resource_type)
        if self._random.random() < 0.3:
            return self.change(resource_type, reference)
        searches = (f"{resource_type}?{self.search(reference)}", self.linked_search())
        told = ("", "/_history/1", "/_history")
        reads = [*(f"{reference}{each}" for each in told), f"{resource_type}/_history?_count=5", "_history?_count=5"]
        return "GET", self._random.choice([*reads, *searches, *searches]), None, {}


async def pages(world: World, response: httpx.Response) -> list[str]:
    """What follows on a page, at most three pages of it."""
    found: list[str] = []
    while len(found) < 3 and response.status_code == 200:
        links = {each["relation"]: each["url"] for each in response.json().get("link", ())}
        if "next" not in links:
            break
        response = await world.workers.one.get(links["next"], headers=world.headers["we"])
        found.append(world.neutral(response.text))
    return found


async def told(world: World, response: httpx.Response) -> tuple[Any, ...]:
    """All that a client can tell of an answer."""
    headers = {name: world.neutral(value) for name, value in response.headers.items() if name not in _LEFT_OUT}
    return response.status_code, headers, world.neutral(response.text), await pages(world, response)


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(3, 300))])
async def test_an_organisation_cannot_tell_what_another_does(worlds: tuple[World, World], seed: int) -> None:
    """Not by bodies, totals, orders, pages, headers or refusals, and whatever it asks about the other's resources."""
    both, alone = worlds
    names: dict[str, list[str]] = {}
    other, we = Author(seed, "other", names, SECRET), Author(seed, "we", names, "Ours")
    for number in range(REQUESTS):
        theirs = other.create()
        made = await both("other", theirs)
        assert made.status_code < 500, made.text
        both.keep(f"o{seed}x{number}", made)
        asked = we.create() if number < REQUESTS // 4 else we.anything()
        answers = []
        for world in (both, alone):
            response = await world("we", asked)
            world.keep(f"w{seed}x{number}", response)
            answers.append(await told(world, response))
        assert answers[0] == answers[1], asked
        assert SECRET not in answers[0][2] or SECRET in asked[1], asked
        # the ids of the other organisation are what is asked about; in the world without it nobody has them
        name = f"o{seed}x{number}"
        if name in both.ids:
            alone.ids[name] = both.ids[name]
            names.setdefault(theirs[1], []).append(name)
        if f"w{seed}x{number}" in both.ids:
            names.setdefault(asked[1].partition("?")[0], []).append(f"w{seed}x{number}")
