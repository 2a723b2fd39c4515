"""What the demo tells a person in the end."""

from __future__ import annotations

from datetime import date

import pytest

from service.demo.report import next_steps
from service.settings import Settings


@pytest.mark.parametrize("mode, has_token", [("open", False), ("smart", True)])
def test_commands_to_try_carry_a_token_where_one_is_needed(mode: str, has_token: bool) -> None:
    settings = Settings(auth_mode=mode)  # type: ignore[arg-type]  # as it comes from the environment
    told = next_steps(settings, date(2026, 3, 2), ".venv/bin/massage-fhir")
    assert (".venv/bin/massage-fhir client token --role clinic" in told) is has_token
    assert ("Authorization: Bearer $TOKEN" in told) is has_token
    assert "Organization/demo-north-clinic/$outcome-measures?periodStart=2026-01&periodEnd=2026-06" in told
