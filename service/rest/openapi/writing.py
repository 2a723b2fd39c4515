"""The document as bytes: compact, yet one line per path and component, so that a change of it can be read as a diff."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir import codec
from service.fhir.definitions import load
from service.fhir.search.registry import Registry
from service.rest.openapi.examples import example_files
from service.rest.openapi.specification import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from service.fhir.definitions import Definitions

_LINES_BELOW = {"paths": 1, "tags": 1, "components": 2}
"""Section → how many levels below it are broken into lines."""


def document(definitions: Definitions, registry: Registry, *, version: str) -> bytes:
    """The OpenAPI JSON of the service in this version; equal registries give equal bytes."""
    return b"".join(_broken(build(definitions, registry, version=version), 1)) + b"\n"


def write_files(folder: Path, *, version: str) -> None:
    """Write ``openapi.json`` and ``examples/*.json`` below `folder`; files that are there are replaced."""
    definitions = load()
    examples = folder / "examples"
    examples.mkdir(parents=True, exist_ok=True)
    (folder / "openapi.json").write_bytes(document(definitions, Registry(definitions), version=version))
    for name, content in example_files().items():
        (examples / f"{name}.json").write_bytes(content)


def _broken(value: Any, levels: int) -> Iterator[bytes]:
    """The JSON of a value, with a line for every member down to `levels`."""
    if levels == 0 or not value or not isinstance(value, dict | list):
        yield codec.encode(value)
        return
    opening, closing = (b"{", b"}") if isinstance(value, dict) else (b"[", b"]")
    members = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    for number, (name, member) in enumerate(members):
        yield b",\n" if number else opening + b"\n"
        below = levels - 1
        if name is not None:
            yield codec.encode(name) + b":"
            below = max(below, _LINES_BELOW.get(name, 0)) if levels == 1 else below
        yield from _broken(member, below)
    yield b"\n" + closing
