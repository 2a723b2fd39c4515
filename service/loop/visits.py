"""ServiceRequest/{id}/$visits: how many there may be, were and are to come, the sessions, and when a report falls due.

As far as the caller sees the episode and may read its types; those that it may not read are named, and what would be
counted from them is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir import codec
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, failure
from service.fhir.sight import REFERRAL
from service.fhir.stamp import instant_text
from service.loop.reading import readable_types, seen_episode
from service.massage.cycle import visits
from service.massage.visits import account, authorisations, session_log
from service.operations.parameters import Taken, sent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from service.fhir.interaction import Context, Operation
    from service.interactions.parts import Parts
    from service.loop.elsewhere import Elsewhere
    from service.massage.cycle import Policy
    from service.massage.cycle.view import View
    from service.massage.payers import Payers
    from service.massage.visits import Authorisation, SessionEntry, Term, Visits

    Part = dict[str, Any]

TAKEN: Final = Taken(operation="visits", kinds={})

_HANGING: Final = ("Appointment", "DiagnosticReport", "Encounter", "Observation", "Procedure", "Task")
_BESIDE: Final = ("ClaimResponse", "Coverage")
_REPORTED: Final = frozenset({"DiagnosticReport", "Procedure", "Task"})


class CountVisits:
    """The operation, by the rules of payers; it tells of sessions that cannot both have been, too."""

    def __init__(self, payers: Payers, elsewhere: Elsewhere) -> None:
        self._payers = payers
        self._elsewhere = elsewhere

    async def __call__(self, parts: Parts, context: Context, operation: Operation) -> Answer:
        """Parameters; FhirError not-found where the referral is not seen."""
        if operation.type != REFERRAL or operation.id is None:
            raise failure("operation-unknown", f"$visits works on an instance of {REFERRAL}.")
        sent(operation, TAKEN, parts.validator)
        looked_at = (*_HANGING, *_BESIDE)
        readable = readable_types(context, looked_at)
        async with parts.store.session() as session:
            view = await seen_episode(parts, session, context, operation.id, _HANGING, _BESIDE)
            overlapping = await self._elsewhere.overlapping(session, view.delivered(), context.base)
        unread = [each for each in looked_at if each not in readable]
        policy = self._payers.policy_of(view.referral, view.resources, context.base)
        units = self._payers.unit_policy(view.referral, view.resources, context.base, unread)
        parameter = [*_counts(account(view, frozenset(unread), policy, now=context.received_at, zone=parts.zone))]
        if "ClaimResponse" not in unread:
            parameter += map(_authorisation, authorisations(view))
        if readable >= _REPORTED:
            parameter.append(_report(view, policy, context.received_at))
        parameter += (_session(each, overlapping.get(each.session, ())) for each in session_log(view, units))
        parameter += ({"name": "unread", "valueCode": each} for each in unread)
        return Answer(result=Result.OK, body=codec.encode({"resourceType": "Parameters", "parameter": parameter}))


def _counts(found: Visits) -> Iterable[Part]:
    counts = {
        "ordered": found.ordered,
        "authorised": found.authorised,
        "booked": found.booked,
        "completed": found.completed,
        "noShow": found.no_show,
        "remaining": found.remaining,
        "unbooked": found.unbooked,
    }
    return ({"name": name, "valueUnsignedInt": count} for name, count in counts.items() if count is not None)


def _authorisation(each: Authorisation) -> Part:
    period = {name: value for name, value in (("start", each.start), ("end", each.end)) if value}
    part = [
        {"name": "visits", "valueUnsignedInt": each.visits},
        *_text("number", each.number),
        *([{"name": "period", "valuePeriod": period}] if period else []),
        *_reference("source", each.reference),
    ]
    return {"name": "authorisation", "part": part}


def _report(view: View, policy: Policy, now: datetime) -> Part:
    """When a progress report falls due: after so many sessions, or so many days since the last if any session is."""
    count = visits.since_report(view)
    task = view.live_task() or {}
    since = visits.last_report_or_start(view, task)
    due_on = since + policy.report_every if since is not None and count else None
    is_due = count >= policy.report_every_visits or (due_on is not None and now >= due_on)
    part: list[Part] = [
        {"name": "due", "valueBoolean": is_due},
        {"name": "sessions", "valueUnsignedInt": count},
        {"name": "afterSessions", "valueUnsignedInt": policy.report_every_visits},
        *([{"name": "dueOn", "valueInstant": instant_text(due_on)}] if due_on else []),
    ]
    return {"name": "progressReport", "part": part}


def _session(entry: SessionEntry, overlapping: Iterable[str]) -> Part:
    part: list[Part] = [
        *_reference("session", entry.session),
        *_reference("encounter", entry.encounter),
        *([{"name": "start", "valueInstant": instant_text(entry.start)}] if entry.start else []),
        *([{"name": "end", "valueInstant": instant_text(entry.end)}] if entry.end else []),
        *([{"name": "minutes", "valueInteger": entry.minutes}] if entry.minutes is not None else []),
        *([{"name": "units", "valueUnsignedInt": entry.units}] if entry.units is not None else []),
        *(_concept("technique", each) for each in entry.techniques),
        *(_concept("region", each) for each in entry.regions),
        *_reference("performer", entry.therapist),
        *([{"name": "painBefore", "valueDecimal": entry.before}] if entry.before is not None else []),
        *([{"name": "painAfter", "valueDecimal": entry.after}] if entry.after is not None else []),
        *_text("tolerance", entry.tolerance),
        *(part for text in entry.reactions for part in _text("reaction", text)),
        *(part for other in overlapping for part in _reference("overlaps", other)),
        *(part for text in entry.findings for part in _text("finding", text)),
    ]
    return {"name": "session", "part": part}


def _concept(name: str, term: Term) -> Part:
    coding = {key: value for key, value in (("system", term.system), ("code", term.code)) if value}
    concept = ({"coding": [coding]} if coding else {}) | ({"text": term.text} if term.text else {})
    return {"name": name, "valueCodeableConcept": concept}


def _text(name: str, text: str) -> list[Part]:
    return [{"name": name, "valueString": text}] if text else []


def _reference(name: str, reference: str) -> list[Part]:
    return [{"name": name, "valueReference": {"reference": reference}}] if reference else []
