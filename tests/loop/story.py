"""One referral and what its two sides do with it, from the order to the last report."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_URL, uuid5

from service.fhir.code_systems import GOAL_ACHIEVEMENT, ICD10CM
from service.fhir.concept import coded
from tests.builders import loop
from tests.builders.resources import TERMINOLOGY, concept, reference
from tests.loop.side import Side, entry, state

if TYPE_CHECKING:
    import httpx

    from tests.loop.side import Json

BACK_PAIN: Final = "M54.50"
THROMBOSIS: Final = "I82.402"
CAUDA_EQUINA: Final = "G83.4"
ACHIEVED: Final = coded(GOAL_ACHIEVEMENT, "achieved")
_NUMBERS: Final = itertools.count(1)


def now() -> datetime:
    """The server's clock is the tests' own."""
    return datetime.now(UTC)


def day(weeks: int) -> str:
    """A day in a week of a care that began eight weeks ago."""
    return (now() - timedelta(weeks=8 - weeks)).date().isoformat()


def new(content: Json, **elements: Any) -> Json:
    """A built resource without its id, and without the elements that are None."""
    return {name: value for name, value in (content | elements).items() if name != "id" and value is not None}


@dataclass
class Network:
    """A referrer, two clinics and an administrator, each with a client of its own; when they began to work."""

    referrer: Side
    clinic: Side
    other: Side
    administrator: Side
    opened: datetime = field(init=False, default_factory=lambda: now().replace(microsecond=0))


@dataclass
class Story:
    """A referral, by the references that the server gave."""

    network: Network
    number: int
    patient: str = ""
    condition: str = ""
    referral: str = ""
    task: str = ""
    plan: str = ""
    goal: str = ""
    therapist: str = ""
    sessions: list[str] = field(default_factory=list)
    appointments: list[str] = field(default_factory=list)
    answered: httpx.Response | None = None

    @property
    def referrer(self) -> Side:
        """Who ordered."""
        return self.network.referrer

    @property
    def clinic(self) -> Side:
        """Who treats."""
        return self.network.clinic

    @property
    def based_on(self) -> list[Json]:
        """What hangs on the referral says so."""
        return [reference(self.referral)]

    def url(self, name: str) -> str:
        """A ``urn:uuid`` of this story alone."""
        return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{self.number}/{name}')}"

    def diagnosis(self, code: str = BACK_PAIN, **elements: Any) -> Json:
        """A condition of the patient."""
        return {
            "resourceType": "Condition",
            "clinicalStatus": concept(f"{TERMINOLOGY}/condition-clinical", "active"),
            "code": concept(ICD10CM, code),
            "subject": reference(self.patient or self.url("patient")),
        } | elements

    def order(self, **elements: Any) -> Json:
        """The ServiceRequest; the organisation of the referrer is its requester."""
        placer = loop.referral()["identifier"][0] | {"value": f"ORDER-{self.number}"}
        given = {
            "identifier": [placer],
            "subject": reference(self.patient or self.url("patient")),
            "authoredOn": self.begins(0).isoformat(timespec="seconds"),
            "requester": reference("Organization/referrer"),
            "reasonCode": [concept(ICD10CM, BACK_PAIN, "Low back pain")],
            "reasonReference": [reference(self.condition or self.url("condition"))],
        }
        return new(loop.referral(), **(given | elements))

    def coordination(self, **elements: Any) -> Json:
        """The Task of the order."""
        given = {
            "focus": reference(self.referral or self.url("order")),
            "for": reference(self.patient or self.url("patient")),
            "authoredOn": now().isoformat(timespec="seconds"),
            "requester": reference("Organization/referrer"),
        }
        return new(loop.task(), **(given | elements))

    def asking(self, code: str, side: Side, to: Side, focus: str, **elements: Any) -> Json:
        """A Task by which one side asks the other to abort or change."""
        given = {
            "code": coded("http://hl7.org/fhir/CodeSystem/task-code", code),
            "focus": reference(focus),
            "for": reference(self.patient),
            "requester": reference(side.organisation),
            "owner": reference(to.organisation),
        }
        return new(loop.abort(), **(given | elements))

    def entries(
        self, *codes: str, order: Json | None = None, task: Json | None = None, patient: Json | None = None
    ) -> list[Json]:
        """The referral as a transaction's entries: patient, conditions, order, task."""
        person = {"resourceType": "Patient", "name": [{"family": f"Example{self.number}"}], "birthDate": "1980-02-29"}
        names = ["condition", *(f"condition{number}" for number in range(1, len(codes)))]
        conditions = [
            entry(self.diagnosis(code), full_url=self.url(name)) for name, code in zip(names, codes, strict=True)
        ]
        return [
            entry(person | (patient or {}), full_url=self.url("patient")),
            *conditions,
            entry(order or self.order(), full_url=self.url("order")),
            *([entry(task or self.coordination(), full_url=self.url("task"))] if task != {} else []),
        ]

    async def refer(self, *codes: str, **parts: Json) -> Story:
        """The referrer sends it, with a patient who has the diagnoses of these codes."""
        answered = await self.referrer.send(*self.entries(*(codes or (BACK_PAIN,)), **parts))
        assert answered.status_code == 200, answered.text
        self.answered = answered
        for each in answered.json()["entry"]:
            made = each["response"]["location"].partition("/fhir/")[2].partition("/_history")[0]
            name = {"Patient": "patient", "Condition": "condition", "ServiceRequest": "referral", "Task": "task"}
            attribute = name[made.partition("/")[0]]
            if not getattr(self, attribute):
                setattr(self, attribute, made)
        if not self.task:
            (task,) = await self.referrer.found(f"Task?focus={self.referral}")
            self.task = f"Task/{task['id']}"
        return self

    async def stands(self, side: Side | None = None) -> tuple[str, str | None]:
        """Status and business status of the Task."""
        return state(await (side or self.referrer).read(self.task))

    async def status_of(self, name: str) -> str:
        """The status of a resource, as the referrer sees it."""
        content = await self.referrer.read(name)
        return str(content.get("status", content.get("lifecycleStatus")))

    async def accept(self) -> Story:
        """The clinic accepts."""
        await self.clinic.does(self.task, status="accepted")
        return self

    async def draw_up(self, **elements: Any) -> Story:
        """The clinic draws up an active plan with a goal."""
        person, goal_url = reference(self.patient), self.url("goal")
        goal = new(loop.goal(), subject=person, addresses=[reference(self.referral)])
        plan = new(
            loop.plan(),
            subject=person,
            supportingInfo=self.based_on,
            addresses=[reference(self.condition)],
            goal=[reference(goal_url)],
            **elements,
        )
        answered = await self.clinic.send(entry(goal, full_url=goal_url), entry(plan, full_url=self.url("plan")))
        assert answered.status_code == 200, answered.text
        made = [each["response"]["location"] for each in answered.json()["entry"]]
        self.goal, self.plan = (each.partition("/fhir/")[2].partition("/_history")[0] for each in made)
        return self

    async def employ(self, **qualification: Any) -> str:
        """A licensed therapist of the clinic."""
        licence = {"code": {"text": "Licence"}, "period": {"start": "2020-01-01"}} | qualification
        self.therapist = await self.clinic.post({"resourceType": "Practitioner", "qualification": [licence]})
        return self.therapist

    def visit(self, number: int, **elements: Any) -> Json:
        """The n-th Appointment, on a day of its own."""
        start = now() + timedelta(days=number)
        given = {
            "basedOn": self.based_on,
            "start": start.isoformat(timespec="seconds"),
            "end": (start + timedelta(hours=1)).isoformat(timespec="seconds"),
            "participant": [{"actor": reference(self.patient), "status": "accepted"}],
        }
        return new(loop.appointment(number), **(given | elements))

    def encounter(self, number: int, appointment: str | None = None, **elements: Any) -> Json:
        """The n-th visit as it happens."""
        given: Json = {
            "subject": reference(self.patient),
            "basedOn": self.based_on,
            "appointment": [reference(appointment)] if appointment else None,
            "period": {"start": self.begins(number).isoformat(timespec="seconds")},
        }
        return new(loop.encounter(number), **(given | elements))

    def session(self, number: int, encounter: str, **elements: Any) -> Json:
        """The n-th session, delivered."""
        start = self.begins(number)
        given = {
            "subject": reference(self.patient),
            "basedOn": self.based_on,
            "encounter": reference(encounter),
            "performedPeriod": {
                "start": start.isoformat(timespec="seconds"),
                "end": (start + timedelta(hours=1)).isoformat(timespec="seconds"),
            },
            "performer": [{"actor": reference(self.therapist)}],
        }
        return new(loop.session(number), **(given | elements))

    def begins(self, number: int) -> datetime:
        """When the n-th session of this story began, however often one asks: all are over, at nine, a day apart."""
        return (self.network.opened - timedelta(days=20 - number)).replace(hour=9, minute=0, second=0)

    async def book(self, number: int, start: datetime | None = None) -> str:
        """The clinic books the n-th visit, at the time of its session where none is told."""
        start = start or self.begins(number)
        times = {"start": start, "end": start + timedelta(hours=1)}
        told = {name: each.isoformat(timespec="seconds") for name, each in times.items()}
        made = await self.clinic.post(self.visit(number, **told))
        self.appointments.append(made)
        return made

    async def begin(self, number: int, appointment: str | None = None) -> str:
        """The clinic begins the n-th visit: the patient's answers to the check, and the Encounter, in one unit."""
        url = self.url(f"encounter{number}")
        answers = new(
            loop.check(number),
            subject=reference(self.patient),
            encounter=reference(url),
            authored=self.begins(number).isoformat(timespec="seconds"),
        )
        answered = await self.clinic.send(entry(answers), entry(self.encounter(number, appointment), full_url=url))
        assert answered.status_code == 200, answered.text
        location: str = answered.json()["entry"][1]["response"]["location"]
        return location.partition("/fhir/")[2].partition("/_history")[0]

    async def deliver(self, number: int) -> str:
        """The n-th visit from booking to the delivered session."""
        if not self.therapist:
            await self.employ()
        appointment = await self.book(number)
        encounter = await self.begin(number, appointment)
        session = await self.clinic.post(self.session(number, encounter))
        await self.clinic.does(encounter, status="finished")
        await self.clinic.does(appointment, status="arrived")
        await self.clinic.does(appointment, status="fulfilled")
        self.sessions.append(session)
        return session

    async def report(self, **elements: Any) -> str:
        """The clinic's report."""
        given = {
            "subject": reference(self.patient),
            "basedOn": self.based_on,
            "issued": now().isoformat(timespec="seconds"),
        }
        return await self.clinic.post(new(loop.report(), **(given | elements)))

    async def finish(self) -> Json:
        """The clinic reports and completes its Task."""
        report = await self.report()
        await self.clinic.does(self.goal, achievementStatus=ACHIEVED)
        await self.clinic.does(self.plan, status="completed", activity=[{"detail": {"status": "completed"}}])
        task = await self.clinic.read(self.task)
        outputs = [*task.get("output", ()), loop.output("final-report", report)]
        return await self.clinic.does(self.task, status="completed", output=outputs)


def begin(network: Network) -> Story:
    """A story of a patient and an order of its own."""
    return Story(network=network, number=next(_NUMBERS))
