"""What many units are tested with: R4's own definitions, and one validator, which compiles each type once."""

from __future__ import annotations

import pytest

from service.fhir.definitions import Definitions, load
from service.fhir.validation import Validator


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    return load()


@pytest.fixture(scope="session")
def validator(definitions: Definitions) -> Validator:
    return Validator(definitions)
