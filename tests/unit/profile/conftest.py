"""HL7's own profiles, and profiles made up for one claim each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.codec import decode
from service.fhir.profile import Shelf
from tests.examples import official_examples

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.definitions import Definitions


@pytest.fixture(scope="session")
def published() -> Mapping[str, dict[str, Any]]:
    """HL7's profiles of R4 (StructureDefinitions with derivation constraint) by URL."""
    found: dict[str, dict[str, Any]] = {}
    for example in official_examples("definitions"):
        if example.type == "StructureDefinition" and b'"derivation":"constraint"' in example.data:
            content = decode(example.data)
            found[content["url"]] = content
    return found


@pytest.fixture(scope="session")
def shelf(definitions: Definitions, published: Mapping[str, dict[str, Any]]) -> Shelf:
    """HL7's profiles, compiled once."""
    return Shelf(definitions, published.values())
