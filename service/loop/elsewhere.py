"""Nobody gives or gets two sessions at once: looked up over all referrals whose sessions the caller sees.

Sessions of other clinics count for those who see them: to others a refusal would tell of care that is none of theirs.
Within one referral the life cycles themselves see to it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.bundle_plan import located
from service.fhir.outcome import failure
from service.fhir.reference import identity_of, parse_local
from service.loop.episode import decoded
from service.massage.cycle.terms import reference_in, references_in
from service.massage.cycle.visits import TAKING_PLACE, range_of_session
from service.store.simultaneous import Sources, begun_between, lock_people

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from uuid import UUID

    from service.fhir.outcome import FhirError
    from service.fhir.resource import Content
    from service.fhir.search.registry import Registry
    from service.fhir.temporal import Range
    from service.interactions.rules import Proposal
    from service.massage.cycle import Episode
    from service.store.store import Session

_LONGEST: Final = timedelta(hours=12)
"""No session that the rules let through began longer before it ended, whatever the policy of a payer."""
_WHO: Final = frozenset({"Patient", "Practitioner", "PractitionerRole"})


class _Given(Struct, frozen=True, kw_only=True):
    """A session that the unit records: when, its patient, and whom it names as performers, by their identities."""

    id: str
    where: str
    period: Range
    patient: frozenset[UUID]
    therapists: frozenset[UUID]

    @property
    def people(self) -> frozenset[UUID]:
        """Who cannot be elsewhere."""
        return self.patient | self.therapists


class Elsewhere:
    """Looks where patient and therapist of a session are meanwhile."""

    def __init__(self, registry: Registry, types: Collection[str]) -> None:
        self._types = types
        procedure, role = registry.parameters("Procedure"), registry.parameters("PractitionerRole")
        self._sources = Sources(
            dates=procedure["date"].source_numbers,
            people=(*procedure["performer"].source_numbers, *procedure["subject"].source_numbers),
            role=role["practitioner"].source_numbers[0],
        )

    async def refuse(self, session: Session, units: Sequence[tuple[Sequence[Proposal], Episode]]) -> None:
        """FhirError guard-visits where a session overlaps with another of its patient or therapist.

        `units` are the proposals that belong to a referral, with its episode. What they say is locked until the end of
        the transaction: of two sessions at the same time that are recorded at the same time the second is refused.
        """
        given = [one for own, episode in units for one in self._given(own, episode)]
        if not given:
            return
        await lock_people(session, {identity for one in given for identity in one.people})
        recorded = {one.id for one in given}
        for place, one in enumerate(given):
            since, until = one.period.low - _LONGEST, one.period.high
            found = [decoded(each) for each in await begun_between(session, self._sources, one.people, since, until)]
            stored = [each for each in found if each["id"] not in recorded and _is_session(each)]
            others = [(self._patient(each, ""), range_of_session(each)) for each in stored]
            others += [(other.patient, other.period) for other in given[:place] if one.people & other.people]
            for patient, period in others:
                if period is not None and period.overlaps(one.period):
                    raise _at_once("patient" if patient & one.patient else "therapist", one.where)

    def _given(self, own: Iterable[Proposal], episode: Episode) -> Iterator[_Given]:
        for each in own:
            after, before = each.after, each.before or {}
            if each.type != "Procedure" or after is None or after.get("status") != "completed":
                continue
            period = range_of_session(after)
            same = all(before.get(name) == after.get(name) for name in ("status", "performedPeriod", "performer"))
            if same or period is None or not _is_session(after):
                continue
            roles = episode.resources.get("PractitionerRole", {}).values()
            behind = {f"PractitionerRole/{one['id']}": reference_in(one.get("practitioner")) for one in roles}
            performers = [reference_in(one.get("actor")) for one in after.get("performer", ())]
            performers += [behind[one] for one in performers if behind.get(one)]
            yield _Given(
                id=each.id,
                where=each.where,
                period=period,
                patient=self._patient(after, episode.base),
                therapists=self._identities(performers, episode.base),
            )

    def _patient(self, content: Content, base: str) -> frozenset[UUID]:
        return self._identities([reference_in(content.get("subject"))], base)

    def _identities(self, references: Iterable[str], base: str) -> frozenset[UUID]:
        targets = (parse_local(one, base, self._types) for one in references if one)
        return frozenset(identity_of(one.type, one.id) for one in targets if one is not None and one.type in _WHO)


def _is_session(procedure: Content) -> bool:
    """Whether it is a session of a referral's: no technique within one, and no Procedure of anybody else."""
    parts = references_in(procedure.get("partOf"))
    within = any("Procedure/" in reference for reference in parts)
    return bool(procedure.get("basedOn")) and not within and procedure.get("status") in TAKING_PLACE


def _at_once(who: str, where: str) -> FhirError:
    told = f"The {who} has another session at that time."
    return located(failure("guard-visits", told, "Procedure.performed"), where)
