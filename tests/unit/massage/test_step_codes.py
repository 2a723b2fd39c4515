"""The steps as a CodeSystem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.massage import step_codes
from service.massage.cycle import MACHINES
from service.massage.cycle.terms import STEP

if TYPE_CHECKING:
    from service.assembly import Standard


def test_every_step_has_its_code(standard: Standard) -> None:
    """Each once, in the system that Provenances name."""
    (content,) = step_codes.resources()
    assert content["url"] == STEP
    assert standard.validator.issues(content, "CodeSystem") == []
    codes = [concept["code"] for concept in content["concept"]]
    assert codes == [step.name for machine in MACHINES.values() for step in machine.steps]
    assert len(set(codes)) == len(codes) == content["count"]
