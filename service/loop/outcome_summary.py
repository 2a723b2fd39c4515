"""ServiceRequest/$outcome-summary: whether the patient gets better, by all that was measured in the episode.

As far as the caller sees the episode and may read its types; those that it may not read are named.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from service.fhir import codec
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, failure
from service.fhir.sight import REFERRAL
from service.fhir.temporal import DATE_FORMS, range_of
from service.loop.outcome_parameters import Summary, parameters
from service.loop.reading import readable_types, seen_episode
from service.massage.outcome.achievement import series_of
from service.massage.outcome.goals import DROPPED
from service.massage.visits import account
from service.operations.parameters import Taken, sent

if TYPE_CHECKING:
    from datetime import datetime

    from service.fhir.interaction import Context, Operation
    from service.interactions.parts import Parts
    from service.massage.cycle.view import View
    from service.massage.outcome import Measures
    from service.massage.payers import Payers
    from service.massage.visits import Visits

TAKEN: Final = Taken(operation="outcome-summary", kinds={"asOf": "text"})

_MEASURED: Final = "Observation"
_OF_VISITS: Final = frozenset({"Appointment", "Encounter", "Procedure"})
_PAYER: Final = "ClaimResponse"
_MEMBERS: Final = (_MEASURED, "Goal", *sorted(_OF_VISITS))
_INSTANT: Final = timedelta(microseconds=1)


class OutcomeSummary:
    """The operation, by the measures of a catalogue."""

    def __init__(self, measures: Measures, payers: Payers) -> None:
        self._measures = measures
        self._payers = payers

    async def __call__(self, parts: Parts, context: Context, operation: Operation) -> Answer:
        """Parameters; FhirError not-found where the referral is not seen, forbidden where no measurement is read."""
        logical_id = operation.id
        if operation.type != REFERRAL or logical_id is None:
            raise failure("operation-unknown", f"$outcome-summary works on an instance of {REFERRAL}.")
        as_of = _as_of(parts, context, operation)
        readable = _readable(context)
        async with parts.store.session() as session:
            view = await seen_episode(parts, session, context, logical_id, _MEMBERS, beside=(_PAYER, "Coverage"))
        policy = self._payers.policy_of(view.referral, view.resources, context.base)
        unread = frozenset({*_MEMBERS, _PAYER} - readable)
        visits = account(view, unread, policy, now=context.received_at, zone=parts.zone)
        summary = self._summary(parts, view, as_of, _sessions(visits), unread)
        return Answer(result=Result.OK, body=codec.encode(parameters(summary, self._measures)))

    def _summary(
        self, parts: Parts, view: View, as_of: datetime, sessions: dict[str, int], unread: frozenset[str]
    ) -> Summary:
        series, left_out = series_of(view, self._measures, parts.zone, until=as_of)
        return Summary(
            as_of=as_of,
            zone=parts.zone,
            series=tuple(series),
            left_out=tuple(left_out),
            goals=tuple(each for each in view.of("Goal") if each.get("lifecycleStatus") not in DROPPED),
            sessions=sessions,
            unread=tuple(name for name in (*_MEMBERS, _PAYER) if name in unread),
        )


def _as_of(parts: Parts, context: Context, operation: Operation) -> datetime:
    """The last instant that is looked at: the end of the day, month or year that was sent, or now."""
    text = sent(operation, TAKEN, parts.validator).one("asOf")
    if text is None:
        return context.received_at
    asked = range_of(text, parts.zone)
    if asked is None:
        raise failure("parameter-value", f"asOf takes {DATE_FORMS}.", "http.asOf")
    return asked.high - _INSTANT


def _readable(context: Context) -> frozenset[str]:
    readable = readable_types(context, (*_MEMBERS, _PAYER))
    if _MEASURED not in readable:
        told = "A summary takes a scope for what was measured, such as system/Observation.r, without a limit."
        raise failure("forbidden", told, "http.Authorization")
    return readable


def _sessions(found: Visits) -> dict[str, int]:
    """The numbers of sessions, those that are known: of visits $visits tells more."""
    known = {
        "ordered": found.ordered,
        "authorised": found.authorised,
        "completed": found.completed,
        "noShow": found.no_show,
        "remaining": found.remaining,
    }
    return {name: count for name, count in known.items() if count is not None}
