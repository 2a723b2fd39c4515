"""One validator for all tests: it compiles each type once."""

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
