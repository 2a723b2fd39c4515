"""What generators and validators make of the OpenAPI document: classes with names and members, values that fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from service.rest.openapi import build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.assembly import Standard

Json = dict[str, Any]


@pytest.fixture(scope="module")
def written(standard: Standard) -> Json:
    return build(standard.definitions, standard.registry, version="1")


def test_examples_of_values_are_what_their_schemas_say(written: Json) -> None:
    """Of schemas, of parameters and of headers."""
    components = written["components"]
    named = {"components": {"schemas": components["schemas"]}}
    schemas = [
        *components["schemas"].values(),
        *(each["schema"] for section in ("parameters", "headers") for each in components[section].values()),
    ]
    schemas += [each["items"] for each in schemas if "items" in each]
    shown = [(each, value) for each in schemas for value in each.get("examples", ())]
    assert len(shown) > 100
    wrong = [(each, value) for each, value in shown if not jsonschema_rs.is_valid({**each, **named}, value)]
    assert wrong == []


@pytest.mark.parametrize(
    "kind, value",
    [
        *(("Token", value) for value in ("code", "system|code", "|code", "system|", "|a,b|c,d|")),
        *(("Quantity", value) for value in ("5", "ge5.4", "5|http://unitsofmeasure.org|mg", "5||mg", "5||mg,6||g")),
    ],
)
def test_every_form_of_a_value_is_in_its_schema(written: Json, kind: str, value: str) -> None:
    schema = written["components"]["schemas"][f"Search{kind}"]
    assert jsonschema_rs.is_valid(schema, value)


def test_what_generators_make_classes_of_has_a_name_and_members(written: Json) -> None:
    """An enumeration without a name becomes a class per operation, an object without members one that holds nothing."""
    components = written["components"]
    assert [name for name, each in components["parameters"].items() if "enum" in each["schema"]] == []
    empty = [each for each in objects(written) if not {"properties", "additionalProperties"} & each.keys()]
    assert empty == []
    assert components["schemas"]["OtherResource"]["additionalProperties"] is True


def test_no_schema_is_called_as_what_every_client_has(written: Json) -> None:
    """A generated client has a class of this name that sends the requests."""
    assert {"Client", "AuthenticatedClient", "Response", "Unset"} & set(written["components"]["schemas"]) == set()


def objects(node: Any) -> Iterator[Json]:
    """Every schema of an object below a node."""
    if isinstance(node, dict):
        if node.get("type") == "object":
            yield node
        for key, value in node.items():
            if key not in {"example", "examples"}:
                yield from objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from objects(value)
