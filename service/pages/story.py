"""The panels of a referral's page: where it stands, what is dangerous, visits, sessions, outcomes, what happened."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.concept import codings
from service.massage.cycle.terms import reference_in
from service.massage.cycle.validity import order_end
from service.massage.screening.matching import is_judged
from service.massage.visits import account, session_log
from service.pages import moments, words
from service.pages.case import reference_to
from service.pages.outcomes import GoalState, Outcome, Outcomes
from service.pages.report_due import due_since
from service.pages.shown import Field, Text
from service.pages.timeline import REPORT_DUE, Event, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from service.documents.case import Knowledge
    from service.fhir.resource import Content
    from service.massage.cycle import Policy
    from service.massage.screening.rules import Rules
    from service.massage.visits import SessionEntry
    from service.pages.case import Case
    from service.pages.headline import Headlines
    from service.pages.values import Values

_COUNTS: Final = (
    ("ordered", "ordered"),
    ("authorised", "authorised by the payer"),
    ("completed", "delivered"),
    ("booked", "booked"),
    ("no_show", "missed (no-show)"),
    ("remaining", "left"),
)

_REFERENCE: Final = re.compile(r"\b([A-Z][A-Za-z]{2,40}/[A-Za-z0-9-](?:[A-Za-z0-9.-]{0,62}[A-Za-z0-9-])?)")


class Danger(Struct, frozen=True, kw_only=True):
    """A safety issue that stands; `detail` is one text in parts, some of which are links."""

    text: str
    href: str
    severity: str
    detail: tuple[Text, ...]
    since: str
    is_absolute: bool


class Count(Struct, frozen=True, kw_only=True):
    """A number of visits; `number` is in words where nobody knows it."""

    label: str
    number: str


class SessionRow(Struct, frozen=True, kw_only=True):
    """A delivered session."""

    when: Text
    minutes: str
    what: str
    where: str
    by: str
    before: str
    after: str


class Story(Struct, frozen=True, kw_only=True):
    """Everything that the page of a referral shows beside the resource itself; `report`: where its report is read.

    `is_unscreened`: of the diagnoses that the caller sees there is none that the safety rules can judge.
    """

    state: str
    business: str
    reason: str
    facts: tuple[Field, ...]
    dangers: tuple[Danger, ...]
    visits: tuple[Count, ...]
    sessions: tuple[SessionRow, ...]
    outcomes: tuple[Outcome, ...]
    goals: tuple[GoalState, ...]
    events: tuple[Event, ...]
    notes: tuple[str, ...]
    report: str
    is_unscreened: bool


def story_of(
    case: Case, knowledge: Knowledge, values: Values, headlines: Headlines, now: datetime, rules: Rules
) -> Story:
    """The story of a case as of `now`."""
    policy = knowledge.payers.policy_of(case.referral, case.view.resources, case.base)
    units = knowledge.payers.unit_policy(case.referral, case.view.resources, case.base, case.unread)
    teller = _Teller(case, values, headlines, now, policy)
    outcomes = Outcomes(case, knowledge.measures, values, now)
    task = case.task()
    return Story(
        state=headlines.state(task) if task else headlines.state(case.referral),
        business=headlines.business(task) if task else "",
        reason=values.terms.text(task.get("statusReason")) if task else "",
        facts=tuple(teller.facts(task)),
        dangers=tuple(teller.dangers()),
        visits=tuple(teller.visits()),
        sessions=tuple(teller.session(each) for each in session_log(case.view, units)),
        outcomes=tuple(outcomes.measured()),
        goals=tuple(outcomes.goal_states(headlines)),
        events=tuple(teller.timeline.events(teller.due, teller.report)),
        notes=tuple(teller.notes()),
        report=teller.report,
        is_unscreened=not any(is_judged(each, rules) for each in case.view.of("Condition")),
    )


class _Teller:
    def __init__(self, case: Case, values: Values, headlines: Headlines, now: datetime, policy: Policy) -> None:
        self._policy = policy
        self._case = case
        self._values = values
        self._headlines = headlines
        self._now = now
        self.timeline = Timeline(case, values, headlines, now)
        # of what the caller may not read nobody knows whether there was a report
        self.due = None if case.is_limited else due_since(case.view, policy, now)
        self.report = self._address_of_report()

    def facts(self, task: Content | None) -> list[Field]:
        """Who, why, from whom, by when."""
        referral = self._case.referral
        owner = (task or {}).get("owner") or next(iter(referral.get("performer", ())), None)
        plans = [self._link(each) for each in self._case.view.of("CarePlan")]
        found = [
            ("Patient", self._patient()),
            ("Reason", [self._values.concept(each) for each in referral.get("reasonCode", ())]),
            ("Ordered by", self._party(referral.get("requester"))),
            ("Clinic", self._party(owner) or [Text(text="nobody yet: any clinic may take it on")]),
            ("Ordered", [self._values.moment(str(referral["authoredOn"]))] if "authoredOn" in referral else []),
            ("Order holds until", self._validity(task)),
            (REPORT_DUE, self._due_since()),
            ("Plan", plans),
            ("Task", [self._link(task)] if task else []),
        ]
        return [Field(label=label, values=tuple(shown)) for label, shown in found if shown]

    def dangers(self) -> list[Danger]:
        """The issues that stand."""
        return [
            Danger(
                text=self._headlines.of(each),
                href=self._values.links.reference(reference_to(each)),
                severity=words.SEVERITIES.get(each.get("severity", ""), "Severity not said"),
                detail=tuple(self._linked(str(each.get("detail", "")))),
                since=self._values.moment(str(each.get("identifiedDateTime", ""))).text,
                is_absolute=each.get("severity") == "high",
            )
            for each in self._case.standing_issues()
        ]

    def visits(self) -> list[Count]:
        """The numbers of visits; those that the caller may not know say so."""
        counted = account(self._case.view, self._case.unread, self._policy, now=self._now, zone=self._values.zone)
        found = []
        for name, label in _COUNTS:
            number = getattr(counted, name)
            found.append(Count(label=label, number="not said" if number is None else str(number)))
        return found

    def session(self, entry: SessionEntry) -> SessionRow:
        """A row of the table of sessions."""
        start = entry.start
        told = moments.at(start, self._values.zone) if start else "not said"
        return SessionRow(
            when=Text(text=told, href=self._values.links.reference(entry.session)),
            minutes="" if entry.minutes is None else str(entry.minutes),
            what=", ".join(self._term(each.text, each.system, each.code) for each in entry.techniques),
            where=", ".join(self._term(each.text, each.system, each.code) for each in entry.regions),
            by=self.timeline.name_of({"reference": entry.therapist}) if entry.therapist else "",
            before="" if entry.before is None else str(entry.before),
            after="" if entry.after is None else str(entry.after),
        )

    def notes(self) -> list[str]:
        """What a reader must know of what is not shown."""
        found = []
        if self._case.is_limited:
            found.append("Your scopes leave some kinds of resources out; what is not shown here may still exist.")
        if self._case.is_cut:
            found.append("The episode is longer than one page of $everything: only its first part is shown.")
        return found

    def _linked(self, text: str) -> Iterator[Text]:
        """The text with what its references lead to by name."""
        for place, part in enumerate(_REFERENCE.split(text)):
            if not place % 2:
                yield Text(text=part)
                continue
            found = self._case.find(part)
            yield Text(text=self._called(found) if found else part, href=self._values.links.reference(part))

    def _called(self, content: Content) -> str:
        """What a resource is called; one that has a code and no words for it, by its type: the code stands beside."""
        named = self._headlines.of(content)
        codes = {str(each.get("code")) for each in codings(content.get("code"))}
        return words.label(content["resourceType"]) if named in codes else named

    def _term(self, text: str, system: str, code: str) -> str:
        return self._values.terms.display({"system": system, "code": code}) or text

    def _patient(self) -> list[Text]:
        patient = self._case.patient()
        if patient is None:
            return self._party(self._case.referral.get("subject"))
        born = self._values.moment(str(patient["birthDate"])).text if "birthDate" in patient else ""
        return [self._link(patient, f"born {born}" if born else "")]

    def _party(self, reference: Any) -> list[Text]:
        if not isinstance(reference, dict):
            return []
        found = self._case.find(reference_in(reference))
        return [self._link(found) if found is not None else self._values.reference(reference)]

    def _link(self, content: Content, note: str = "") -> Text:
        href = self._values.links.reference(reference_to(content))
        return Text(text=self._headlines.of(content), href=href, note=note or self._headlines.state(content))

    def _address_of_report(self) -> str:
        """Where the report on the plan that counts is read; empty without a plan."""
        plans = [each for each in self._case.view.of("CarePlan") if each.get("status") != "entered-in-error"]
        active = [each for each in plans if each.get("status") == "active"] or plans
        return self._values.links.to("CarePlan", str(active[-1]["id"]), "$progress-report") if active else ""

    def _due_since(self) -> list[Text]:
        if self.due is None:
            return []
        return [Text(text=f"since {moments.day(self.due, self._values.zone)}", href=self.report)]

    def _validity(self, task: Content | None) -> list[Text]:
        end = order_end(self._case.referral, task or {}, self._policy.validity)
        if end is None:
            return []
        last = end - timedelta(microseconds=1)
        is_over = end <= self._now
        return [Text(text=moments.day(last, self._values.zone), note="passed" if is_over else "")]
