"""Nobody gives or gets two sessions at once, nor has two visits booked: looked up over all referrals.

A therapist cannot be at two places, whoever books or records the other: sessions and bookings of the same practitioner
are found in all of the service. A refusal says that the therapist is not free at the time that the caller itself has
named, and nothing of where, for whom or how long.

That a patient is treated elsewhere is nobody's to learn who does not see it: a patient's other sessions and bookings
count as far as the caller sees them, which is what its own organisation has, and for a referrer all that it ordered.
Of two organisations that treat one patient at the same time without knowing of each other neither is refused; whoever
sees both sessions is told by $visits that they overlap.

Within one referral the life cycles themselves see to it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.bundle_plan import located
from service.fhir.outcome import failure
from service.fhir.reference import identity_of, parse_local
from service.fhir.temporal import Range, range_of
from service.loop.episode import decoded
from service.massage.cycle.guards.of_session import JUSTIFY, is_further_justified
from service.massage.cycle.moment import day_in, start_of
from service.massage.cycle.terms import reference_in, references_in
from service.massage.cycle.view import BOOKED, View, name_of
from service.massage.cycle.visits import TAKING_PLACE, performed, range_of_session
from service.store.simultaneous import Sources, begun_between, lock_people

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import tzinfo
    from uuid import UUID

    from service.fhir.outcome import FhirError
    from service.fhir.resource import Content
    from service.fhir.search.registry import Registry
    from service.interactions.rules import Proposal
    from service.massage.cycle import Episode
    from service.massage.payers import Payers
    from service.store.store import Session

_LONGEST: Final = timedelta(hours=12)
"""No visit that the rules let through began longer before it ended, whatever the policy of a payer."""
_WHO: Final = frozenset({"Patient", "Practitioner", "PractitionerRole"})
_SAYS_WHEN: Final = {
    "Procedure": ("status", "performedPeriod", "performer"),
    "Appointment": ("status", "start", "end", "participant"),
}
_CALLED: Final = {"Procedure": "session", "Appointment": "appointment"}


class _Given(Struct, frozen=True, kw_only=True):
    """A visit that the unit books, or a session that it records: when, and whom it names, by their identities.

    `day` is that of a session that may be one of several on it; `most` are so many a day.
    """

    content: Content
    where: str
    base: str
    period: Range
    patient: frozenset[UUID]
    therapists: frozenset[UUID]
    day: str
    most: int

    @property
    def type(self) -> str:
        """Procedure or Appointment."""
        return str(self.content["resourceType"])


class Elsewhere:
    """Looks where patient and therapist of a visit are meanwhile; `zone` is that of days."""

    def __init__(self, registry: Registry, types: Collection[str], payers: Payers, zone: tzinfo) -> None:
        self._types = types
        self._payers = payers
        self._zone = zone
        role = registry.parameters("PractitionerRole")["practitioner"].source_numbers[0]
        people = {"Procedure": ("performer", "subject"), "Appointment": ("actor",)}
        self._sources = {
            kind: Sources(
                dates=registry.parameters(kind)["date"].source_numbers,
                people=tuple(number for one in named for number in registry.parameters(kind)[one].source_numbers),
                role=role,
            )
            for kind, named in people.items()
        }

    async def refuse(self, session: Session, units: Sequence[tuple[Sequence[Proposal], Episode]]) -> None:
        """FhirError guard-visits or guard-therapist where a visit overlaps with another of its patient or therapist.

        `units` are the proposals that belong to a referral, with its episode. Whom they name is locked until the end of
        the transaction: of two at the same time that are written at the same time the second is refused.
        """
        given = [one for own, episode in units for one in self._given(own, episode)]
        if not given:
            return
        await lock_people(session, {identity for one in given for identity in one.patient | one.therapists})
        written = {(each.type, each.id) for own, _ in units for each in own}
        for place, one in enumerate(given):
            others = await self._stored(session, one, written)
            for other in given[:place]:
                if other.type == one.type:
                    others.append(
                        (other.content, bool(one.therapists & other.therapists), one.patient == other.patient)
                    )
            self._refuse(one, others)

    async def overlapping(self, session: Session, sessions: Sequence[Content], base: str) -> dict[str, list[str]]:
        """Session → other sessions of its patient at the same time, of those that the caller sees: ``Procedure/id``."""
        periods = {name_of(each): period for each in sessions if (period := range_of_session(each)) is not None}
        if not periods:
            return {}
        patients = self._identities([reference_in(each.get("subject")) for each in sessions], base, {"Patient"})
        first = min(each.low for each in periods.values()) - _LONGEST
        whole, never = Range(first, max(each.high for each in periods.values())), Range(first, first)
        found = await begun_between(session, self._sources["Procedure"], (), patients, never, whole)
        others = [content for each in found if _is_session(content := decoded(each.version))]
        lasted = [(name_of(each), period) for each in others if (period := range_of_session(each)) is not None]
        return {
            name: [other for other, its in lasted if other != name and its.overlaps(period)]
            for name, period in periods.items()
        }

    async def _stored(
        self, session: Session, one: _Given, written: Collection[tuple[str, str]]
    ) -> list[tuple[Content, bool, bool]]:
        """What is stored of the same people then: each, whether it is of a therapist's, whether of the patient's."""
        busy = Range(one.period.low - _LONGEST, one.period.high)
        day = (range_of(one.day, self._zone) if one.day else None) or busy
        whole = Range(min(busy.low, day.low), max(busy.high, day.high))
        found = await begun_between(session, self._sources[one.type], one.therapists, one.patient, busy, whole)
        contents = [
            (
                content := decoded(each.version),
                each.of_therapist and not self._declined(content, one.therapists, one.base),
                each.of_patient and not self._declined(content, one.patient, one.base),
            )
            for each in found
        ]
        return [each for each in contents if (one.type, each[0]["id"]) not in written and _counts(each[0])]

    def _declined(self, content: Content, people: frozenset[UUID], base: str) -> bool:
        """Whether those of the people whom a stored visit names have all declined it."""
        actors = {reference_in(each.get("actor")): each.get("status") for each in content.get("participant", ())}
        known = {name: self._identities([name], base, _WHO) for name in actors}
        shared = [actors[name] for name, identities in known.items() if identities & people]
        return bool(shared) and all(status == "declined" for status in shared)

    def _refuse(self, one: _Given, others: Iterable[tuple[Content, bool, bool]]) -> None:
        same_day = 0
        for content, of_therapist, of_patient in others:
            period = _period(content)
            if period is not None and period.overlaps(one.period) and (of_patient or of_therapist):
                raise _at_once("patient" if of_patient else "therapist", one)
            same_day += of_patient and bool(one.day) and day_in(performed(content), self._zone) == one.day
        if one.day and same_day >= one.most:
            told = f"The patient has another session on that day ({one.day}, {self._zone}); {JUSTIFY}"
            raise located(failure("guard-visits", told, "Procedure.performed"), one.where)

    def _given(self, own: Sequence[Proposal], episode: Episode) -> Iterator[_Given]:
        for each in own:
            after, before = each.after, each.before or {}
            if after is None or all(before.get(name) == after.get(name) for name in _SAYS_WHEN.get(each.type, ())):
                continue
            content = {**after, "resourceType": each.type, "id": each.id}
            period = _period(content)
            if period is None or not _is_given(content):
                continue
            policy = self._payers.policy_of(episode.referral, episode.resources, episode.base)
            yield _Given(
                content=content,
                where=each.where,
                base=episode.base,
                period=period,
                patient=self._patient(content, episode),
                therapists=self._therapists(content, episode),
                day=self._day_alone(content, own, episode),
                most=policy.visits_a_day,
            )

    def _day_alone(self, content: Content, own: Sequence[Proposal], episode: Episode) -> str:
        """The day of a session that nothing justifies as a further one; empty for others."""
        if content["resourceType"] != "Procedure":
            return ""
        resources = {kind: dict(contents) for kind, contents in episode.resources.items()}
        for each in own:
            if each.after is not None:
                resources.setdefault(each.type, {})[each.id] = {**each.after, "resourceType": each.type, "id": each.id}
        justified = is_further_justified(View(episode.referral.get("id", ""), resources, episode.base), content)
        return "" if justified else day_in(performed(content), self._zone)

    def _patient(self, content: Content, episode: Episode) -> frozenset[UUID]:
        named = [reference_in(content.get("subject")), reference_in(episode.referral.get("subject"))]
        return self._identities(named, episode.base, {"Patient"})

    def _therapists(self, content: Content, episode: Episode) -> frozenset[UUID]:
        parts = content.get("performer", ()) or content.get("participant", ())
        named = [reference_in(one.get("actor")) for one in parts if one.get("status") != "declined"]
        roles = episode.resources.get("PractitionerRole", {}).values()
        behind = {f"PractitionerRole/{one['id']}": reference_in(one.get("practitioner")) for one in roles}
        base = f"{episode.base}/"
        named += [behind[one.removeprefix(base)] for one in named if behind.get(one.removeprefix(base))]
        return self._identities(named, episode.base, _WHO - {"Patient"})

    def _identities(self, references: Iterable[str], base: str, types: Collection[str]) -> frozenset[UUID]:
        targets = (parse_local(one, base, self._types) for one in references if one)
        return frozenset(identity_of(one.type, one.id) for one in targets if one is not None and one.type in types)


def _is_given(content: Content) -> bool:
    if content["resourceType"] == "Appointment":
        return content.get("status") in BOOKED
    return content.get("status") == "completed" and _is_session(content)


def _counts(content: Content) -> bool:
    """Whether it keeps somebody from being elsewhere."""
    return content.get("status") in BOOKED if content["resourceType"] == "Appointment" else _is_session(content)


def _is_session(procedure: Content) -> bool:
    """Whether it is a session of a referral's: no technique within one, and no Procedure of anybody else."""
    parts = references_in(procedure.get("partOf"))
    within = any("Procedure/" in reference for reference in parts)
    return bool(procedure.get("basedOn")) and not within and procedure.get("status") in TAKING_PLACE


def _period(content: Content) -> Range | None:
    if content["resourceType"] == "Procedure":
        return range_of_session(content)
    start, end = start_of(content.get("start")), start_of(content.get("end"))
    return Range(start, end) if start is not None and end is not None else None


def _at_once(who: str, one: _Given) -> FhirError:
    told = f"The {who} has another {_CALLED[one.type]} at that time."
    if one.type == "Procedure":
        return located(failure("guard-visits", told, "Procedure.performed"), one.where)
    code, element = ("guard-therapist", "participant") if who == "therapist" else ("guard-visits", "start")
    return located(failure(code, told, f"Appointment.{element}"), one.where)
