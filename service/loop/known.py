"""What is known of a referral and its patient where a plan is made: dangers, visits that are left, measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from msgspec import Struct

from service.access.permission import may_read
from service.fhir.reference import identity_of
from service.loop.episode import Loaded, Organisations, episode_of, stored_referral
from service.loop.rules import LOOP
from service.loop.safety import clearance_of
from service.massage.cycle.view import View
from service.massage.protocol.measured import is_measured, latest
from service.massage.screening.detected_issue import is_withdrawn, rule_of
from service.massage.screening.mitigation import mitigated
from service.store.referrals import members, seen

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import tzinfo
    from decimal import Decimal

    from service.fhir.interaction import Context
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.loop.safety import Safety
    from service.massage.outcome import Measures
    from service.massage.screening.finding import Screening
    from service.store.store import Session


_LOOKED_AT: Final = tuple(name for name in LOOP if name not in {"Goal", "Observation"})
"""What a plan depends on of a referral; what was measured is read with the patient's record."""


class Known(Struct, frozen=True, kw_only=True):
    """Of one referral: `cleared` rules, `issues` that stand, its episode, and all that screening read, `about`."""

    screening: Screening
    cleared: frozenset[str]
    issues: tuple[str, ...]
    view: View
    about: Sequence[Content]

    @classmethod
    async def of(
        cls,
        safety: Safety,
        parts: Parts,
        session: Session,
        context: Context,
        referral: Content,
        patient: str,
        about: Sequence[Content],
    ) -> Self:
        """What is known, whoever may see it: as the referral's own DetectedIssues are made."""
        everything, types, now = session.of_the_service(), parts.definitions.resource_types, context.received_at
        loaded = await _loaded(everything, referral)
        episode = await episode_of(everything, loaded, (), (), context.base, types)
        screening = await safety.screened(everything, loaded, about, now)
        issues = {name: each for (kind, name), each in loaded.contents.items() if kind == "DetectedIssue"}
        stored = tuple(f"DetectedIssue/{name}" for name, each in issues.items() if not is_withdrawn(each))
        for change in safety.changes(loaded, screening, patient, now):
            if change.type == "DetectedIssue" and change.after is not None:
                issues[change.id] = change.after
        clearance = clearance_of(episode, Organisations(episode, types), episode.resources)
        return cls(
            screening=screening,
            cleared=frozenset(
                rule for each in issues.values() if mitigated(each, clearance) and (rule := rule_of(each)) is not None
            ),
            issues=stored,
            view=View(loaded.id, episode.resources, context.base),
            about=about,
        )

    async def measured(
        self, session: Session, context: Context, codes: Collection[str], measures: Measures, zone: tzinfo
    ) -> dict[str, Decimal]:
        """The latest measurements that the caller sees, by the codes of the measures."""
        if context.actor is not None and not may_read(context.actor, "Observation"):
            return {}
        observations = (each for each in self.about if each["resourceType"] == "Observation")
        found = [each for each in observations if is_measured(each, codes, measures)]
        names = [("Observation", each["id"]) for each in found]
        visible = await seen(session, names)
        known = (each for each in found if ("Observation", each["id"]) in visible)
        return latest(known, codes, measures, zone)


async def _loaded(everything: Session, referral: Content) -> Loaded:
    """The referral with what hangs on it, as far as that is kept."""
    logical_id = referral["id"]
    identities = [identity_of("ServiceRequest", logical_id)]
    versions = (await members(everything, identities, LOOP, only=_LOOKED_AT)).get(logical_id, {})
    alone = {("ServiceRequest", logical_id): referral}
    return stored_referral(logical_id, versions) or Loaded(id=logical_id, content=referral, versions={}, contents=alone)
