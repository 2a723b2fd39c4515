"""What the clinic of a demo's referral does: plan, visits, reports, the end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from service.demo import visits
from service.demo.measuring import trajectory
from service.fhir.code_systems import GOAL_ACHIEVEMENT, LOINC
from service.fhir.concept import code_in, coded
from service.fhir.stamp import instant_text
from service.massage import protocol
from service.massage.cycle.terms import BUSINESS_STATUS, TASK_CODE, TASK_IO
from service.massage.cycle.view import View
from service.massage.outcome import Measures, compared, told
from service.massage.outcome.achievement import series_of
from service.massage.screening.finding import Screening

if TYPE_CHECKING:
    from datetime import datetime, tzinfo
    from random import Random

    from service.demo.measuring import Trajectory
    from service.demo.patients import Person
    from service.demo.scenarios import Scenario
    from service.demo.world import World
    from service.fhir.resource import Content
    from service.massage.assessment.rows import Form
    from service.massage.protocol import Protocols

_PAIN: Final = "nprs"
_PAIN_AFTER: Final = "nprs-after-session"
_EVERY: Final = 2
"""Visits from one measurement of everything to the next; pain is rated at each."""
_PROGRESS: Final = ("11506-3", "Progress note")
_FINAL: Final = ("11488-4", "Consult note")
_SEEMS: Final = {"better": "improving", "worse": "worsening", "plateau": "no-change"}
"""Course → what the clinic says of a goal."""
_UNDONE: Final = Screening(findings=(), basis="screened")


class Care:
    """The clinic's part of one referral, of which it delivers `count` visits from the instant `first` on.

    `check` is the form of the questions before a session.
    """

    def __init__(
        self,
        world: World,
        protocols: Protocols,
        person: Person,
        scenario: Scenario,
        random: Random,
        count: int,
        first: datetime,
        check: Form,
    ) -> None:
        self._world = world
        self._protocols = protocols
        self._person = person
        self._random = random
        self._hurts = scenario.ending == "adverse-event"
        known = protocols.catalogue.outcome_measures
        self._measures = {code: known[code] for code in person.protocol.goals}
        self._courses: dict[str, Trajectory] = {
            code: trajectory(code, measure, scenario.course, count + 1, random)
            for code, measure in self._measures.items()
        }
        self._count = count
        self._first = first
        self._answers = visits.all_clear(check)
        self._seems = _SEEMS[scenario.course]
        self._next: tuple[str, datetime] | None = None

    def task(self, **elements: Any) -> Content:
        """The Task as it is to become."""
        (task,) = [each for each in self._world.all("Task") if code_in(each["code"], TASK_CODE) == "fulfill"]
        return self._world.changed("Task", task["id"], **elements)

    def plan(self, now: datetime) -> datetime:
        """The first measurements, and the plan of the protocol with its goals; when it is drawn up."""
        first = {code: course.values[0] for code, course in self._courses.items()}
        self._clinic(now, *(self._measured(code, value, now) for code, value in first.items()))
        (referral,) = self._world.all("ServiceRequest")
        case = protocol.Case(
            patient=referral["subject"]["reference"],
            referral=referral,
            screening=_UNDONE,
            today=now.date(),
            author=f"PractitionerRole/{self._person.therapist.id}",
            organisation=self._person.clinic.reference,
            measured=first,
        )
        draft = protocol.apply(self._protocols, self._person.protocol, case)
        entries = protocol.bundled(draft)["entry"]
        ids = {each["fullUrl"]: self._world.new_id(now) for each in entries}
        names = {
            url: f"{each['resource']['resourceType']}/{ids[url]}" for each in entries for url in (each["fullUrl"],)
        }
        contents = [_linked(each["resource"], names) | {"id": ids[each["fullUrl"]]} for each in entries]
        now += timedelta(hours=1)
        plan = next(each["id"] for each in contents if each["resourceType"] == "CarePlan")
        output = self._with_output("care-plan", f"CarePlan/{plan}")
        self._clinic(now, *(_begun(each) for each in contents), self.task(output=output))
        return now

    def book(self, now: datetime, start: datetime) -> str:
        """A visit; the id of its Appointment."""
        visit = self._world.new_id(now)
        self._clinic(now, visits.appointment(self._person, visit, self._about(), start))
        self._next = (visit, start)
        return visit

    def visit(self, number: int, now: datetime, *, books_next: bool) -> datetime:
        """The visit with this number, from 0, delivered; when it is over."""
        if self._next is None:
            self.book(now, self._first)
        if self._next is None:
            raise TypeError(number)
        visit, start = self._next
        ids = (self._world.new_id(start), self._world.new_id(start))
        arrived = self._world.changed("Appointment", visit, status="arrived")
        self._clinic(start, *visits.arrival(self._person, ids, self._about(), visit, start, self._answers), arrived)
        end = visits.after(self._person, start)
        encounter = self._world.content("Encounter", ids[1])
        finished = encounter | {
            "status": "finished",
            "period": encounter["period"] | {"end": instant_text(start + timedelta(minutes=self._minutes))},
        }
        sessions = self._session(number, ids[1], start)
        measured = self._at_visit(number, sessions[0]["id"], ids[1], start)
        fulfilled = self._world.changed("Appointment", visit, status="fulfilled")
        booked = []
        self._next = None
        if books_next:
            later = start + timedelta(weeks=self._person.protocol.every_weeks)
            self._next = (self._world.new_id(end), later)
            booked = [visits.appointment(self._person, self._next[0], self._about(), later)]
        self._clinic(end, *sessions, *measured, finished, fulfilled, *booked)
        return end

    def report_if_due(self, now: datetime) -> None:
        """A progress report where the Task says that one is due."""
        if code_in(self.task().get("businessStatus"), BUSINESS_STATUS) != "progress-report-due":
            return
        report = self._report(now, *_PROGRESS)
        output = self._with_output("progress-report", f"DiagnosticReport/{report['id']}")
        self._clinic(now, report, self.task(output=output))

    def fail(self, now: datetime, reason: Content) -> None:
        """The clinic gives up, and says why."""
        report = self._report(now, *_FINAL)
        output = self._with_output("final-report", f"DiagnosticReport/{report['id']}")
        self._clinic(now, report, self.task(status="failed", statusReason=reason, output=output))

    def close(self, now: datetime) -> None:
        """Goals and plan come to their end, the report is written, the Task is completed."""
        report = self._report(now, *_FINAL)
        goals = [
            self._world.changed("Goal", each["id"], lifecycleStatus="completed", **self._judged(each))
            for each in self._world.all("Goal")
        ]
        plans = [
            self._world.changed("CarePlan", each["id"], status="completed", activity=_ended(each))
            for each in self._world.all("CarePlan")
        ]
        output = self._with_output("final-report", f"DiagnosticReport/{report['id']}")
        self._clinic(now, report, *goals, *plans, self.task(status="completed", output=output))

    def _judged(self, goal: Content) -> Content:
        """A person's word where the goal has no number that measurements could be held against."""
        return {} if "achievementStatus" in goal else {"achievementStatus": coded(GOAL_ACHIEVEMENT, self._seems)}

    @property
    def _minutes(self) -> int:
        return self._person.protocol.minutes

    def _about(self) -> Content:
        """What everything of the care says: patient, referral, plan, site."""
        (referral,) = self._world.all("ServiceRequest")
        plan = next((f"CarePlan/{each['id']}" for each in self._world.all("CarePlan")), "")
        return {
            "subject": referral["subject"],
            "basedOn": [{"reference": f"ServiceRequest/{referral['id']}"}],
            "plan": plan,
            "addresses": referral["reasonReference"],
            "bodySite": referral["bodySite"],
        }

    def _session(self, number: int, encounter: str, start: datetime) -> list[Content]:
        ids = [self._world.new_id(start) for _ in range(1 + len(self._person.protocol.techniques))]
        found = visits.session(self._person, ids, self._about(), encounter, start)
        if self._hurts and number + 1 == self._count:
            found[0] |= {"complication": [{"text": "Bruising"}]}
        return found

    def _at_visit(self, number: int, session: str, encounter: str, start: datetime) -> list[Content]:
        """What is measured at a visit: pain before and after it, and everything at every second and the last."""
        end = start + timedelta(minutes=self._minutes)
        within = {
            "partOf": [{"reference": f"Procedure/{session}"}],
            "encounter": {"reference": f"Encounter/{encounter}"},
        }
        is_full = (number + 1) % _EVERY == 0 or number + 1 == self._count
        found = [
            self._measured(code, course.values[number + 1], start if code == _PAIN else end, **within)
            for code, course in self._courses.items()
            if is_full or code == _PAIN
        ]
        known = self._protocols.catalogue.outcome_measures
        if _PAIN in self._courses and _PAIN_AFTER in known:
            before = self._courses[_PAIN].values[number + 1]
            later = min(known[_PAIN_AFTER].values[0].high or 10, max(0, int(before) + (1 if self._hurts else -1)))
            found.append(self._measured(_PAIN_AFTER, type(before)(int(later)), end, **within))
        return found

    def _measured(self, code: str, value: Any, moment: datetime, **elements: Any) -> Content:
        measure = self._protocols.catalogue.outcome_measures[code]
        about = self._about()
        is_told = measure.values[0].unit.startswith("{")
        who = about["subject"] if is_told else {"reference": f"Practitioner/{self._person.therapist.id}"}
        return visits.observation(
            self._world.new_id(moment), about | {"performer": [who]}, code, measure, value, moment, **elements
        )

    def _report(self, now: datetime, code: str, title: str) -> Content:
        about = self._about()
        return {
            "resourceType": "DiagnosticReport",
            "id": self._world.new_id(now),
            "status": "final",
            "code": coded(LOINC, code, title),
            "subject": about["subject"],
            "basedOn": about["basedOn"],
            "effectiveDateTime": instant_text(now),
            "issued": instant_text(now),
            "performer": [{"reference": self._person.clinic.reference}],
            "result": [{"reference": f"Observation/{each['id']}"} for each in self._world.all("Observation")],
            "conclusion": self._narrative(now),
        }

    def _narrative(self, now: datetime) -> str:
        measures = Measures(self._protocols.catalogue)
        (referral,) = self._world.all("ServiceRequest")
        found = {each["id"]: each for each in self._world.all("Observation")}
        view = View(referral["id"], {"ServiceRequest": {referral["id"]: referral}, "Observation": found}, "")
        series, _ = series_of(view, measures, _utc(now), until=now, only=frozenset(self._measures))
        return " ".join(told(compared(each), measures.sources) for each in series)

    def _with_output(self, kind: str, reference: str) -> list[Content]:
        entry = {"type": coded(TASK_IO, kind), "valueReference": {"reference": reference}}
        return [*self.task().get("output", ()), entry]

    def _clinic(self, moment: datetime, *contents: Content) -> None:
        self._world.act(self._person.clinic.reference, moment, *contents)


def _utc(moment: datetime) -> tzinfo:
    if moment.tzinfo is None:
        raise TypeError("a moment without a zone")
    return moment.tzinfo


def _linked(value: Any, names: dict[str, str]) -> Any:
    """The same with references to each other by name."""
    if isinstance(value, dict):
        return {key: _linked(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_linked(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def _begun(content: Content) -> Content:
    """A goal or plan that is worked on from now on."""
    if content["resourceType"] == "Goal":
        return content | {"lifecycleStatus": "active"}
    return content | {"status": "active", "activity": _all(content, "in-progress")}


def _ended(plan: Content) -> list[Content]:
    return _all(plan, "completed")


def _all(plan: Content, status: str) -> list[Content]:
    return [
        each | {"detail": each["detail"] | {"status": status}} if "detail" in each else each
        for each in plan["activity"]
    ]
