"""What a deployment says of payers' plans holds from the order on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.builders.referral import referral_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeClient

LONG = {"repeat": {"count": 6, "duration": 120, "durationUnit": "min"}}


def plan(folder: Path, payor: dict[str, Any]) -> Path:
    """A file by which this payer pays for sessions of two hours."""
    named = payor["identifier"]
    path = folder / "payers.toml"
    path.write_text(
        f'[[plan]]\nname = "Long"\npayer = "{named["system"]}|{named["value"]}"\nlongest_session_minutes = 120\n'
    )
    return path


@pytest.mark.parametrize("status, expected", [("active", 200), ("cancelled", 422)])
async def test_the_plan_of_a_coverage_that_comes_with_the_order_rules_it(
    make_client: MakeClient, tmp_path: Path, status: str, expected: int
) -> None:
    """Both are new: the order is as long as the plan allows, and longer than others do."""
    order = referral_bundle(occurrenceTiming=LONG)
    coverage = next(each["resource"] for each in order["entry"] if each["resource"]["resourceType"] == "Coverage")
    payor = {"identifier": {"system": "https://payers.example.org", "value": "7"}}
    coverage |= {"status": status, "payor": [payor]}
    async with make_client(referral_rules="on", payer_rules=plan(tmp_path, payor)) as http:
        sent = await http.post("/", json=order)
    assert sent.status_code == expected, sent.text
