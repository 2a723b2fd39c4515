"""What tests of the domain share."""

from __future__ import annotations

import pytest

from service.fhir.definitions import load
from service.fhir.validation import Validator


@pytest.fixture(scope="module")
def validator() -> Validator:
    """R4's own definitions."""
    return Validator(load())
