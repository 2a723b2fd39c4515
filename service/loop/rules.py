"""The rules of the referral loop as the engine asks for them: which writes they see, and what comes of a unit of work.

A unit is judged referral by referral, each of them locked until the unit is committed. Screening comes first, so that
the life cycles see the contraindications that the unit itself brings.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from service.fhir.interaction import Create
from service.fhir.links import local_references
from service.fhir.outcome import failure
from service.fhir.reference import identity_of
from service.fhir.sight import CARRIERS, HANGS, is_linked
from service.fhir.stamp import new_logical_id
from service.interactions.rules import NOTHING, Addition, Ruling
from service.loop.acting import acting_party
from service.loop.again import refuse_others
from service.loop.episode import Loaded, Organisations, after_unit, belonging, episode_of, new_referral, stored_referral
from service.loop.grounds import Grounds
from service.loop.persons import PATIENT, Persons
from service.loop.reach import early_claims, foreign, reach_of, require_claimed, require_patients
from service.loop.responses import NOTHING_FOUND
from service.loop.safety import clearance_of, foreign_clearance, stored_patients
from service.loop.said import said_of_new
from service.loop.settling import additions, settled
from service.massage.cycle import (
    NEEDS_IF_MATCH,
    Change,
    Surroundings,
    Verdict,
    clinics_of,
    expire,
    judge,
)
from service.store.referrals import lock_referrals, members

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    from service.fhir.bundle_plan import Write
    from service.fhir.interaction import Context, Parameters
    from service.fhir.outcome import Issue
    from service.fhir.resource import Content
    from service.interactions.rules import Proposal
    from service.loop.achievement import Achievements
    from service.loop.elsewhere import Elsewhere
    from service.loop.plausibility import Plausibility
    from service.loop.reach import Reach
    from service.loop.referrals import Referrals
    from service.loop.responses import Looked, Responses
    from service.loop.safety import Safety
    from service.massage.cycle import Episode
    from service.massage.payers import Payers
    from service.store.store import Session

CLINICAL: Final = frozenset(
    {"AllergyIntolerance", "Condition", "MedicationRequest", "MedicationStatement", "Observation", "Procedure"}
)
"""The types whose changes may make massage dangerous."""

LOOP: Final = tuple(sorted((CARRIERS | {"Communication", "DetectedIssue", "Goal"}) & {*HANGS, "Goal"}))
"""The types that are judged as parts of a referral's work."""

_SESSIONS: Final = frozenset({"Appointment", "Encounter", "Procedure"})
_LIVE: Final = frozenset({"active", "on-hold"})


