"""Resources of a referral loop, and a world in memory that stores what the life cycles allow."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from service.fhir.concept import code_in, coded
from service.massage.cycle import SYSTEM, Change, Episode, Party, Policy, Surroundings, expire, judge
from service.massage.cycle.tables.business_status import ALLOWED, allowed_with
from service.massage.cycle.terms import BUSINESS_STATUS, IDENTIFIER_TYPE, PRE_SESSION_CHECK, TASK_CODE, TASK_IO
from service.massage.systems import STATUS_REASON

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from service.fhir.resource import Content
    from service.massage.cycle import Verdict

START = datetime(2026, 1, 12, 8, tzinfo=UTC)
REFERRER = Party(roles=frozenset({"referrer"}), organisation="Organization/referrer")
CLINIC = Party(roles=frozenset({"clinic"}), organisation="Organization/clinic", user="Practitioner/clerk")
PATIENT = Party(roles=frozenset({"patient"}))
ADMINISTRATOR = Party(roles=frozenset({"administrator"}))
STRANGER = Party(roles=frozenset(), organisation="Organization/other")
PARTIES = {
    "referrer": REFERRER,
    "clinic": CLINIC,
    "patient": PATIENT,
    "system": SYSTEM,
    "administrator": ADMINISTRATOR,
}
SUBJECT = {"reference": "Patient/ann"}
BASED_ON = [{"reference": "ServiceRequest/order"}]
ORGANISATIONS = {
    "PractitionerRole/doctor": "Organization/referrer",
    "PractitionerRole/therapist": "Organization/clinic",
    **{f"Organization/{name}": f"Organization/{name}" for name in ("referrer", "clinic", "other")},
}


def referral(**elements: Any) -> Content:
    """An active order of six sessions."""
    return {
        "resourceType": "ServiceRequest",
        "id": "order",
        "identifier": [{"type": coded(IDENTIFIER_TYPE, "PLAC"), "system": "https://ehr.example.org", "value": "8888"}],
        "status": "active",
        "intent": "order",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "91251008"}]}],
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "387854002"}]},
        "subject": SUBJECT,
        "authoredOn": "2026-01-09",
        "requester": {"reference": "PractitionerRole/doctor"},
        "performer": [{"reference": "Organization/clinic"}],
        "reasonCode": [{"text": "Low back pain"}],
        "quantityQuantity": {"value": 6, "unit": "sessions"},
    } | elements


def task(**elements: Any) -> Content:
    """The Task of the order."""
    return {
        "resourceType": "Task",
        "id": "task",
        "status": "requested",
        "intent": "order",
        "code": coded(TASK_CODE, "fulfill"),
        "focus": {"reference": "ServiceRequest/order"},
        "for": SUBJECT,
        "authoredOn": "2026-01-09T08:00:00Z",
        "requester": {"reference": "PractitionerRole/doctor"},
        "owner": {"reference": "Organization/clinic"},
    } | elements


def abort(**elements: Any) -> Content:
    """The referrer's request to abort."""
    return {
        "resourceType": "Task",
        "id": "abort",
        "status": "requested",
        "intent": "order",
        "code": coded(TASK_CODE, "abort"),
        "focus": {"reference": "Task/task"},
        "for": SUBJECT,
        "statusReason": {"text": "No longer wanted."},
        "requester": {"reference": "Organization/referrer"},
        "owner": {"reference": "Organization/clinic"},
    } | elements


def plan(**elements: Any) -> Content:
    """A plan with a goal and an activity."""
    return {
        "resourceType": "CarePlan",
        "id": "plan",
        "status": "active",
        "intent": "plan",
        "subject": SUBJECT,
        "supportingInfo": BASED_ON,
        "addresses": [{"reference": "Condition/back"}],
        "goal": [{"reference": "Goal/goal"}],
        "activity": [{"detail": {"status": "in-progress"}}],
    } | elements


