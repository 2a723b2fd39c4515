"""The log of sessions: of each that was delivered what a payer, a report or a page asks of it."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.code_systems import LOINC
from service.fhir.concept import codings
from service.fhir.temporal import EARLIEST
from service.massage.cycle.moment import start_of
from service.massage.cycle.terms import reference_in, references_in
from service.massage.cycle.units import minutes_of, said_units, timed_units
from service.massage.cycle.view import name_of
from service.massage.cycle.visits import performed
from service.massage.systems import OUTCOME, TECHNIQUE

if TYPE_CHECKING:
    from datetime import datetime

    from service.fhir.resource import Content
    from service.massage.cycle.values import Policy
    from service.massage.cycle.view import View

PAIN: Final = frozenset({(LOINC, "72514-3"), (OUTCOME, "nprs")})
"""Pain by the numeric rating from 0 to 10."""
PAIN_AFTER: Final = (OUTCOME, "nprs-after-session")
TOLERANCE: Final = (OUTCOME, "session-tolerance")

_STANDS: Final = frozenset({"final", "amended", "corrected"})
_WHEN: Final = ("effectiveDateTime", "effectiveInstant", "effectivePeriod")


class Term(Struct, frozen=True, kw_only=True):
    """A concept: its first coding, and how it is called: its text, else its display, else its code."""

    text: str
    system: str = ""
    code: str = ""


class SessionEntry(Struct, frozen=True, kw_only=True):
    """A delivered session. `start` and `end` are instants in UTC, `units` the timed units; None: not said.

    `session` and `encounter` are ``Type/id``, `therapist` the reference of the first performer, `before` and `after`
    ratings of pain from 0 to 10, `findings` and `reactions` texts.
    """

    session: str
    encounter: str
    start: datetime | None
    end: datetime | None
    minutes: int | None
    units: int | None
    techniques: tuple[Term, ...]
    regions: tuple[Term, ...]
    therapist: str
    before: Decimal | None
    after: Decimal | None
    tolerance: str
    findings: tuple[str, ...]
    reactions: tuple[str, ...] = ()


def session_log(view: View, policy: Policy | None) -> tuple[SessionEntry, ...]:
    """The delivered sessions of a referral, the earliest first; those without a time come before all others.

    Units that a session does not say are counted by the policy of its payer; None: it is not known.
    """
    beside = Beside(view)
    entries = [entry_of(view, session, policy, beside) for session in view.delivered()]
    return tuple(sorted(entries, key=lambda each: (each.start or EARLIEST, each.session)))


class Beside:
    """What was done and measured at the sessions of a referral, by the session or Encounter that it names."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._done: dict[str, list[Content]] = {}
        self._measured: dict[str, list[Content]] = {}
        for one in view.with_status("Procedure", frozenset({"completed"})):
            for name in self._parts(one):
                self._done.setdefault(name, []).append(one)
        for one in view.of("Observation"):
            if one.get("status") in _STANDS:
                # what names a session is not another one's because of its Encounter
                for name in self._parts(one) or {view.local(reference_in(one.get("encounter")))}:
                    self._measured.setdefault(name, []).append(one)

    def done(self, session: str) -> list[Content]:
        """The techniques that have a Procedure of their own within the session."""
        return self._done.get(session, [])

    def measured(self, session: str, encounter: str) -> list[Content]:
        """What was measured at a session: by its name, or in its Encounter without the name of another session."""
        return [*self._measured.get(session, ()), *(self._measured.get(encounter, ()) if encounter else ())]

    def _parts(self, content: Content) -> set[str]:
        return {self._view.local(reference) for reference in references_in(content.get("partOf"))}


def entry_of(view: View, session: Content, policy: Policy | None, beside: Beside | None = None) -> SessionEntry:
    """What the log says of one session, whatever its status."""
    beside = beside or Beside(view)
    name, encounter = name_of(session), view.local(reference_in(session.get("encounter")))
    minutes = minutes_of(session)
    end = start_of(session.get("performedPeriod", {}).get("end"))
    said = said_units(session)
    measured = beside.measured(name, encounter)
    before, after = _pain(measured, end)
    tolerance = [_told(one) for one in measured if _has(one, TOLERANCE)]
    therapists = [reference_in(one.get("actor")) for one in session.get("performer", ())]
    return SessionEntry(
        session=name,
        encounter=encounter,
        start=start_of(performed(session)),
        end=end,
        minutes=minutes,
        units=_units(minutes, policy) if said is None else said,
        techniques=_techniques(session, beside.done(name)),
        regions=tuple(map(term, session.get("bodySite", ()))),
        therapist=view.local(next(filter(None, therapists), "")),
        before=before,
        after=after,
        tolerance=tolerance[-1] if tolerance else "",
        findings=tuple(note["text"] for note in session.get("note", ()) if note.get("text")),
        reactions=tuple(term(one).text for one in session.get("complication", ())),
    )


def term(concept: Content) -> Term:
    """A CodeableConcept as the log names it."""
    coding = next(codings(concept), {})
    code = coding.get("code", "")
    return Term(text=concept.get("text") or coding.get("display") or code, system=coding.get("system", ""), code=code)


def _units(minutes: int | None, policy: Policy | None) -> int | None:
    if minutes is None or policy is None:
        return None
    return timed_units(minutes, policy.unit_minutes, policy.least_minutes_of_a_unit)


def _techniques(session: Content, parts: list[Content]) -> tuple[Term, ...]:
    """Those that have a Procedure of their own within the session; else the session's own code, where it names one."""
    if parts:
        return tuple(term(one.get("code", {})) for one in parts)
    code = session.get("code", {})
    return (term(code),) if any(one.get("system") == TECHNIQUE for one in codings(code)) else ()


def _pain(measured: list[Content], end: datetime | None) -> tuple[Decimal | None, Decimal | None]:
    """The first rating before the end of the session, and the last after it."""
    rated: list[tuple[datetime, bool, Decimal]] = []
    for one in measured:
        value = _number(one)
        if value is None or not (_has(one, PAIN_AFTER) or any(_has(one, each) for each in PAIN)):
            continue
        moment = _moment(one)
        rated.append((moment, _has(one, PAIN_AFTER) or (end is not None and moment >= end), value))
    rated.sort(key=lambda each: each[0])
    before = next((value for _, is_after, value in rated if not is_after), None)
    after = next((value for _, is_after, value in reversed(rated) if is_after), None)
    return before, after


def _moment(observation: Content) -> datetime:
    found = (start_of(observation.get(name)) for name in _WHEN)
    return next((moment.astimezone(UTC) for moment in found if moment is not None), EARLIEST)


def _number(observation: Content) -> Decimal | None:
    value: Any = observation.get("valueInteger", observation.get("valueQuantity", {}).get("value"))
    return None if value is None else Decimal(str(value))


def _has(observation: Content, code: tuple[str, str]) -> bool:
    return any((one.get("system"), one.get("code")) == code for one in codings(observation.get("code")))


def _told(observation: Content) -> str:
    return str(observation.get("valueString") or term(observation.get("valueCodeableConcept", {})).text)
