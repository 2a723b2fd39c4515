"""What tests ask of a world in which rules were judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.cycle import Verdict
    from tests.builders.loop import (
        World,
    )


def status(world: World, name: str = "Task/task") -> str:
    """The status of a resource."""
    found = world.get(name)
    return str(found.get("status", found.get("lifecycleStatus")))


def changed(world: World, name: str, **elements: Any) -> Content:
    """A stored resource with some elements changed."""
    return world.get(name) | elements


def done(verdict: Verdict) -> None:
    """The step was taken."""
    assert verdict.refusals == ()


def codes(verdict: Verdict) -> list[str]:
    """The codes of the refusals."""
    return [one.code for one in verdict.refusals]
