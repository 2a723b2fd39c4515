"""Who acts in an episode: an organisation's client, or the patient, whom a client was launched for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.actor import PATIENTS, patient_of
from service.fhir.reference import names_one_of
from service.massage.cycle import Party, party_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.fhir.interaction import Context
    from service.massage.cycle import Episode


def acting_party(
    context: Context, episode: Episode, patient: str | None, resolve: Callable[[str], str | None]
) -> Party:
    """The party that a request acts as in the episode of a patient, by the patient's id.

    Who signed in as a patient, or as somebody who acts for one, is the patient of his own referrals and a stranger to
    all others; what the organisation of the client may do is not for him.
    """
    actor = context.actor
    if actor is None:
        return party_of(episode, context.organisation, None, resolve)
    if not names_one_of(PATIENTS, actor.user or "", context.base):
        return party_of(episode, actor.client.organisation, actor.client.role, resolve, actor.user)
    if patient is None or patient_of(actor, context.base) != patient:
        return Party(roles=frozenset(), user=actor.user)
    return party_of(episode, None, "patient", resolve, actor.user)
