"""Requests generated from the OpenAPI document: the running service answers each as the document says.

For every operation: the document's examples, random requests, valid and not, and for those without a body the edges of
every parameter's schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Err, Ok
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test

from service.rest.openapi import build
from tests.api.excerpt import KNOWN_IDS, excerpt
from tests.benchmarks.client import HOST
from tests.benchmarks.serving import the_service
from tests.builders.minimal import minimal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from schemathesis.generation.case import Case
    from schemathesis.schemas import APIOperation, BaseSchema

    from service.assembly import Standard

    Operation = APIOperation[Any, Any, Any, Any]

TYPES: Final = ("Flag", "Task")
PROVENANCE: Final = '{"resourceType": "Provenance", "recorded": "2026-01-09T09:00:00Z", "agent": [{"who": {}}]}'
SYSTEM: Final = ("/", "/metadata", "/_history", "/_search", "/$reindex")
BELOW_A_TYPE: Final = (
    "",
    "/_search",
    "/_history",
    "/{id}",
    "/{id}/_history",
    "/{id}/_history/{vid}",
    "/$validate",
    "/{id}/$validate",
)

CHECKED: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)
OF_CONTENT: Final = ("content_type_conformance", "response_schema_conformance")
"""What does not hold for an answer without a body that was asked for: OpenAPI has no content that may be absent."""
NOT_CHECKED: Final = {
    "negative_data_rejection": "a URL has no types, one value is a list of it; and the excerpt's bodies are narrow",
    "positive_data_acceptance": "R4's invariants and the rules of criteria refuse much that a schema cannot",
    "missing_required_header": "the service requires no header",
    "use_after_free": "needs scenarios of several requests; the model of versions covers it",
    "ensure_resource_availability": "as use_after_free",
    "ignored_auth": "the service under test is an open one; tests/api/auth tries the doors of the others",
    "object_level_authorization": "as ignored_auth",
}
"""Checks of schemathesis that are left out, and why."""


@pytest.fixture(scope="module")
async def base_url(tmp_path_factory: pytest.TempPathFactory, standard: Standard) -> AsyncIterator[str]:
    """The FHIR base of a service of its own process, in which every type has an instance under each known id."""
    async with the_service(tmp_path_factory.mktemp("service"), access_log=False) as running:
        for name in TYPES:
            for known in KNOWN_IDS:
                content = minimal(standard.definitions, name) | {"id": known}
                assert (await running.send("PUT", f"/fhir/{name}/{known}", content)).status == 201
        yield f"http://{HOST}:{running.port}/fhir"


@pytest.fixture(scope="module")
def described(base_url: str, standard: Standard) -> BaseSchema:
    """The document, cut down to what requests can be generated from."""
    load_all_checks()
    document = excerpt(build(standard.definitions, standard.registry, version="1"), TYPES)
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig())
    schema.config.update(base_url=base_url)
    return schema


@pytest.mark.parametrize("path", [*SYSTEM, *(f"/{TYPES[0]}{below}" for below in BELOW_A_TYPE)])
def test_every_answer_is_as_the_document_says(described: BaseSchema, path: str) -> None:
    """On the system and on one type; the others are described by the same code."""
    for operation in operations_at(described, path):
        generated(operation, chosen(max_examples=10, derandomize=True))()


@pytest.mark.soak
@pytest.mark.parametrize("path", [*SYSTEM, *(f"/{name}{below}" for name in TYPES for below in BELOW_A_TYPE)])
def test_every_answer_stays_as_the_document_says(described: BaseSchema, path: str) -> None:
    """Other requests in every run, more of them, and on more types."""
    for operation in operations_at(described, path):
        generated(operation, chosen(max_examples=300, derandomize=False))()


def test_what_headers_ask_for_is_answered_as_the_document_says(described: BaseSchema) -> None:
    """A change is answered without a body, and the Provenance that it stores is found among everything."""
    task = {"resourceType": "Task", "status": "draft", "intent": "plan"}
    headers = {"Prefer": "return=minimal", "X-Provenance": PROVENANCE}
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("/Task", "post", {"headers": headers, "body": task, "media_type": "application/fhir+json"}),
        ("/_history", "get", {}),
        ("/_search", "post", {"body": {}, "media_type": "application/x-www-form-urlencoded"}),
    ]
    for path, method, sent in requests:
        (operation,) = [one for one in operations_at(described, path) if one.method == method]
        _answered_as_described(operation.Case(**sent))


def test_every_address_and_every_check_is_in_a_list(described: BaseSchema) -> None:
    """So that what is new is either tried or left out for a reason."""
    paths = {operation.path for operation in operations(described)}
    assert paths == {*SYSTEM, *(f"/{name}{below}" for name in TYPES for below in BELOW_A_TYPE)}
    assert set(CHECKS.get_all_names()) == {*CHECKED, *NOT_CHECKED}


def operations(described: BaseSchema) -> list[Operation]:
    """The operations of the document; the test fails where schemathesis cannot read one."""
    results = list(described.get_all_operations())
    assert not [result.err() for result in results if isinstance(result, Err)]
    return [result.ok() for result in results if isinstance(result, Ok)]


def operations_at(described: BaseSchema, path: str) -> list[Operation]:
    """The operations of one address; at least one."""
    found = [one for one in operations(described) if one.path == path]
    assert found, path
    return found


def chosen(*, max_examples: int, derandomize: bool) -> settings:
    """How Hypothesis runs."""
    return settings(
        max_examples=max_examples,
        derandomize=derandomize,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),  # a request that fails is shown as it is: shrinking takes minutes
        suppress_health_check=list(HealthCheck),
    )


def generated(operation: Operation, how: settings) -> Callable[[], None]:
    """A test of one operation."""
    modes = [HypothesisTestMode.EXAMPLES, HypothesisTestMode.FUZZING]
    if not operation.body:  # the edges of a whole resource are thousands of requests
        modes.append(HypothesisTestMode.COVERAGE)
    config = HypothesisTestConfig(project=operation.schema.config, modes=modes, settings=how)
    return create_test(operation=operation, test_func=_answered_as_described, config=config)


def _answered_as_described(case: Case[Any]) -> None:
    response = case.call()
    checked: tuple[str, ...] = CHECKED
    if response.headers.get("preference-applied") == ["return=minimal"]:
        assert not response.content
        checked = tuple(name for name in CHECKED if name not in OF_CONTENT)
    checks: list[Any] = list(CHECKS.get_by_names(checked))
    case.validate_response(response, checks=checks)
