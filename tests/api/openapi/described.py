"""What the OpenAPI document says of an answer, held against one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    import jsonschema_rs

Json = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
SOMETIMES = {"content-disposition", "etag", "preference-applied", "x-correlation-id"}
"""A Bundle has no ETag, and an answer that can be one is described with it; the others are there if they were sent."""
OF_HTTP = {
    *("cache-control", "content-encoding", "content-length", "content-security-policy", "content-type"),
    *("cross-origin-opener-policy", "referrer-policy", "vary", "x-content-type-options"),
}
"""What is for browsers, proxies and transport, and no part of a description."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The document, and the schema of any resource."""

    document: Json
    resource: jsonschema_rs.Draft202012Validator

    def operations(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Method and path of every operation at or below a path."""
        for path, item in self.document["paths"].items():
            if path == prefix or path.startswith(f"{prefix}/"):
                yield from ((method, path) for method in METHODS if method in item)

    def example(self, name: str) -> Json:
        """The content of an example."""
        content: Json = self.document["components"]["examples"][name]["value"]
        return content

    def assert_success(self, response: httpx.Response, method: str, path: str) -> None:
        """The request succeeded; status, headers and body are as the document says of its path."""
        operation = self.document["paths"][path][method]
        name = operation["operationId"]
        assert response.is_success, f"{name}: {response.status_code} {response.text}"
        assert str(response.status_code) in operation["responses"], f"{name} answered {response.status_code}"
        answer = self._resolved(operation["responses"][str(response.status_code)])
        described = {header.lower() for header in answer.get("headers", ())}
        assert described - SOMETIMES <= response.headers.keys(), name
        assert response.headers.keys() - OF_HTTP <= described, name
        assert bool(response.content) is ("content" in answer), name
        if response.content:
            told = response.headers["content-type"].partition(";")[0]
            assert told in answer["content"], name
            assert told == "text/html" or self.resource.is_valid(response.json()), name

    def answer(self, method: str, path: str, status: int) -> Json:
        """What is described of an answer of this status; KeyError where nothing is."""
        return self._resolved(self.document["paths"][path][method]["responses"][str(status)])

    def _resolved(self, answer: Json) -> Json:
        name = answer.get("$ref", "").rpartition("/")[2]
        resolved: Json = self.document["components"]["responses"][name] if name else answer
        return resolved