def goal(**elements: Any) -> Content:
    """A goal that is being worked on."""
    return {
        "resourceType": "Goal",
        "id": "goal",
        "lifecycleStatus": "active",
        "description": {"text": "Less pain"},
        "subject": SUBJECT,
    } | elements


def appointment(number: int = 1, **elements: Any) -> Content:
    """The n-th visit, an hour on the n-th day of the care."""
    start = START + timedelta(days=number)
    return {
        "resourceType": "Appointment",
        "id": f"visit{number}",
        "status": "booked",
        "basedOn": BASED_ON,
        "start": start.isoformat(),
        "end": (start + timedelta(hours=1)).isoformat(),
        "participant": [{"actor": SUBJECT, "status": "accepted"}],
    } | elements


def encounter(number: int = 1, **elements: Any) -> Content:
    """The n-th visit as it happens."""
    return {
        "resourceType": "Encounter",
        "id": f"encounter{number}",
        "status": "in-progress",
        "class": {"code": "AMB"},
        "subject": SUBJECT,
        "basedOn": BASED_ON,
        "appointment": [{"reference": f"Appointment/visit{number}"}],
        "period": {"start": (START + timedelta(days=number)).isoformat()},
    } | elements


def session(number: int = 1, **elements: Any) -> Content:
    """The n-th session, delivered."""
    start = START + timedelta(days=number)
    return {
        "resourceType": "Procedure",
        "id": f"session{number}",
        "status": "completed",
        "subject": SUBJECT,
        "basedOn": BASED_ON,
        "encounter": {"reference": f"Encounter/encounter{number}"},
        "performedPeriod": {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()},
        "performer": [{"actor": {"reference": "PractitionerRole/therapist"}}],
    } | elements


def check(number: int = 1, **elements: Any) -> Content:
    """The answered check before the n-th session."""
    return {
        "resourceType": "QuestionnaireResponse",
        "id": f"check{number}",
        "status": "completed",
        "questionnaire": PRE_SESSION_CHECK,
        "encounter": {"reference": f"Encounter/encounter{number}"},
        "item": [red_flags()],
    } | elements


def red_flags(*flagged: str) -> Content:
    """The answers to the questions for red flags before a session: yes to these, no to the others."""
    asked = ("saddle-numbness", "calf-swelling", "fever")
    answers = [{"linkId": each, "answer": [{"valueBoolean": each in flagged}]} for each in asked]
    return {"linkId": "red-flags", "item": answers}


def report(**elements: Any) -> Content:
    """A final report."""
    return {
        "resourceType": "DiagnosticReport",
        "id": "report",
        "status": "final",
        "code": {"text": "Report"},
        "subject": SUBJECT,
        "basedOn": BASED_ON,
        "issued": "2026-03-01T12:00:00Z",
    } | elements


def issue(**elements: Any) -> Content:
    """An absolute contraindication, open as long as its status is final."""
    return {
        "resourceType": "DetectedIssue",
        "id": "issue",
        "status": "final",
        "severity": "high",
        "patient": SUBJECT,
        "implicated": BASED_ON,
    } | elements


def therapist(**elements: Any) -> Content:
    """A licensed therapist."""
    return {
        "resourceType": "Practitioner",
        "id": "therapist",
        "qualification": [{"code": {"text": "Licence"}, "period": {"start": "2020-01-01"}}],
    } | elements


THERAPIST_ROLE: Content = {
    "resourceType": "PractitionerRole",
    "id": "therapist",
    "practitioner": {"reference": "Practitioner/therapist"},
}


def reason(code: str, text: str = "Explained.") -> Content:
    """A statusReason as the rules want it."""
    return coded(STATUS_REASON, code, text)


def business(code: str) -> Content:
    """A businessStatus."""
    return coded(BUSINESS_STATUS, code)


def output(type: str, reference: str) -> Content:
    """An entry of Task.output."""
    return {"type": coded(TASK_IO, type), "valueReference": {"reference": reference}}


