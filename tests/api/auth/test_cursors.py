"""Links between pages, taken by one client and used by another: what they show is what their user may see himself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.api.auth.portal import portal_settings, register_portal, signed_in
from tests.api.auth.test_issuers import key_server
from tests.api.auth.test_scopes import Door, bundle, door, entry, observation
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers
    from tests.api.auth.test_jwks_url import KeyServer

__all__ = ["key_server"]

Json = dict[str, Any]

CURSOR_OF = "_cursor="
SEARCHES = [
    "Observation?_sort=date",
    "Observation?_sort=-_lastUpdated&category:not=x",
    "Observation?_include=*&_revinclude=*",
    "Observation?subject=Patient/b&_include=Observation:subject&_include=Observation:derived-from",
    "Observation?_include:iterate=*&_revinclude:iterate=*&_total=accurate",
    "Observation?subject:Patient.family=B",
    "Patient?_sort=family&_revinclude=Observation:subject",
    "Patient?_has:Observation:subject:status=final",
    "Patient/b/Observation?_sort=-date",
    "Patient/b/*?",
    "?_type=Observation,Patient",
    "Observation/_history?",
    "Observation/b-survey/_history?",
    "_history?",
    "Patient/b/$everything?",
]
TAKERS = ("whole", "stranger")
BESIDE = ("", "&_count=50&_elements=id&_include=*&_revinclude=*&_total=accurate")


@pytest.fixture(scope="module")
def auth_settings(key_server: KeyServer) -> Json:
    return portal_settings(key_server)


@pytest.fixture(scope="module")
async def readers(workers: Workers, key_server: KeyServer) -> dict[str, Door]:
    """Who takes links and who uses them; the clinic has two patients, the stranger a third one."""
    own = {"organisation": "Organization/clinic"}
    filler = await door(workers, "system/*.cruds", role="administrator", **own)
    stranger = await door(workers, "system/*.cruds", organisation="Organization/other")
    entries = []
    for name, other in (("a", "b"), ("b", "a")):
        entries.append({"resourceType": "Patient", "id": name, "name": [{"family": name.upper()}]})
        for number, category in enumerate(("survey", "vital-signs")):
            made = observation(category=category, patient=f"Patient/{name}")
            entries.append(
                made
                | {
                    "id": f"{name}-{category}",
                    "effectiveDateTime": f"2024-0{number + 1}-01",
                    "derivedFrom": [{"reference": f"Observation/{other}-{category}"}],
                }
            )
    opened = {"X-Break-Glass": "These ids are the tests' own."}
    for language in ("en", "de"):
        every = [
            entry("PUT", f"{each['resourceType']}/{each['id']}", each | {"language": language}) for each in entries
        ]
        answered = await filler("POST", "", bundle("transaction", *every), **opened)
        assert answered.status_code == 200, answered.text
    for family in ("A", "B", "C"):
        theirs = {"resourceType": "Patient", "name": [{"family": family}]}
        subject = (await stranger("POST", "Patient", theirs)).json()["id"]
        for _ in range(2):
            assert (await stranger("POST", "Observation", observation(patient=f"Patient/{subject}"))).status_code == 201
    await register_portal(workers, key_server, "user/*.cruds patient/*.cruds")
    limited = "patient/Observation.rs patient/Patient.rs"
    return {
        "whole": await door(workers, "system/*.cruds", **own),
        "survey": await door(workers, "system/Observation.rs?category=survey", **own),
        "observations": await door(workers, "system/Observation.rs", **own),
        "of a": signed_in(workers, key_server, scope=limited, patient="a"),
        "of b": signed_in(workers, key_server, scope=limited, patient="b"),
        "as a": signed_in(workers, key_server, scope="user/Observation.rs user/Patient.rs", fhirUser="Patient/a"),
        "stranger": stranger,
    }


async def links_of(taker: Door, search: str) -> set[str]:
    """All links of all pages of one resource each."""
    found: set[str] = set()
    following = f"{search}&_count=1"
    while following:
        answered = await taker("GET", following)
        if answered.status_code != 200:
            return found
        links = {each["relation"]: each["url"] for each in answered.json()["link"]}
        found |= {url for url in links.values() if CURSOR_OF in url}
        following = links.get("next", "")
    return found


class Reader:
    """What somebody reads plainly, kept."""

    def __init__(self, reach: Door) -> None:
        self.reach = reach
        self._known: dict[str, bool] = {}

    async def reads(self, target: str) -> bool:
        if target not in self._known:
            self._known[target] = (await self.reach("GET", target)).status_code == 200
        return self._known[target]


def places(answered: Json) -> list[str]:
    shown = [each["resource"] for each in answered.get("entry", ()) if "resource" in each]
    return [
        f"{each['resourceType']}/{each['id']}"
        + f"/_history/{each['meta']['versionId']}" * (answered["type"] == "history")
        for each in shown
        if each["resourceType"] != "OperationOutcome"
    ]


@pytest.mark.parametrize("search", SEARCHES)
async def test_a_link_shows_its_user_what_he_may_read(readers: dict[str, Door], search: str) -> None:
    everyone = {name: Reader(each) for name, each in readers.items()}
    for taker in TAKERS:
        for link in sorted(await links_of(readers[taker], search)):
            for name, reader in everyone.items():
                for beside in BESIDE:
                    answered = await reader.reach("GET", link + beside)
                    assert answered.status_code in (200, 400, 403, 404), answered.text
                    if answered.status_code != 200:
                        continue
                    body = answered.json()
                    for place in places(body):
                        assert await reader.reads(place), (taker, name, beside, place)
                    if body["type"] == "searchset" and "$" not in search and (total := body.get("total")) is not None:
                        own = (
                            await reader.reach("GET", f"{re.split('&_(?:rev)?include', search)[0]}&_count=50")
                        ).json()
                        matched = [each for each in own.get("entry", ()) if each["search"]["mode"] == "match"]
                        assert total == len(matched), (taker, name, beside)


@pytest.mark.parametrize("name", ["stranger", "of a", "as a"])
async def test_a_link_tells_another_organisation_or_patient_nothing(readers: dict[str, Door], name: str) -> None:
    """Neither what was asked, nor between which names of his own that of somebody else lies."""
    for search in ("Observation?subject:Patient.family=B", "Patient?_sort=family", "Patient/b/Observation?"):
        for link in await links_of(readers["whole"], search):
            answered = await readers[name]("GET", link)
            assert_outcome(answered, 400, "cursor-invalid", "http._cursor")


ELSEWHERE = [
    "Patient?",
    "Patient/a/Observation?",
    "Patient/b/Observation?",
    "Patient/b/*?",
    "?",
    "Observation/_history?",
    "_history?",
    "Observation/b-survey/_history?",
    "Patient/b/$everything?",
    "Observation/$lastn?patient=Patient/b&",
]


async def test_a_link_goes_with_its_own_path_alone(readers: dict[str, Door]) -> None:
    """Whoever moves it: another type, compartment, level, history or operation."""
    for search in ("Observation?_sort=date", "Observation/_history?", "Patient/b/$everything?"):
        link = max(await links_of(readers["whole"], search))
        sealed = link.partition(CURSOR_OF)[2]
        for place in ELSEWHERE:
            if place == search:
                continue
            answered = await readers["whole"]("GET", f"{place}{CURSOR_OF}{sealed}")
            assert answered.status_code == 400, (search, place, answered.text)


async def test_a_link_shows_the_same_wherever_it_is_sent(readers: dict[str, Door]) -> None:
    """By POST, to another name of the service, in a batch."""
    link = max(await links_of(readers["whole"], "Observation?_sort=date&_include=*"))
    query = urlsplit(link).query
    for name, reach in readers.items():
        plain = await reach("GET", link)
        batch = (await reach("POST", "", bundle("batch", entry("GET", f"Observation?{query}")))).json()["entry"][0]
        others = [
            await reach("POST", f"Observation/_search?{query}"),
            await reach("GET", f"http://127.0.0.1/fhir/Observation?{query}", **{"X-Forwarded-Host": "evil.example"}),
        ]
        for other in others:
            assert other.status_code == plain.status_code, (name, other.text)
            assert places(other.json()) == places(plain.json())
            assert "evil" not in other.text
        assert places(batch.get("resource", {})) == (places(plain.json()) if plain.status_code == 200 else [])
