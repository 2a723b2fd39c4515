"""What a search is refused with, for the tests of its parser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.outcome import FhirError

if TYPE_CHECKING:
    from tests.unit.search.conftest import Parse


def refusal(parse: Parse, resource_type: str | None, text: str, **options: object) -> tuple[str, str, str]:
    """The error code, the expression and the diagnostics of a search's refusal."""
    with pytest.raises(FhirError) as raised:
        parse(resource_type, text, **options)
    issue = raised.value.issues[0]
    assert issue.code is not None
    return issue.code, "".join(issue.expression), issue.diagnostics
