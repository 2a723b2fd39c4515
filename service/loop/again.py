"""What is sent again: a referral under its placer's identifier, a patient under a record number.

Conditional creates answer with what is there. That must be the same order, and may be the same person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.identity import disagreements
from service.fhir.outcome import FhirError, Issue
from service.massage.cycle.duplicates import same_order

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.interactions.rules import Proposal
    from service.loop.referrals import Referrals


def refuse_others(proposals: Iterable[Proposal], referrals: Referrals) -> None:
    """FhirError duplicate for another order under an identifier, identity-conflict for a patient who is another one."""
    for each in proposals:
        if each.sent is None or each.before is None:
            continue
        issue = None
        if each.type == "Patient" and (elements := disagreements(each.before, each.sent)):
            told = f"{each.type}/{each.id} has this identifier and is somebody else by {', '.join(elements)}."
            place = f"{each.where}.resource" if each.where else each.type
            paths = tuple(f"{place}.{name}" for name in elements)
            issue = Issue(code="identity-conflict", diagnostics=f"{told} Nothing was stored.", expression=paths)
        elif referrals.has(each.before) and same_order(each.before, each.sent) == "conflict":
            told = f"{each.type}/{each.id} has this placer identifier and another content; update it instead."
            issue = Issue(code="duplicate", diagnostics=told, expression=(each.where,) if each.where else ())
        if issue is not None:
            raise FhirError(issues=(issue,))
