"""ServiceRequest/$outcome-summary: whether the patient gets better, by all that was measured in the episode.

As far as the caller sees the episode and may read its types; those that it may not read are named.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from service.access.permission import may_read
from service.fhir import codec
from service.fhir.interaction import Answer, Read
from service.fhir.outcome import Result, failure
from service.fhir.reference import parse_local
from service.fhir.sight import REFERRAL
from service.fhir.temporal import DATE_FORMS, range_of
from service.interactions.read import read
from service.loop.outcome_parameters import Summary, parameters
from service.massage.cycle import visits
from service.massage.cycle.terms import reference_in, references_in
from service.massage.cycle.view import View
from service.massage.outcome import collect
from service.massage.outcome.goals import DROPPED
from service.operations.parameters import Taken, sent
from service.store.membership import members_of

if TYPE_CHECKING:
    from datetime import datetime

    from service.fhir.interaction import Context, Operation
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.massage.outcome import Measures
    from service.store.store import Session

TAKEN: Final = Taken(operation="outcome-summary", kinds={"asOf": "text"})

MOST_MEMBERS: Final = 5_000
"""Resources of an episode that are looked at."""

_MEASURED: Final = "Observation"
_OF_VISITS: Final = frozenset({"Appointment", "Encounter", "Procedure"})
_PAYER: Final = "ClaimResponse"
_LOOKED_AT: Final = (_MEASURED, "Goal", *sorted(_OF_VISITS), _PAYER)
_INSTANT: Final = timedelta(microseconds=1)


class OutcomeSummary:
    """The operation, by the measures of a catalogue."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures

    async def __call__(self, parts: Parts, context: Context, operation: Operation) -> Answer:
        """Parameters; FhirError not-found where the referral is not seen, forbidden where no measurement is read."""
        logical_id = operation.id
        if operation.type != REFERRAL or logical_id is None:
            raise failure("operation-unknown", f"$outcome-summary works on an instance of {REFERRAL}.")
        as_of = _as_of(parts, context, operation)
        readable = _readable(context)
        async with parts.store.session() as session:
            version = (await read(session, Read(type=REFERRAL, id=logical_id))).version
            referral: Content = codec.decode(version.content or b"{}") if version else {}
            if parts.store.sight is None:
                raise failure("not-supported", _NOT_KEPT)
            episode = await _episode(parts, session, context, referral, readable)
        view = View(logical_id, episode, context.base)
        summary = self._summary(parts, view, as_of, readable)
        return Answer(result=Result.OK, body=codec.encode(parameters(summary, self._measures)))

    def _summary(self, parts: Parts, view: View, as_of: datetime, readable: frozenset[str]) -> Summary:
        subject = view.local(reference_in(view.referral.get("subject")))
        authored = range_of(str(view.referral.get("authoredOn", ""))[: len("2026-01-12")], parts.zone)
        series, left_out = collect(
            (each for each in view.of(_MEASURED) if view.local(reference_in(each.get("subject"))) == subject),
            self._measures,
            parts.zone,
            since=authored.low if authored else None,
            until=as_of,
        )
        return Summary(
            as_of=as_of,
            zone=parts.zone,
            series=tuple(series),
            left_out=tuple(left_out),
            goals=tuple(each for each in view.of("Goal") if each.get("lifecycleStatus") not in DROPPED),
            sessions=_sessions(view, readable),
            unread=tuple(name for name in _LOOKED_AT if name not in readable),
        )


_NOT_KEPT: Final = (
    "What belongs to a referral is not kept here: neither access control nor the rules for referrals are on. "
    "Ask for Observation/$lastn or Observation/$stats of the patient instead."
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
    actor = context.actor
    readable = frozenset(name for name in _LOOKED_AT if actor is None or may_read(actor, name))
    if _MEASURED not in readable:
        told = "A summary takes a scope for what was measured, such as system/Observation.r, without a limit."
        raise failure("forbidden", told, "http.Authorization")
    return readable


async def _episode(
    parts: Parts, session: Session, context: Context, referral: Content, readable: frozenset[str]
) -> dict[str, dict[str, Content]]:
    """What belongs to the referral by type and id, and the payer's answers that it names, as far as they are seen."""
    types = sorted(readable - {_PAYER})
    found = await members_of(session, referral["id"], types, since=None, after=0, limit=MOST_MEMBERS + 1)
    if len(found) > MOST_MEMBERS:
        text = f"The episode has more than {MOST_MEMBERS} resources to look at; ask by Observation/$lastn or $stats."
        raise failure("too-costly", text)
    episode: dict[str, dict[str, Content]] = {REFERRAL: {referral["id"]: referral}}
    for each in found:
        episode.setdefault(each.type, {})[each.id] = codec.decode(each.content)
    named = [
        (target.type, target.id)
        for reference in references_in(referral.get("insurance"))
        if (target := parse_local(reference, context.base, parts.definitions.resource_types)) is not None
    ]
    answers = [name for name in named if name[0] == _PAYER] if _PAYER in readable else []
    versions = await session.current(answers, lock=False) if answers else {}
    for version in versions.values():
        if version.content is not None:
            episode.setdefault(_PAYER, {})[version.id] = codec.decode(version.content)
    return episode


def _sessions(view: View, readable: frozenset[str]) -> dict[str, int]:
    """The numbers of sessions by DOMAIN's names, those that are known."""
    known: dict[str, Any] = {"ordered": visits.ordered(view)}
    allowed = visits.authorised(view) if _PAYER in readable else None
    known["authorised"] = allowed
    if readable >= _OF_VISITS:
        completed, most = len(view.delivered()), visits.limit(view)
        known["completed"] = completed
        known["noShow"] = sum(1 for _ in view.with_status("Appointment", frozenset({"noshow"})))
        known["remaining"] = None if most is None else max(0, most - completed)
    return {name: count for name, count in known.items() if count is not None}
