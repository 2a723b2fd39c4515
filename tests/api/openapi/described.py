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
        # a Bundle has no ETag, and an answer that can be one is described with it
        assert {header.lower() for header in answer.get("headers", ())} - {"etag"} <= response.headers.keys(), name
        assert bool(response.content) is ("content" in answer), name
        if response.content:
            told = response.headers["content-type"].partition(";")[0]
            assert told in answer["content"], name
            assert told == "text/html" or self.resource.is_valid(response.json()), name

    def _resolved(self, answer: Json) -> Json:
        name = answer.get("$ref", "").rpartition("/")[2]
        resolved: Json = self.document["components"]["responses"][name] if name else answer
        return resolved
