"""The OpenAPI document of this service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

from service.rest.openapi import build
from tests.api.openapi.described import Described

if TYPE_CHECKING:
    from service.assembly import Standard


@pytest.fixture(scope="package")
def described(standard: Standard) -> Described:
    document = build(standard.definitions, standard.registry, version="1")
    whole = {"$ref": "#/components/schemas/Resource", "components": {"schemas": document["components"]["schemas"]}}
    return Described(document=document, resource=jsonschema_rs.Draft202012Validator(whole))
