"""What happened in an episode, the latest first: steps of the referral, visits, measurements, reports, dangers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.stamp import instant_text
from service.massage.cycle.moment import start_of
from service.massage.cycle.terms import reference_in, references_in
from service.pages import words
from service.pages.case import reference_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from service.fhir.resource import Content
    from service.pages.case import Case
    from service.pages.headline import Headlines
    from service.pages.values import Values

MOST: Final = 200
"""Events that are shown, the latest."""
REPORT_DUE: Final = "Progress report due"

_STEPPING: Final = {"CarePlan": "Plan", "ServiceRequest": "Order", "Task": "Referral"}
_VISIT: Final = {
    "booked": "Visit booked",
    "cancelled": "Visit cancelled",
    "noshow": "Visit missed (no-show)",
    "proposed": "Visit proposed",
    "pending": "Visit asked for",
}
"""States of an Appointment of which there is something to tell; a visit that took place is told by its session."""


class Event(Struct, frozen=True, kw_only=True):
    """`when` is in words, `moment` as FHIR writes it; `kind` is a word for what it is."""

    moment: str
    when: str
    kind: str
    text: str
    href: str
    by: str = ""
    is_to_come: bool = False


class Timeline:
    """Events in the words of `headlines`."""

    def __init__(self, case: Case, values: Values, headlines: Headlines, now: datetime) -> None:
        self._case = case
        self._values = values
        self._headlines = headlines
        self._now = now

    def events(self, due: datetime | None = None, report: str = "") -> list[Event]:
        """Up to `MOST` events, the latest first; since `due` a report is, which is at the address `report`."""
        dated = [(moment, event) for moment, event in self._all() if moment is not None]
        if due is not None:
            moment = instant_text(due)
            when = self._values.moment(moment).text
            dated.append((due, Event(moment=moment, when=when, kind="Report", text=REPORT_DUE, href=report)))
        dated.sort(key=lambda each: (each[0], each[1].href), reverse=True)
        return [event for _, event in dated[:MOST]]

    def _all(self) -> Iterator[tuple[datetime | None, Event]]:
        view = self._case.view
        referral = self._case.referral
        yield self._event(referral, referral.get("authoredOn"), "Order", "Massage ordered", "requester")
        for one in view.of("Provenance"):
            yield from self._steps(one)
        for one in view.of("Appointment"):
            if told := _VISIT.get(one.get("status", "")):
                yield self._event(one, one.get("start"), "Visit", told)
        for one in view.sessions():
            yield self._session(one)
        for one in view.of("Observation"):
            when = one.get("effectiveDateTime") or one.get("effectivePeriod") or one.get("issued")
            yield self._event(one, when, "Measurement", self._headlines.of(one))
        for one in view.of("DiagnosticReport"):
            told = f"{self._headlines.of(one)} ({words.code(one.get('status', ''))})"
            yield self._event(one, one.get("issued"), "Report", told)
        for one in view.of("DetectedIssue"):
            yield self._event(one, one.get("identifiedDateTime"), "Safety", self._headlines.of(one))
        for one in view.of("Communication"):
            yield self._event(one, one.get("sent"), "Message", self._message(one), "sender")

    def _event(
        self, content: Content, when: Any, kind: str, text: str, agent: str = ""
    ) -> tuple[datetime | None, Event]:
        moment = when.get("start", "") if isinstance(when, dict) else str(when or "")
        begun = start_of(when)
        return begun, Event(
            moment=moment,
            when=self._values.moment(moment).text,
            kind=kind,
            text=text,
            href=self._values.links.reference(reference_to(content)),
            by=self.name_of(content.get(agent)) if agent else "",
            is_to_come=begun is not None and begun > self._now,
        )

    def _session(self, session: Content) -> tuple[datetime | None, Event]:
        when = session.get("performedPeriod") or session.get("performedDateTime")
        told = {"completed": "Session delivered", "not-done": "Session not done"}.get(session.get("status", ""))
        told = told or f"Session {words.code(session.get('status', ''))}"
        who = next((each.get("actor") for each in session.get("performer", ())), None)
        moment, event = self._event(session, when, "Session", told)
        return moment, _by(event, self.name_of(who))

    def _steps(self, provenance: Content) -> Iterator[tuple[datetime | None, Event]]:
        """What a change of state came to; of several steps in one commit, the last; nothing where none changed."""
        target = next(iter(references_in(provenance.get("target"))), "")
        type = self._case.view.local(target).partition("/")[0]
        text = provenance.get("activity", {}).get("text", "")
        before, _, after = (part.strip() for part in text.rpartition(", ")[2].partition("→"))
        if type not in _STEPPING or not after or before == after:
            return
        state = words.status(type, after)
        agent = next((each.get("onBehalfOf") or each.get("who") for each in provenance.get("agent", ())), None)
        moment, event = self._event(provenance, provenance.get("recorded"), "Step", f"{_STEPPING[type]}: {state}")
        yield moment, _by(event, self.name_of(agent))

    def _message(self, communication: Content) -> str:
        payload: Content = next(iter(communication.get("payload", ())), {})
        return str(payload.get("contentString") or self._headlines.of(communication))

    def name_of(self, reference: Any) -> str:
        """What somebody is called whom a Reference names; empty where nothing is named."""
        if not isinstance(reference, dict):
            return ""
        found = self._case.find(reference_in(reference))
        return self._headlines.of(found) if found is not None else self._values.reference(reference).text


def _by(event: Event, who: str) -> Event:
    return Event(
        moment=event.moment,
        when=event.when,
        kind=event.kind,
        text=event.text,
        href=event.href,
        by=who,
        is_to_come=event.is_to_come,
    )