class ReferralRules:
    """The rules of the referral loop, over the parts that tell referrals and dangers."""

    def __init__(
        self,
        referrals: Referrals,
        safety: Safety,
        plausibility: Plausibility,
        responses: Responses,
        types: Collection[str],
        elsewhere: Elsewhere,
        payers: Payers,
        achievements: Achievements | None = None,
    ) -> None:
        self._referrals = referrals
        self._safety = safety
        self._plausibility = plausibility
        self._responses = responses
        self._types = types
        self._elsewhere = elsewhere
        self._payers = payers
        self._grounds = Grounds(referrals, plausibility.diagnoses, types)
        self._persons = Persons(referrals, safety.order_sources, types)
        self._achievements = achievements

    def concern(self, interaction: Write) -> bool:
        """Whether the write may be part of a referral, or change what is known of a patient's dangers."""
        kind = interaction.type
        if not isinstance(interaction, Create):
            return kind in HANGS or kind in CLINICAL or kind == PATIENT
        if kind == "ServiceRequest":
            return self._referrals.has(interaction.content)
        if kind == PATIENT:
            return interaction.if_none_exist is not None
        if kind in CLINICAL and self._safety.may_endanger(interaction.content):
            return True
        if self._responses.concern(interaction.content) or self._plausibility.claims_a_measure(interaction.content):
            return True
        return kind in HANGS and is_linked(interaction.content)

    def criteria(self, create: Create) -> Parameters | None:
        """The placer's identifier of a referral."""
        return self._referrals.criteria(create.content) if create.type == "ServiceRequest" else None

    def stand_alone(self, interactions: Sequence[Write]) -> bool:
        """Whether none of the writes may be a session, whose therapist may be elsewhere at the time."""
        return _SESSIONS.isdisjoint(each.type for each in interactions)

    async def lock(self, session: Session, identities: Collection[UUID]) -> None:
        """Wait until nobody else works on the referrals that the resources belong to."""
        await lock_referrals(session, identities, LOOP)

    async def rule(self, session: Session, context: Context, proposals: Sequence[Proposal]) -> Ruling:
        """What comes of the unit for every referral that it concerns; FhirError where it may not be."""
        refuse_others(proposals, self._referrals)
        self._plausibility.check_claimed(proposals)
        everything = session.of_the_service()
        reach = await reach_of(session, proposals, context.base, self._types)
        looked = await self._responses.look(session, context, proposals)
        judged = [each for each in proposals if self._is_judged_by_patient(each) or looked.spreads(each)]
        patient_of = partial(self._safety.patient_of, base=context.base)
        require_patients(judged, reach, patient_of)
        require_claimed(proposals, reach, self._referrals.has, patient_of)
        await self._grounds.require(session, proposals, context.base)
        await self._persons.require(everything, context, proposals)
        known = await self._known_of_endangered(everything, context, proposals, reach, looked)
        found = await self._concerned(everything, context, proposals, reach, known)
        if not found:
            return NOTHING
        others = await foreign(session, found)
        patients = {each.id: self._safety.patient_of(each.content, context.base) for each in found}
        asked = sorted({each for each in patients.values() if each} - known.keys())
        known |= await self._safety.known_of(everything, asked, proposals, context.base)
        added: list[Addition] = []
        notices: list[Issue] = []
        units: list[tuple[Sequence[Proposal], Episode]] = []
        for loaded in found:
            patient = patients[loaded.id]
            about = await self._safety.with_medicines(everything, known[patient]) if patient else None
            own = belonging(loaded, proposals, context.base, self._types)
            if loaded.id in others:
                own = [each for each in own if loaded.has(each)]
            _require_versions(own)
            episode = await episode_of(everything, loaded, own, proposals, context.base, self._types)
            is_owned = loaded.id not in others
            beside, told = self.ruled(context, loaded, own, proposals, episode, about, looked, is_owned=is_owned)
            added += beside
            notices += told
            units.append((own, episode))
        await self._elsewhere.refuse(session, units)
        return Ruling(additions=added, notices=tuple(notices))

    def ruled(
        self,
        context: Context,
        loaded: Loaded,
        own: Sequence[Proposal],
        proposals: Sequence[Proposal],
        episode: Episode,
        about: Sequence[Content] | None,
        looked: Looked = NOTHING_FOUND,
        *,
        is_owned: bool = True,
    ) -> tuple[list[Addition], list[Issue]]:
        """What a unit comes to for one referral, and what is said: all that there is to know is handed in.

        `about` is what is known of the patient once the unit is written, medicines included; None: nothing is screened.
        """
        now = context.received_at
        self._responses.require(own, looked)
        notices = [*self._plausibility.check(own, proposals, now, about or ())]
        patient = self._safety.patient_of(loaded.content, context.base)
        alongside: list[Change] = []
        if about is not None and patient is not None:
            screening = self._safety.screening_of(after_unit(loaded, own), about, now)
            alongside = self._safety.changes(loaded, screening, patient, now)
            if loaded.is_new:
                notices += said_of_new(screening)
        verdict = self._judged(context, loaded, episode, own, alongside)
        if patient is not None:
            patient_of = partial(self._safety.patient_of, base=context.base)
            alarming = looked.alarming_for(patient, own, proposals if is_owned else (), patient_of)
            alongside += self._responses.alarms(context, loaded, alarming, patient)
        added, told = settled(self._achievements, context, loaded, own, alongside, verdict, is_owned=is_owned)
        return added, [*notices, *told]

    async def expired(self, session: Session, context: Context, logical_id: str) -> Ruling:
        """What the clock alone does to a referral, which is locked until the transaction ends."""
        everything = session.of_the_service()
        identities = [identity_of("ServiceRequest", logical_id)]
        await lock_referrals(everything, identities, LOOP)
        for name, versions in (await members(everything, identities, LOOP)).items():
            loaded = stored_referral(name, versions)
            if name != logical_id or loaded is None or not self._referrals.has(loaded.content):
                continue
            episode = await episode_of(everything, loaded, (), (), context.base, self._types)
            return Ruling(additions=self.expired_of(context, loaded, episode))
        return NOTHING

    def expired_of(self, context: Context, loaded: Loaded, episode: Episode) -> list[Addition]:
        """What the clock alone does to one referral, with all that there is to know handed in."""
        fresh = partial(new_logical_id, context.received_at)
        verdict = expire(episode, context.received_at, fresh, self._surroundings(episode, ()))
        added = additions(loaded, (), (), verdict)
        return added if self._achievements is None else self._achievements.overdue(loaded, added, context)

    def _is_judged_by_patient(self, each: Proposal) -> bool:
        after = each.after
        if after is None:
            return False
        return self._referrals.has(after) or (each.type in CLINICAL and self._safety.may_endanger(after))

    async def _known_of_endangered(
        self, session: Session, context: Context, proposals: Sequence[Proposal], reach: Reach, looked: Looked
    ) -> dict[str, list[Content]]:
        """What is known of the patients for whom the unit may make massage dangerous; nobody else adds to it then."""
        endangered = sorted(
            {
                patient
                for each in proposals
                if each.before != each.after and (each.type in CLINICAL or looked.spreads(each))
                for content in (each.before, each.after)
                if content and (looked.spreads(each) or self._safety.may_endanger(content))
                if (patient := self._safety.patient_of(content, context.base)) and reach.has_patient(patient)
            }
        )
        if stored := stored_patients(endangered, proposals):
            await lock_referrals(session, {identity_of("Patient", each) for each in stored}, ())
        return await self._safety.known_of(session, endangered, proposals, context.base)

    async def _concerned(
        self,
        session: Session,
        context: Context,
        proposals: Sequence[Proposal],
        reach: Reach,
        known: Mapping[str, Sequence[Content]],
    ) -> list[Loaded]:
        """The referrals that the unit makes, that its resources belong to or come to hang on, or of the `known`."""
        identities = _identities(proposals, context.base, self._types, reach)
        made = {each.id for each in proposals if each.before is None}
        others = {
            identity_of("ServiceRequest", each["id"])
            for contents in known.values()
            for each in contents
            if each["id"] not in made and self._referrals.has(each) and each.get("status") in _LIVE
        } - identities
        if others:
            await lock_referrals(session, others, LOOP)
        identities |= others
        stored = await members(session, identities, LOOP) if identities else {}
        found = [one for name, versions in stored.items() if (one := stored_referral(name, versions))]
        found = [each for each in found if self._is_of_the_loop(each, proposals)]
        return found + [
            new_referral(each)
            for each in proposals
            if each.type == "ServiceRequest" and each.before is None and each.after and self._referrals.has(each.after)
        ]

    def _is_of_the_loop(self, loaded: Loaded, proposals: Iterable[Proposal]) -> bool:
        """Whether it is a referral, or becomes one."""
        after = (each.after for each in proposals if (each.type, each.id) == ("ServiceRequest", loaded.id))
        return self._referrals.has(loaded.content) or any(
            each is not None and self._referrals.has(each) for each in after
        )

    def _judged(
        self,
        context: Context,
        loaded: Loaded,
        episode: Episode,
        own: Sequence[Proposal],
        alongside: Sequence[Change],
    ) -> Verdict:
        surroundings = self._surroundings(episode, own)
        patient = self._safety.patient_of(loaded.content, context.base)
        party = acting_party(context, episode, patient, surroundings.resolve)
        is_open = not clinics_of(episode)
        if refused := foreign_clearance(own, party) or early_claims(loaded, own, party, is_open=is_open):
            return Verdict(refusals=refused)
        changes = [Change(type=each.type, id=each.id, before=each.before, after=each.after) for each in own]
        fresh = partial(new_logical_id, context.received_at)
        return judge(episode, changes, party, context.received_at, fresh, surroundings, alongside)

    def _surroundings(self, episode: Episode, own: Iterable[Proposal]) -> Surroundings:
        organisations = Organisations(episode, self._types)
        after = {each.id: each.after for each in own if each.type == "Task" and each.after}
        contents = {**episode.resources, "Task": {**episode.resources.get("Task", {}), **after}}
        clearance = clearance_of(episode, organisations, contents)
        before = clearance_of(episode, organisations, episode.resources)
        return Surroundings(
            resolve=organisations.resolve,
            is_open_absolute=partial(self._safety.is_open_absolute, clearance=clearance),
            was_open_absolute=partial(self._safety.is_open_absolute, clearance=before),
            is_referral=self._referrals.has,
            policy=self._payers.policy_of(episode.referral, episode.resources, episode.base),
            zone=self._plausibility.zone,
        )


def _identities(proposals: Sequence[Proposal], base: str, types: Collection[str], reach: Reach) -> set[UUID]:
    """Of what the unit changes, and of what may carry what it writes, as far as that is stored already."""
    found: set[UUID] = set()
    made: set[UUID] = set()
    for each in proposals:
        (made if each.before is None else found).add(identity_of(each.type, each.id))
        for _, target in local_references(each.after or {}, base, types):
            if target.type in CARRIERS and (target.type, target.id) not in reach.hidden:
                found.add(identity_of(target.type, target.id))
    return found - made


def _require_versions(own: Iterable[Proposal]) -> None:
    """FhirError version-required for a change of what several parties work on that does not say of which version."""
    for each in own:
        is_changed = each.before is not None and each.after is not None and each.before != each.after
        if each.type in NEEDS_IF_MATCH and is_changed and not each.if_match:
            told = f"A {each.type} of a referral is changed with If-Match only: read it and send its ETag back."
            raise failure("version-required", told, *filter(None, (each.where,)))
