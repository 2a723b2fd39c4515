"""One Provenance per resource whose state changed: who took which steps, and why.

The target carries no version yet: the writer knows it, and `versioned` puts it in.
https://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.concept import code_in, coded
from service.fhir.stamp import instant_text
from service.massage.cycle.terms import BUSINESS_STATUS, PARTICIPANT, STEP

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.fhir.resource import Content
    from service.massage.cycle.draft import Draft, Taken
    from service.massage.cycle.values import Party

SERVICE: Final = "massage-fhir"


def versioned(provenance: Content, version_of: Callable[[str], int]) -> Content:
    """The Provenance with targets that name the version, given the number that each ``Type/id`` is written as."""
    targets = [
        {"reference": f"{target['reference']}/_history/{version_of(target['reference'])}"}
        for target in provenance["target"]
    ]
    return provenance | {"target": targets}


def record(draft: Draft) -> None:
    """Write what was taken in the unit: one Provenance for each resource whose state is another than before."""
    by_name: dict[str, list[Taken]] = {}
    for taken in draft.taken:
        by_name.setdefault(taken.name, []).append(taken)
    for name, steps in by_name.items():
        if any(taken.source != taken.target for taken in steps) or _business_changed(draft, name):
            _write(draft, name, steps)


def _business_changed(draft: Draft, name: str) -> bool:
    now, before = draft.find(name) or {}, draft.stored.find(name) or {}
    return code_in(now.get("businessStatus"), BUSINESS_STATUS) != code_in(before.get("businessStatus"), BUSINESS_STATUS)


def _write(draft: Draft, name: str, steps: Sequence[Taken]) -> None:
    reason = (draft.find(name) or {}).get("statusReason")
    is_new_reason = isinstance(reason, dict) and reason != (draft.stored.find(name) or {}).get("statusReason")
    agents: list[dict[str, Any]] = []
    for taken in steps:
        agent = _agent(taken.party)
        if agent not in agents:
            agents.append(agent)
    draft.create(
        "Provenance",
        target=[{"reference": name}],
        recorded=instant_text(draft.now),
        activity={
            "coding": [{"system": STEP, "code": taken.step.name} for taken in steps],
            "text": ", ".join(f"{taken.source} → {taken.target}" for taken in steps),
        },
        agent=agents,
        **({"reason": [reason]} if is_new_reason else {}),
    )


def _agent(party: Party) -> dict[str, Any]:
    if "system" in party.roles:
        return {"type": coded(PARTICIPANT, "assembler"), "who": {"display": SERVICE}}
    who: dict[str, Any] = {"reference": party.organisation} if party.organisation else {"display": "an unnamed client"}
    if not party.user:
        return {"type": coded(PARTICIPANT, "author"), "who": who}
    agent = {"type": coded(PARTICIPANT, "author"), "who": {"reference": party.user}}
    return agent | ({"onBehalfOf": who} if party.organisation else {})
