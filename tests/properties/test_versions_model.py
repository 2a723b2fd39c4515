"""Any sequence of writes over HTTP: every answer, version, history and search is that of a model in memory.

The machine runs on an event loop of its own, with the service and its connections on it, because Hypothesis calls its
rules from outside of any loop.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.builders.referral import transaction
from tests.builders.resources import EHR, patient
from tests.conftest import application_on, client_of, settings_for
from tests.properties.versions_model import Content, Expected, Model, Version, Write

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from service.assembly import Standard
    from tests.conftest import Cluster

Json = dict[str, Any]

KEYS: Final = ("one", "two", "three")
CHOSEN_IDS: Final = ("a", "b", "c")
_JSON_PATCH: Final = "application/json-patch+json"
_PATCHED: Final = {"PATCH": {"Content-Type": _JSON_PATCH}}

contents = st.builds(Content, key=st.sampled_from(KEYS), active=st.booleans())
preconditions = st.sampled_from(("none", "none", "right", "wrong", "any"))
seldom_refused = st.sampled_from(("none", "none", "none", "right"))
keys = st.sampled_from(KEYS)
creates = st.builds(Write, method=st.just("POST"), criteria=st.none() | keys, content=contents)


def by_id(ids: st.SearchStrategy[str], if_match: st.SearchStrategy[str] = preconditions) -> st.SearchStrategy[Write]:
    """Writes of a resource that is named: by the URL or, beside criteria, by the content of an update."""
    methods = st.sampled_from(("PUT", "PUT", "PATCH", "DELETE"))
    both = st.builds(Write, method=st.just("PUT"), id=ids, criteria=keys, if_match=if_match, content=contents)
    return st.builds(Write, method=methods, id=ids, if_match=if_match, content=contents) | both


def by_criteria(if_match: st.SearchStrategy[str] = preconditions) -> st.SearchStrategy[Write]:
    """Writes of what criteria find."""
    methods = st.sampled_from(("PUT", "PATCH", "DELETE"))
    return st.builds(Write, method=methods, criteria=keys, if_match=if_match, content=contents)


class Service:
    """The service in this process and the loop that it runs on."""

    def __init__(self, runner: asyncio.Runner, client: httpx.AsyncClient) -> None:
        self._runner = runner
        self._client = client
        self._examples = itertools.count(1)

    def next_example(self) -> str:
        """A text that keeps the resources of one run of the machine apart from those of all others."""
        return f"run-{next(self._examples)}"

    def request(self, method: str, url: str, content: Any = None, **headers: str) -> httpx.Response:
        """The answer to one request; `content` is sent as FHIR JSON unless a header says otherwise."""
        return self._runner.run(self._send(method, url, content, headers))

    async def _send(self, method: str, url: str, content: Any, headers: dict[str, str]) -> httpx.Response:
        sent = None if content is None else json.dumps(content).encode()
        kind = {} if content is None else {"Content-Type": "application/fhir+json"}
        return await self._client.request(method, url, content=sent, headers=kind | headers)


class Versions(RuleBasedStateMachine):
    """Writes one after the other; after each of them the service says what the model says."""

    service: ClassVar[Service]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.run = self.service.next_example()
        self.touched: set[str] = set()

    @rule(write=creates | by_criteria() | by_id(st.sampled_from(CHOSEN_IDS)))
    def write(self, write: Write) -> None:
        """A new resource, one found by criteria, or one under an id of the client's choice."""
        self._perform(write if write.id is None else replace(write, id=self._chosen(write.id)))

    @precondition(lambda self: self.model.resources)
    @rule(data=st.data())
    def write_what_exists(self, data: st.DataObject) -> None:
        """Whoever gave the id, deleted ones included."""
        self._perform(data.draw(by_id(st.sampled_from(sorted(self.model.resources)))))

    @precondition(lambda self: self.model.resources)
    @rule(data=st.data())
    def write_the_same(self, data: st.DataObject) -> None:
        """An update with the content that is there, as the service gave it."""
        logical_id = data.draw(st.sampled_from(sorted(self.model.resources)))
        content = self.model.content(logical_id)
        if content:
            echoed = self.service.request("GET", f"/Patient/{logical_id}").json()
            answer = self.service.request("PUT", f"/Patient/{logical_id}", echoed)
            write = Write(method="PUT", id=logical_id, content=content)
            self._compare(self.model.expect(write), answer)

    @rule(data=st.data())
    def write_several(self, data: st.DataObject) -> None:
        """All or nothing."""
        ids = st.sampled_from(sorted({*map(self._chosen, CHOSEN_IDS), *self.model.resources}))
        writes = data.draw(
            st.lists(creates | by_criteria(seldom_refused) | by_id(ids, seldom_refused), min_size=1, max_size=3)
        )
        status, expected = self.model.expect_transaction(writes)
        answer = self.service.request("POST", "/", transaction([self._entry(write) for write in writes]))
        if status != 200:
            assert answer.status_code in {400, 404, 409, 410, 412}, answer.text
            assert answer.json()["resourceType"] == "OperationOutcome"
            self.touched = set(self.model.resources)
            return
        assert answer.status_code == 200, answer.text
        for one, entry in zip(expected, answer.json()["entry"], strict=True):
            self._store_entry(one, entry["response"])

    @precondition(lambda self: self.model.resources)
    @rule(data=st.data())
    def read_a_version(self, data: st.DataObject) -> None:
        """Every version that was made stays as it was; the next one is not there yet."""
        logical_id = data.draw(st.sampled_from(sorted(self.model.resources)))
        for version in self.model.resources[logical_id]:
            answer = self.service.request("GET", f"/Patient/{logical_id}/_history/{version.number}")
            assert answer.status_code == (200 if version.content else 410)
            if version.content:
                self._is(version, logical_id, answer.json())
        following = len(self.model.resources[logical_id]) + 1
        assert self.service.request("GET", f"/Patient/{logical_id}/_history/{following}").status_code == 404

    @invariant()
    def what_was_written_reads_as_in_the_model(self) -> None:
        """Read and history of what the last step was about."""
        for logical_id in sorted(self.touched):
            self._read(logical_id)
            self._history(logical_id)
        self.touched = set()

    @invariant()
    def searches_find_what_the_model_holds(self) -> None:
        """By identifier: the same resources at the same versions, and their total."""
        for key in KEYS:
            bundle = self.service.request("GET", f"/Patient?{self._criteria(key)}").json()
            found = {entry["resource"]["id"]: entry["resource"] for entry in bundle.get("entry", ())}
            assert bundle["total"] == len(bundle.get("entry", ())) == len(found)
            assert set(found) == set(self.model.matches(key))
            for logical_id, content in found.items():
                self._is(self.model.resources[logical_id][-1], logical_id, content)

    def teardown(self) -> None:
        """In the end all resources are as in the model, not only those that the last step was about."""
        self.touched = set(self.model.resources) | set(map(self._chosen, CHOSEN_IDS))
        self.what_was_written_reads_as_in_the_model()

    def _perform(self, write: Write) -> None:
        expected = self.model.expect(write)
        method, url, content, headers = self._rendered(write)
        answer = self.service.request(method, url, content, **headers)
        self._compare(expected, answer)

    def _compare(self, expected: Expected, answer: httpx.Response) -> None:
        assert answer.status_code == expected.status, (expected, answer.text)
        if expected.refused:
            assert answer.json()["resourceType"] == "OperationOutcome"
            self.touched = set(self.model.resources)
            return
        logical_id = expected.id
        if expected.version:
            assert answer.headers["etag"] == f'W/"{expected.version.number}"'
            if expected.version.content:
                logical_id = str(answer.json()["id"])
                assert expected.id in (None, logical_id)
                self._is(expected.version, logical_id, answer.json())
        self._store(logical_id, expected)

    def _store_entry(self, expected: Expected, response: Json) -> None:
        assert response["status"].startswith(str(expected.status)), (expected, response)
        logical_id = expected.id
        if expected.version:
            assert response["etag"] == f'W/"{expected.version.number}"'
            if expected.version.content:
                logical_id, _, number = response["location"].rpartition("/Patient/")[2].split("/")
                assert expected.id in (None, logical_id)
                assert number == str(expected.version.number)
        self._store(logical_id, expected)

    def _store(self, logical_id: str | None, expected: Expected) -> None:
        if logical_id is not None:
            if expected.id is None:
                assert logical_id not in self.model.resources, "an id was given twice"
            self.model.store(logical_id, expected)
            self.touched.add(logical_id)

    def _read(self, logical_id: str) -> None:
        latest = self.model.latest(logical_id)
        answer = self.service.request("GET", f"/Patient/{logical_id}")
        if latest is None:
            assert answer.status_code == 404
        elif latest.content is None:
            assert answer.status_code == 410
        else:
            assert answer.status_code == 200
            assert answer.headers["etag"] == f'W/"{latest.number}"'
            self._is(latest, logical_id, answer.json())

    def _history(self, logical_id: str) -> None:
        versions = self.model.resources.get(logical_id, [])
        answer = self.service.request("GET", f"/Patient/{logical_id}/_history")
        assert answer.status_code == (200 if versions else 404)
        if not versions:
            return
        entries = answer.json()["entry"]
        assert answer.json()["total"] == len(entries) == len(versions)
        instants = [entry["response"]["lastModified"] for entry in entries]
        assert instants == sorted(set(instants), reverse=True)
        for version, entry in zip(reversed(versions), entries, strict=True):
            assert entry["response"]["etag"] == f'W/"{version.number}"'
            assert entry["request"]["method"] == version.method
            assert ("resource" in entry) is (version.content is not None)
            if version.content:
                self._is(version, logical_id, entry["resource"])

    def _is(self, version: Version, logical_id: str, content: Json) -> None:
        assert version.content is not None
        assert content.pop("meta")["versionId"] == str(version.number)
        assert content == self._resource(version.content) | {"id": logical_id}

    def _resource(self, content: Content) -> Json:
        return patient(active=content.active, identifier=[{"system": f"{EHR}/{self.run}", "value": content.key}])

    def _criteria(self, key: str) -> str:
        return f"identifier={EHR}/{self.run}|{key}"

    def _chosen(self, name: str) -> str:
        return f"{self.run}-{name}"

    def _target(self, write: Write) -> str:
        if write.method == "POST":
            return "Patient"
        return f"Patient/{write.id}" if write.criteria is None else f"Patient?{self._criteria(write.criteria)}"

    def _tag(self, write: Write) -> str | None:
        """What If-Match says: about what the criteria find, if there are any."""
        matches = [write.id] if write.criteria is None else self.model.matches(write.criteria)
        latest = self.model.latest(matches[0]) if matches else None
        number = latest.number if latest else 1
        return {"none": None, "any": "*", "right": f'W/"{number}"', "wrong": f'W/"{number + 1}"'}[write.if_match]

    def _body(self, write: Write) -> Any:
        match write.method:
            case "POST":
                return self._resource(write.content)
            case "PUT":
                return self._resource(write.content) | ({"id": write.id} if write.id else {})
            case "PATCH":
                return [{"op": "replace", "path": "/active", "value": write.content.active}]
            case "DELETE":
                return None

    def _rendered(self, write: Write) -> tuple[str, str, Any, dict[str, str]]:
        headers = dict(_PATCHED.get(write.method, {}))
        if (tag := self._tag(write)) is not None:
            headers["If-Match"] = tag
        if write.method == "POST" and write.criteria:
            headers["If-None-Exist"] = self._criteria(write.criteria)
        return write.method, f"/{self._target(write)}", self._body(write), headers

    def _entry(self, write: Write) -> Json:
        request = {"method": write.method, "url": self._target(write)}
        if (tag := self._tag(write)) is not None:
            request["ifMatch"] = tag
        if write.method == "POST" and write.criteria:
            request["ifNoneExist"] = self._criteria(write.criteria)
        body = self._body(write)
        if write.method == "PATCH":
            data = base64.b64encode(json.dumps(body).encode()).decode()
            body = {"resourceType": "Binary", "contentType": _JSON_PATCH, "data": data}
        return {"request": request} if body is None else {"request": request, "resource": body}


@pytest.fixture
def machine(cluster: Cluster, standard: Standard) -> Iterator[type[Versions]]:
    """The machine on a service, a database and an event loop of its own."""

    async def start(stack: AsyncExitStack) -> httpx.AsyncClient:
        url = await stack.enter_async_context(cluster.clone())
        running = await stack.enter_async_context(application_on(settings_for(url), standard))
        return await stack.enter_async_context(client_of(running))

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        stack = AsyncExitStack()
        try:
            service = Service(runner, runner.run(start(stack)))
            yield type("OwnVersions", (Versions,), {"service": service})
        finally:
            runner.run(stack.aclose())


def run(machine: type[Versions], *, examples: int, steps: int, derandomize: bool) -> None:
    """Let Hypothesis drive the machine."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=derandomize,
            deadline=None,
            phases=(Phase.generate,),
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_versions_are_as_in_the_model(machine: type[Versions]) -> None:
    """The same sequences in every run."""
    run(machine, examples=25, steps=20, derandomize=True)


@pytest.mark.soak
def test_versions_stay_as_in_the_model(machine: type[Versions]) -> None:
    """Other sequences in every run, and longer ones."""
    run(machine, examples=1500, steps=60, derandomize=False)
