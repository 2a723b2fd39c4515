"""Who changes the Patient of a referral, where clients have no access rights of their own (`AUTH_MODE=open`).

The referrer does; a clinic adds its identifiers and asks for the rest by a change Task. With access control that holds
for every Patient (`fhir.sight.ADDED_TO`), so there is nothing to look at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.outcome import failure
from service.fhir.reference import identity_of
from service.loop.acting import acting_party
from service.loop.episode import Organisations, decoded, episode_of, stored_referral
from service.massage.cycle.ownership import changed_elements, fields_of
from service.store.referrals import about, members

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from service.fhir.interaction import Context
    from service.interactions.rules import Proposal
    from service.loop.referrals import Referrals
    from service.massage.cycle import Party
    from service.store.store import Session

PATIENT: Final = "Patient"
_LIVE: Final = frozenset({"active", "on-hold"})
_MOST: Final = 100
_ROLES: Final = ("ServiceRequest", "Task", "HealthcareService", "PractitionerRole")


class Persons:
    """Holds changes of Patients against the table of ownership; by `sources` an order names its patient."""

    def __init__(self, referrals: Referrals, sources: Sequence[int], types: Collection[str]) -> None:
        self._referrals = referrals
        self._sources = sources
        self._types = types

    async def require(self, everything: Session, context: Context, proposals: Iterable[Proposal]) -> None:
        """FhirError wrong-actor for elements that are not for the organisation that is said to act."""
        if context.actor is not None or context.organisation is None:
            return
        for each in proposals:
            if each.type == PATIENT and each.before is not None and each.before != each.after:
                parties = await self._parties(everything, context, each.id)
                roles = frozenset().union(*(party.roles for party in parties))
                if parties and (refused := _foreign(each, roles)):
                    where = f"{each.where}.resource" if each.where else PATIENT
                    named = ", ".join(refused)
                    told = f"In the Patient of a referral {named} is the referrer's to change; ask by a change Task."
                    raise failure("wrong-actor", told, *(f"{where}.{name}" for name in refused))

    async def _parties(self, everything: Session, context: Context, patient: str) -> list[Party]:
        """What the organisation is to each live referral of the patient."""
        found = [decoded(each) for each in await about(everything, [patient], self._sources, most=_MOST)]
        live = {each["id"] for each in found if self._referrals.has(each) and each.get("status") in _LIVE}
        if not live:
            return []
        identities = [identity_of("ServiceRequest", each) for each in live]
        stored = await members(everything, identities, ["ServiceRequest"], only=_ROLES)
        parties = []
        for name, versions in stored.items():
            loaded = stored_referral(name, versions)
            if loaded is not None and name in live:
                episode = await episode_of(everything, loaded, (), (), context.base, self._types)
                resolve = Organisations(episode, self._types).resolve
                parties.append(acting_party(context, episode, patient, resolve))
        return parties


def _foreign(each: Proposal, roles: frozenset[str]) -> Sequence[str]:
    """The elements that are not for the roles; identifiers may be added by whom they are for, and stay."""
    before, after = each.before or {}, each.after
    mine = fields_of(PATIENT, roles)
    if "*" in mine:
        return ()
    if after is None:
        return sorted(before.keys() - {"resourceType", "id", "meta"})
    names = [name for name in changed_elements(before, after) if name not in mine]
    is_kept = all(one in after.get("identifier", ()) for one in before.get("identifier", ()))
    return names if is_kept or "identifier" in names else [*names, "identifier"]