def business_of(content: Content) -> str | None:
    """The code of a Task's business status."""
    return code_in(content.get("businessStatus"), BUSINESS_STATUS)


def consistent(status: str, business: str | None) -> bool:
    """Whether the table has the pair; without a business status, whether it has none to offer."""
    return status in ALLOWED.get(business, frozenset()) if business else not allowed_with(status)


def is_open(detected: Content) -> bool:
    """Whether an issue of these tests is open and absolute."""
    return detected.get("severity") == "high" and detected.get("status") in {"preliminary", "final"}


@dataclass(slots=True)
class World:
    """One episode, as a store would keep it: what a verdict allows is kept, what it refuses is not."""

    stored: dict[str, dict[str, Content]] = field(default_factory=dict)
    now: datetime = START
    policy: Policy = field(default_factory=Policy)
    zone: tzinfo = UTC
    last_id: int = 0
    first: Content = field(default_factory=referral)
    watched: bool = True

    @classmethod
    def of(cls, *contents: Content) -> World:
        """A world in which these are stored, with a licensed therapist."""
        world = cls()
        for content in (therapist(), THERAPIST_ROLE, *contents):
            world.keep(content)
        return world

    @property
    def surroundings(self) -> Surroundings:
        """What the rules are told of the world outside."""
        return Surroundings(resolve=ORGANISATIONS.get, is_open_absolute=is_open, policy=self.policy, zone=self.zone)

    @property
    def episode(self) -> Episode:
        """The episode of the order as it is stored."""
        return Episode(referral=self.get("ServiceRequest/order") or self.first, resources=self.stored)

    def keep(self, content: Content) -> None:
        """Store a resource, whatever the rules say."""
        self.stored.setdefault(content["resourceType"], {})[content["id"]] = content

    def get(self, name: str) -> Content:
        """A stored resource by ``Type/id``; empty where there is none."""
        type, _, logical_id = name.partition("/")
        return self.stored.get(type, {}).get(logical_id, {})

    def all(self, type: str) -> list[Content]:
        """All stored resources of a type."""
        return list(self.stored.get(type, {}).values())

    def new_id(self) -> str:
        """The next id."""
        self.last_id += 1
        return f"made{self.last_id}"

    def judge(self, party: Party, *contents: Content, alongside: Sequence[Content] = ()) -> Verdict:
        """The verdict on writing these contents in one unit; what is allowed is stored."""
        before = deepcopy(self.stored) if self.watched else self.stored
        changes, beside = [self._change(one) for one in contents], [self._change(one) for one in alongside]
        if any(one["resourceType"] == "ServiceRequest" and one["id"] == "order" for one in contents):
            self.first = next(one for one in contents if one["resourceType"] == "ServiceRequest")
        verdict = judge(self.episode, changes, party, self.now, self.new_id, self.surroundings, beside)
        assert self.stored == before, "a judgement changes nothing"
        if not verdict.refusals:
            self._store([*beside, *changes, *verdict.effects])
        return verdict

    def let_time_pass(self, span: timedelta) -> Verdict:
        """The verdict of the clock after some time; its effects are stored."""
        self.now += span
        verdict = expire(self.episode, self.now, self.new_id, self.surroundings)
        assert not verdict.refusals
        self._store(verdict.effects)
        return verdict

    def _change(self, content: Content) -> Change:
        before = self.get(f"{content['resourceType']}/{content['id']}") or None
        return Change(type=content["resourceType"], id=content["id"], before=before, after=content)

    def _store(self, changes: Sequence[Change]) -> None:
        for change in changes:
            assert change.after is not None
            self.keep(change.after)


def accepted_world() -> World:
    """An accepted referral."""
    return World.of(referral(), task(status="accepted", businessStatus=business("accepted-unscheduled")))


def working_world(*more: Content) -> World:
    """A referral in progress, with a plan, a goal and a booked visit."""
    begun = task(status="in-progress", businessStatus=business("visit-scheduled"))
    return World.of(referral(), begun, plan(), goal(), appointment(), *more)
