"""How far a unit of work reaches: the rules read everything, but nobody touches a referral or patient unseen.

What a writer names without seeing it is for the rules as if it were not there, so that no refusal tells that it is. A
danger to a patient whom the writer sees counts for all referrals of the patient; of those that the writer does not see
the service alone changes something, for their parties, and says nothing of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.links import local_references
from service.fhir.outcome import failure
from service.fhir.sight import CARRIERS
from service.massage.cycle import Refusal
from service.store.referrals import seen

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from service.fhir.resource import Content
    from service.interactions.rules import Proposal
    from service.loop.episode import Loaded, Name
    from service.massage.cycle import Party
    from service.store.store import Session

_KEEPERS: Final = frozenset({"referrer", "system", "administrator", "patient"})
"""The roles that nobody takes by a Task."""


_CLAIMED_FIRST: Final = frozenset(
    {
        "Appointment",
        "CarePlan",
        "DiagnosticReport",
        "Encounter",
        "EpisodeOfCare",
        "Goal",
        "Observation",
        "Procedure",
        "QuestionnaireResponse",
        "Task",
    }
)
"""What is work on a referral; a message about it is none."""


class Reach(Struct, frozen=True, kw_only=True):
    """What a unit names, and its writer does not see: (type, id) pairs of patients and of what resources hang on.

    `lent` are those that he sees for as long as nobody has claimed the referral that is open to him and others.
    """

    hidden: frozenset[Name]
    lent: frozenset[Name] = frozenset()

    def has_patient(self, logical_id: str) -> bool:
        """Whether the writer may touch on the patient."""
        return ("Patient", logical_id) not in self.hidden


async def reach_of(session: Session, proposals: Sequence[Proposal], base: str, types: Collection[str]) -> Reach:
    """What the unit can reach within the session's sight; what it makes itself, it can."""
    contents = [content for each in proposals for content in (each.before, each.after) if content]
    named = set(_named(contents, base, types)) - {(each.type, each.id) for each in proposals}
    found = await seen(session, named)
    return Reach(
        hidden=frozenset(named - found.keys()), lent=frozenset(each for each, lasts in found.items() if not lasts)
    )


def _named(contents: Iterable[Content], base: str, types: Collection[str]) -> Iterator[Name]:
    for content in contents:
        for _, target in local_references(content, base, types):
            if target.type == "Patient" or target.type in CARRIERS:
                yield target.type, target.id


async def foreign(session: Session, found: Iterable[Loaded]) -> set[str]:
    """The ids of the stored referrals that the writer does not see."""
    stored = {("ServiceRequest", each.id) for each in found if not each.is_new}
    return {logical_id for _, logical_id in stored - (await seen(session, stored)).keys()}


def require_patients(judged: Iterable[Proposal], reach: Reach, patient_of: Callable[[Content], str | None]) -> None:
    """FhirError reference-not-found for a referral of, or a danger to, a patient whom the writer does not see."""
    for each in judged:
        patient = patient_of(each.after) if each.after else None
        before = patient_of(each.before) if each.before else None
        if patient is not None and patient != before and not reach.has_patient(patient):
            element = "patient" if each.type == "AllergyIntolerance" else "subject"
            where = f"{each.where}.resource" if each.where else each.type
            told = "The patient is not here. Create the Patient first, or in the same transaction."
            raise failure("reference-not-found", told, f"{where}.{element}")


def require_claimed(
    proposals: Iterable[Proposal],
    reach: Reach,
    is_referral: Callable[[Content], bool],
    patient_of: Callable[[Content], str | None],
) -> None:
    """FhirError wrong-actor for a new referral of a patient whom the writer knows by what is open to every clinic.

    Who claims that takes the patient on; an order of another clinic would compete with it, and lose sight of him then.
    """
    for each in proposals:
        if each.after is None or not is_referral(each.after) or (each.before and is_referral(each.before)):
            continue
        if ("Patient", patient_of(each.after)) in reach.lent:
            told = "You know the patient by a referral that is open to every clinic: claim its Task instead."
            where = f"{each.where}.resource" if each.where else each.type
            raise failure("wrong-actor", told, f"{where}.subject")


def early_claims(loaded: Loaded, own: Iterable[Proposal], party: Party, *, is_open: bool) -> tuple[Refusal, ...]:
    """Why a clinic begins no work on a referral that is open to all before it has claimed it.

    Whoever a Task of it names would keep it, and its plans, goals and visits would be in the way of who does the work.
    """
    if party.roles & _KEEPERS or (party.roles and not is_open):
        return ()
    told = "The referral is not yours: of an open one a clinic claims the Task by accepting it as its owner."
    return tuple(
        Refusal(code="wrong-actor", text=told, expression=each.type)
        for each in own
        if each.type in _CLAIMED_FIRST and each.after is not None and not loaded.has(each)
    )
