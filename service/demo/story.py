"""One referral of the demo from its order as far as its scenario goes: what each side sends, in its turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final

from service.demo import patients
from service.demo.care import Care
from service.demo.directory import resources_of
from service.demo.scenarios import scenario_of
from service.demo.world import World
from service.fhir.concept import coded
from service.massage.cycle.terms import BUSINESS_STATUS, TASK_CODE
from service.massage.systems import STATUS_REASON

if TYPE_CHECKING:
    from datetime import date

    from service.demo.patients import Person
    from service.demo.scenarios import Ending, Scenario
    from service.demo.world import Surroundings
    from service.fhir.resource import Content
    from service.massage.protocol import Protocols

_WEEK: Final = timedelta(weeks=1)
_LEAD: Final = (9.0, 11.0)
"""Days from the order to the first visit."""
_QUIET: Final[dict[Ending, int]] = {
    "acknowledged": 8,
    "aborted": 4,
    "adverse-event": 3,
    "cancellation-requested": 3,
    "closed": 3,
    "expired": 28,
    "lost": 55,
    "no-show": 9,
    "on-hold": 3,
    "visit-cancelled": 3,
}
"""Days that are told of after the last visit, or in place of it."""
_LONG_AGO: Final = 6
_SPREAD: Final = 40
"""Days by which what is over, or lost, lies further back."""


def tell(around: Surroundings, protocols: Protocols, seed: int, number: int, today: date) -> World:
    """The referral of the patient with this number, from 0; its end is at `today` or before."""
    random = Random(f"{seed}/{number}")  # noqa: S311 - a play, not a secret
    scenario = scenario_of(number, Random(seed))  # noqa: S311 - likewise
    person = patients.person_of(protocols, seed, number, random)
    beside = [
        *resources_of(person.referrer, person.physician),
        *resources_of(person.clinic, person.therapist),
    ]
    story = _Story(World(around, beside, random), protocols, person, scenario, random, today)
    story.play()
    return story.world


class _Story:
    """The steps in their order; `world` keeps what they come to."""

    def __init__(
        self, world: World, protocols: Protocols, person: Person, scenario: Scenario, random: Random, today: date
    ) -> None:
        self.world = world
        self._protocols = protocols
        self._person = person
        self._scenario = scenario
        self._random = random
        row = person.protocol
        self._count = row.visits if scenario.visits is None else min(scenario.visits, row.visits)
        first = self._first_visit(today)
        self._care = Care(world, protocols, person, scenario, random, self._count, first, world.check)
        self._now = first - timedelta(days=random.uniform(*_LEAD))

    def _first_visit(self, today: date) -> datetime:
        """At the patient's hour of the week, so long ago that what the scenario tells of fits until today."""
        quiet = _QUIET.get(self._scenario.ending, 1)
        if quiet > _LONG_AGO:
            quiet += self._random.randint(0, _SPREAD)
        last = today - timedelta(days=quiet)
        last -= timedelta(days=(last.weekday() - self._person.weekday) % 7)
        weeks = max(0, self._count - 1) * self._person.protocol.every_weeks
        return datetime.combine(last - timedelta(weeks=weeks), self._person.hour, UTC)

    def _pass(self, days: float) -> datetime:
        """So much later."""
        self._now += timedelta(days=days)
        return self._now

    def play(self) -> None:
        """All of it."""
        self._refer()
        ending = self._scenario.ending
        if ending in {"requested", "open", "safety-hold"}:
            return
        if ending == "expired":
            self.world.let_expire(self._person.clinic.reference, self._pass(31))
            return
        if ending == "entered-in-error":
            self._referrer(self._pass(0.1), self._order(status="entered-in-error"))
            return
        self._clinic(self._pass(self._random.uniform(0.1, 1.5)), self._task(status="received"))
        if ending == "awaiting-information":
            waits = coded(BUSINESS_STATUS, "awaiting-information")
            self._clinic(self._pass(0.5), self._task(businessStatus=waits))
        if ending == "rejected":
            reason = coded(STATUS_REASON, "no-capacity", "No appointment within the next four weeks.")
            self._clinic(self._pass(0.5), self._task(status="rejected", statusReason=reason))
        if ending in {"received", "awaiting-information", "rejected"}:
            return
        self._clinic(self._pass(self._random.uniform(0.1, 2.0)), self._task(status="accepted"))
        if ending == "cancelled":
            self._referrer(self._pass(1), self._order(status="revoked"))
        if ending in {"accepted", "cancelled"}:
            return
        self._now = self._care.plan(self._pass(1))
        if ending != "planned":
            self._treat()

    def _refer(self) -> None:
        """The referrer sends patient, diagnosis, insurance, order and Task."""
        new, now, person = self.world.new_id, self._now, self._person
        ids = {name: new(now) for name in ("patient", "condition", "coverage", "answer", "order", "task", "danger")}
        about = {
            "patient": f"Patient/{ids['patient']}",
            "condition": f"Condition/{ids['condition']}",
            "coverage": f"Coverage/{ids['coverage']}",
        }
        if self._scenario.authorised is not None:
            about["answer"] = f"ClaimResponse/{ids['answer']}"
        subject, pair = about["patient"], (ids["coverage"], ids["answer"])
        danger = [patients.thrombosis(ids["danger"], subject)] if self._scenario.ending == "safety-hold" else []
        self._referrer(
            now,
            patients.patient(person, ids["patient"], now, self._random),
            patients.diagnosis(person, ids["condition"], subject, self._protocols, self._random),
            *danger,
            *patients.insurance(person, pair, subject, self._scenario.authorised, now),
            patients.order(person, self._scenario, ids["order"], about, now, self._protocols),
            patients.task(person, self._scenario, ids["task"], subject, ids["order"], now),
        )

    def _treat(self) -> None:
        """The visits that the scenario tells of, and how it ends."""
        ending, care = self._scenario.ending, self._care
        for number in range(self._count):
            is_last = number + 1 == self._count
            self._now = care.visit(number, self._now, books_next=not is_last)
            if not (is_last and ending in {"due", "exhausted"}):
                care.report_if_due(self._now)
        match ending:
            case "under-way":
                care.book(self._now, self._now + _WEEK)
            case "no-show" | "lost":
                self._miss(2 if ending == "lost" else 1)
            case "visit-cancelled":
                visit = care.book(self._now, self._now + _WEEK)
                reason = coded("http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason", "pat")
                cancelled = self.world.changed("Appointment", visit, status="cancelled", cancelationReason=reason)
                self._clinic(self._pass(1), cancelled)
            case "on-hold":
                self._referrer(self._pass(1), self._order(status="on-hold"))
            case "cancellation-requested" | "aborted":
                self._abort()
            case "adverse-event":
                reason = coded(STATUS_REASON, "adverse-event", "Bruising and more pain after the last sessions.")
                care.fail(self._pass(1), reason)
            case "closed" | "acknowledged":
                self._close()
            case _:
                pass

    def _miss(self, times: int) -> None:
        """Visits to which nobody comes; after two the clinic gives up."""
        for _ in range(times):
            visit = self._care.book(self._now, self._now + _WEEK)
            self._now += _WEEK
            self._clinic(self._now, self.world.changed("Appointment", visit, status="noshow"))
        if self._scenario.ending == "lost":
            reason = coded(STATUS_REASON, "lost-to-follow-up", "Two missed visits, and no answer for 30 days.")
            self._care.fail(self._pass(30), reason)

    def _abort(self) -> None:
        """The referrer revokes; the clinic is asked to stop, and does where the scenario says so."""
        self._referrer(self._pass(1), self._order(status="revoked"))
        if self._scenario.ending != "aborted":
            return
        asked = next(
            each
            for each in self.world.all("Task")
            if each["code"] == coded(TASK_CODE, "abort") and each["status"] == "requested"
        )
        self._clinic(self._pass(1), asked | {"status": "completed"})

    def _close(self) -> None:
        self._care.close(self._pass(1))
        if self._scenario.ending == "acknowledged":
            self._referrer(self._pass(2), self._order(status="completed"))

    def _order(self, **elements: Any) -> Content:
        (order,) = self.world.all("ServiceRequest")
        return self.world.changed("ServiceRequest", order["id"], **elements)

    def _task(self, **elements: Any) -> Content:
        return self._care.task(**elements)

    def _referrer(self, moment: datetime, *contents: Content) -> None:
        self.world.act(self._person.referrer.reference, moment, *contents)

    def _clinic(self, moment: datetime, *contents: Content) -> None:
        self.world.act(self._person.clinic.reference, moment, *contents)
