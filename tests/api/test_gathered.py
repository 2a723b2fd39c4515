"""Searches of several criteria, their pages and what goes with them, held against an evaluation over plain reads."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    import httpx

    from tests.conftest import MakeClient

    Meets = Callable[[dict[str, Any]], bool]

Json = dict[str, Any]

MANY: Final = 400
ASKED: Final = 20
ROUNDS: Final = 3
DATES: Final = ["2024", "2024-03", "2024-03-05", "2023-11-11", "2024-03-05T10:00:00Z"]
CANONICAL: Final = "http://example.org/Questionnaire/q"


def to(target: str) -> Json:
    return {"reference": target}


def made(rng: random.Random) -> Iterator[Json]:
    """Observations with and without what they are sorted and found by, and what is around them."""
    for number in range(3):
        above = to(f"Organization/o{(number + 1) % 3}")
        yield {"resourceType": "Organization", "id": f"o{number}", "name": "O", "partOf": above}
        yield {"resourceType": "Questionnaire", "id": f"q{number}", "status": "draft", "url": f"{CANONICAL}{number}"}
    for number in range(12):
        managed = {"managingOrganization": to(f"Organization/o{number % 3}")} if number % 4 else {}
        yield {"resourceType": "Patient", "id": f"p{number}", "name": [{"family": f"F{number % 5}"}]} | managed
    for number in range(MANY):
        yield observed(rng, number)
    for number in range(60):
        about = {"questionnaire": f"{CANONICAL}{rng.randrange(4)}", "subject": to(f"Patient/p{rng.randrange(12)}")}
        yield {"resourceType": "QuestionnaireResponse", "id": f"r{number}", "status": "completed"} | about


def observed(rng: random.Random, number: int) -> Json:
    """An observation; some refer to patients that are not there, and some to one that they contain."""
    optional: list[tuple[float, Json]] = [
        (0.8, {"subject": to(f"Patient/p{rng.randrange(14)}")}),
        (0.6, {"effectiveDateTime": rng.choice(DATES)}),
        (0.3, {"valueString": rng.choice(["alpha", "beta", "Gamma"])}),
        (0.4, {"performer": [to(f"Organization/o{rng.randrange(3)}"), to(f"Patient/p{rng.randrange(3)}")]}),
        (0.4, {"derivedFrom": [to(f"Observation/x{rng.randrange(number + 1)}") for _ in range(2)]}),
    ]
    content: Json = {
        "resourceType": "Observation",
        "id": f"x{number}",
        "status": rng.choice(["final", "amended", "registered"]),
        "code": {"coding": [{"system": "urn:c", "code": rng.choice("abcd")} for _ in range(rng.choice([1, 1, 2]))]},
    }
    for likely, elements in optional:
        content |= elements if rng.random() < likely else {}
    if rng.random() < 0.2:
        subject = to(f"Patient/p{rng.randrange(12)}")
        inner = {"id": "in", "code": {"coding": [{"code": "inner"}]}, "subject": subject}
        content["contained"] = [{"resourceType": "Observation", "status": "final"} | inner]
        content["derivedFrom"] = [*content.get("derivedFrom", ()), to("#in")]
    return content


def codes(content: Json) -> set[str]:
    return {each["code"] for each in content["code"]["coding"]}


def about(content: Json) -> str:
    return str(content.get("subject", {}).get("reference", "")).removeprefix("Patient/")


def performers(content: Json) -> set[str]:
    return {each["reference"] for each in content.get("performer", ())}


CRITERIA: Final[list[tuple[str, Meets]]] = [
    ("code=a", lambda each: "a" in codes(each)),
    ("code=a,b", lambda each: bool({"a", "b"} & codes(each))),
    ("code=urn:c|c,d", lambda each: bool({"c", "d"} & codes(each))),
    ("code:not=a", lambda each: "a" not in codes(each)),
    ("code:not=a,c", lambda each: not {"a", "c"} & codes(each)),
    ("code=inner", lambda _: False),
    ("status=final", lambda each: each["status"] == "final"),
    ("status=final,amended", lambda each: each["status"] in ("final", "amended")),
    ("status:not=final", lambda each: each["status"] != "final"),
    ("subject=Patient/p1", lambda each: about(each) == "p1"),
    ("subject=Patient/p1,Patient/p2,Patient/p13", lambda each: about(each) in ("p1", "p2", "p13")),
    ("patient=p3,p4", lambda each: about(each) in ("p3", "p4")),
    ("subject:missing=true", lambda each: not about(each)),
    ("subject:missing=false", lambda each: bool(about(each))),
    ("date:missing=true", lambda each: "effectiveDateTime" not in each),
    ("date=2024-03", lambda each: each.get("effectiveDateTime", "").startswith("2024-03")),
    ("date=ge2024,2023-11-11", lambda each: "effectiveDateTime" in each),
    ("performer=Organization/o1", lambda each: "Organization/o1" in performers(each)),
    ("performer=Organization/o1,Patient/p1", lambda each: bool({"Organization/o1", "Patient/p1"} & performers(each))),
    ("performer:missing=true", lambda each: not performers(each)),
    ("value-string=alp,gam", lambda each: each.get("valueString", "").lower() in ("alpha", "gamma")),
    ("value-string:missing=true", lambda each: "valueString" not in each),
    ("subject:Patient.family=F1,F2", lambda each: about(each) in {f"p{n}" for n in range(12) if n % 5 in (1, 2)}),
    ("derived-from:missing=false", lambda each: bool(each.get("derivedFrom"))),
]
SORTS: Final = [
    "",
    "date",
    "-date",
    "_lastUpdated",
    "-_lastUpdated",
    "code",
    "-code",
    "value-string",
    "-value-string",
    "subject",
    "status,-date",
    "-value-string,date",
    "_id",
]

STEPS: Final = {
    "Observation:subject": ("Observation/", "subject", ""),
    "Observation:subject:Patient": ("Observation/", "subject", "Patient/"),
    "Observation:performer": ("Observation/", "performer", ""),
    "Observation:performer:Organization": ("Observation/", "performer", "Organization/"),
    "Observation:derived-from": ("Observation/", "derivedFrom", ""),
    "Patient:organization": ("Patient/", "managingOrganization", ""),
    "Organization:partof": ("Organization/", "partOf", ""),
    "QuestionnaireResponse:subject": ("QuestionnaireResponse/", "subject", ""),
    "QuestionnaireResponse:questionnaire": ("QuestionnaireResponse/", "questionnaire", ""),
    "Observation:*": ("Observation/", "", ""),
    "*": ("", "", ""),
}
"""Includes, and from what, by which element, to what they lead."""

Include = tuple[str, str]
OF_MATCHES: Final = ["*", *(step for step in STEPS if step.startswith("Observation:"))]
BACK_TO_MATCHES: Final = ["*", "Observation:derived-from", "Observation:*"]
INCLUDES: Final[list[Include]] = [
    *(("_include", step) for step in OF_MATCHES),
    *(("_revinclude", step) for step in BACK_TO_MATCHES),
    *((f"_{how}:iterate", step) for how in ("include", "revinclude") for step in STEPS),
]


class World:
    """What is stored, as it is read, and how it is connected."""

    def __init__(self, every: Iterable[Json]) -> None:
        self.every = {f"{each['resourceType']}/{each['id']}": each for each in every}
        self._urls = {each["url"]: place for place, each in self.every.items() if "url" in each}
        self._edges = {
            (place, element, target)
            for place, each in self.every.items()
            for element, value in each.items()
            for one in (value if isinstance(value, list) else [value])
            if (target := self._target(one)) in self.every
        }

    def found(self, criteria: Iterable[tuple[str, Meets]]) -> set[str]:
        """The observations that meet all criteria."""
        meets = [each for _, each in criteria]
        observations = {place: each for place, each in self.every.items() if place.startswith("Observation/")}
        return {place for place, each in observations.items() if all(one(each) for one in meets)}

    def included(self, includes: Iterable[Include], matches: set[str]) -> set[str]:
        """What goes with a page."""
        known, last = matches, matches
        for level in range(ROUNDS):
            taken = [each for each in includes if level == 0 or "iterate" in each[0]]
            last = {place for each in taken for place in self._led(each, last)} - known
            known = known | last
        return known - matches

    def _target(self, value: Any) -> str:
        """What a reference, or a canonical, leads to."""
        if isinstance(value, dict):
            return str(value.get("reference"))
        return self._urls.get(value, "") if isinstance(value, str) else ""

    def _led(self, include: Include, places: set[str]) -> set[str]:
        source, element, target = STEPS[include[1]]
        edges = {
            (start, end)
            for start, by, end in self._edges
            if start.startswith(source) and by.startswith(element) and end.startswith(target) and by != "url"
        }
        if include[0].startswith("_rev"):
            return {start for start, end in edges if end in places}
        return {end for start, end in edges if start in places}


async def stored(client: httpx.AsyncClient, rng: random.Random) -> World:
    """The world, stored at once and read one by one."""
    places = {f"{each['resourceType']}/{each['id']}": each for each in made(rng)}
    entries = [{"resource": each, "request": {"method": "PUT", "url": place}} for place, each in places.items()]
    answered = await client.post("/", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answered.status_code == 200, answered.text
    return World([(await client.get(place)).json() for place in places])


def shown(page: Json, mode: str) -> list[str]:
    """What a page has of a mode, in its order."""
    entries = [each for each in page.get("entry", ()) if each["search"]["mode"] == mode]
    return [f"{each['resource']['resourceType']}/{each['resource']['id']}" for each in entries]


async def turned(client: httpx.AsyncClient, link: str, relation: str) -> AsyncIterator[Json]:
    """The page of a link, and those that follow in a direction."""
    while link:
        answered = await client.get(link)
        assert answered.status_code == 200, (link, answered.text)
        page = answered.json()
        yield page
        link = next((each["url"] for each in page["link"] if each["relation"] == relation), "")


def asked(rng: random.Random, criteria: Iterable[tuple[str, Meets]], includes: Iterable[Include]) -> str:
    """A search, in any order and by pages of any size."""
    texts = [text for text, _ in criteria] + [f"{how}={step}" for how, step in includes]
    sort = rng.choice(SORTS)
    return f"Observation?{'&'.join(texts)}&_count={rng.choice([3, 17, 100])}{f'&_sort={sort}' if sort else ''}"


async def test_pages_and_what_goes_with_them_are_what_plain_reads_say(make_client: MakeClient) -> None:
    """Each match once on the way there, the same pages on the way back, and with each page what it leads to."""
    rng = random.Random(20)  # noqa: S311 - the same searches in every run
    async with make_client(max_included=10_000, max_include_rounds=ROUNDS) as client:
        world = await stored(client, rng)
        for _ in range(ASKED):
            criteria = rng.sample(CRITERIA, rng.choice([1, 2, 2, 3]))
            includes = rng.sample(INCLUDES, rng.choice([1, 2, 3]))
            search = asked(rng, criteria, includes)
            pages = [page async for page in turned(client, search, "next")]
            matches = [shown(page, "match") for page in pages]
            everything = [place for each in matches for place in each]
            assert len(everything) == len(set(everything)), search
            assert set(everything) == world.found(criteria), search
            for page, places in zip(pages, matches, strict=True):
                included = shown(page, "include")
                assert len(included) == len(set(included)), search
                assert set(included) == world.included(includes, set(places)), search
            back = [shown(page, "match") async for page in turned(client, pages[-1]["link"][0]["url"], "previous")]
            assert back[::-1] == matches, search


async def test_pages_hold_while_others_write(make_client: MakeClient) -> None:
    """Patients and observations change, go and come back while they are gathered: what stays is met, and once."""
    async with make_client(max_included=10_000) as client:
        world = await stored(client, random.Random(21))  # noqa: S311 - the same in every run
        places = sorted(place for place in world.every if place.startswith("Observation/"))
        moving, staying = places[::2], set(places[1::2])

        async def write(number: int) -> None:
            for place in moving[number::3]:
                changed = world.every[place] | {"subject": to(f"Patient/p{number}"), "status": "amended"}
                patient = f"Patient/p{len(place) % 3 + number}"
                for method, target, content in (
                    ("PUT", patient, world.every[patient] | {"language": f"a{number}"}),
                    ("DELETE", place, None),
                    ("PUT", place, changed),
                ):
                    assert (await client.request(method, target, json=content)).status_code < 500

        async def walk(search: str, meets: Meets) -> None:
            expected = {place for place in staying if meets(world.every[place])}
            for _ in range(2):
                walked: list[str] = []
                link = (
                    f"Observation?{search}&_count=20&_include=Observation:subject&_revinclude=Observation:derived-from"
                )
                async for page in turned(client, link, "next"):
                    matches, included = shown(page, "match"), shown(page, "include")
                    assert len({*matches, *included}) == len(matches) + len(included), search
                    walked += [place for place in matches if place in staying]
                    subjects = {
                        world.every[each].get("subject", {}).get("reference") for each in matches if each in staying
                    }
                    assert subjects & world.every.keys() <= set(included), search
                assert sorted(walked) == sorted(expected), search

        await asyncio.gather(
            *(write(number) for number in range(3)),
            walk("code=a,b&subject:missing=false", lambda each: bool({"a", "b"} & codes(each)) and bool(about(each))),
            walk(
                "code=a&status:not=registered&_sort=date",
                lambda each: "a" in codes(each) and each["status"] != "registered",
            ),
            walk(
                "patient=p1,p2&code:not=a&_sort=-value-string",
                lambda each: about(each) in ("p1", "p2") and "a" not in codes(each),
            ),
        )
