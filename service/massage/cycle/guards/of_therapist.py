"""Guards on the therapist: licensed on the day, certified for the technique.

At acceptance a clinic need not have named a therapist: only a named one who is known and lacks the certificate stops
it. At a session the performer must be known: who cannot be looked up is not known to be licensed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.concept import codings
from service.massage.cycle.guards.guard import Guard
from service.massage.cycle.moment import end_of, start_of
from service.massage.cycle.terms import reference_in, references_in
from service.massage.cycle.visits import TAKING_PLACE, time_of
from service.massage.systems import QUALIFICATION

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from service.fhir.resource import Content
    from service.massage.cycle.draft import Draft
    from service.massage.cycle.situation import Situation


_JUDGED: Final = ("performer", "performedPeriod", "performedDateTime", "code", "partOf")


def _lacks_certificate(situation: Situation) -> str | None:
    draft, task = situation.draft, situation.content
    named = (reference_in(task.get("owner")), *references_in(draft.referral.get("performer")))
    therapists = [found for reference in named if (found := _practitioner(draft, reference)) is not None]
    for technique in _techniques(draft.referral.get("orderDetail", ())):
        needed = draft.surroundings.policy.certificates.get(technique)
        if (
            needed
            and therapists
            and not any(_holds(one, needed, draft.now, draft.surroundings.zone) for one in therapists)
        ):
            return f"The technique {technique} needs a therapist with the qualification {needed}."
    return None


def _unlicensed(situation: Situation) -> str | None:
    draft, procedure = situation.draft, situation.content
    performers = _performers(draft, procedure)
    if not performers:
        return "performer.actor must name the therapist." if draft.is_session(procedure) else None
    zone = draft.surroundings.zone
    times = (start_of(time_of(draft, one), zone) for one in (procedure, *_within(draft, procedure)))
    day = next(filter(None, times), draft.now)
    for reference in performers:
        therapist = _practitioner(draft, reference)
        if therapist is None:
            return "performer.actor must be a Practitioner or PractitionerRole of this server."
        if not any(
            _in_force(one, day, zone) for one in therapist.get("qualification", ()) if _is_licence(one, situation)
        ):
            return "The performer has no licence (Practitioner.qualification) in force on the day of the session."
        for technique in _techniques([procedure.get("code")]):
            needed = draft.surroundings.policy.certificates.get(technique)
            if needed and not _holds(therapist, needed, day, zone):
                return f"The technique {technique} needs a therapist with the qualification {needed}."
    return None


def _performers(draft: Draft, procedure: Content) -> list[str]:
    """The references of who performs; a technique is given by the therapist of its session where it names nobody."""
    own = [reference_in(one.get("actor")) for one in procedure.get("performer", ())]
    if own:
        return own
    return [
        reference_in(one.get("actor")) for session in _within(draft, procedure) for one in session.get("performer", ())
    ]


def _within(draft: Draft, procedure: Content) -> list[Content]:
    """The session that a technique is part of."""
    return [found for reference in references_in(procedure.get("partOf")) if (found := draft.find(reference))]


def _is_licence(qualification: Content, situation: Situation) -> bool:
    """Whether it is more than further training: that alone is no licence."""
    training = situation.draft.surroundings.policy.certificates.values()
    return not any(
        one.get("system") == QUALIFICATION or one.get("code") in training for one in codings(qualification.get("code"))
    )


def _practitioner(draft: Draft, reference: str) -> Content | None:
    """The Practitioner behind a reference to one, or to a PractitionerRole."""
    found = draft.find(reference) if reference else None
    if found is not None and found["resourceType"] == "PractitionerRole":
        found = draft.find(reference_in(found.get("practitioner")))
    return found if found is not None and found["resourceType"] == "Practitioner" else None


def _techniques(concepts: Any) -> list[str]:
    return [coding["code"] for concept in concepts for coding in codings(concept) if "code" in coding]


def _holds(therapist: Content, code: str, day: datetime, zone: tzinfo) -> bool:
    return any(
        _in_force(one, day, zone) and any(coding.get("code") == code for coding in codings(one.get("code")))
        for one in therapist.get("qualification", ())
    )


def _in_force(qualification: Content, day: datetime, zone: tzinfo) -> bool:
    period = qualification.get("period", {})
    from_, until = start_of(period.get("start"), zone), end_of(period, zone)
    return (from_ is None or from_ <= day) and (until is None or day < until)


def _unlicensed_now(situation: Situation) -> str | None:
    before, content = situation.before or {}, situation.content
    changed = any(content.get(one) != before.get(one) for one in _JUDGED)
    return _unlicensed(situation) if changed and situation.target in TAKING_PLACE else None


GUARDS: Final = (
    Guard("therapist-qualified", "guard-therapist", "", "a named therapist is certified", _lacks_certificate),
    Guard("therapist-licensed", "guard-therapist", "performer", "the performer is licensed that day", _unlicensed),
    Guard("therapist-still-licensed", "guard-therapist", "performer", "so is one that it names now", _unlicensed_now),
)
