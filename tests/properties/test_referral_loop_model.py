"""The referral loop under random steps, legal or not, by referrer, two clinics, patient, administrator and clock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from service.fhir.concept import code_in
from service.massage.cycle import MACHINES, SYSTEM, party_of
from service.massage.cycle.allowance import Allowance
from service.massage.cycle.machine import NONE
from service.massage.cycle.terms import TASK_IO, reference_in
from service.massage.cycle.view import ASKED, LIVE, OPEN_VISIT, STARTED, View, is_abort
from tests.builders.loop import (
    ORGANISATIONS,
    World,
    abort,
    appointment,
    business_of,
    check,
    consistent,
    encounter,
    goal,
    is_open,
    issue,
    output,
    plan,
    reason,
    referral,
    report,
    session,
    task,
)

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.cycle import Party, Verdict

WHO = st.sampled_from(
    [
        ("Organization/clinic", "clinic"),
        ("Organization/clinic", "clinic"),
        ("Organization/clinic", "clinic"),
        ("Organization/referrer", "referrer"),
        ("Organization/referrer", "referrer"),
        ("Organization/other", "clinic"),
        (None, "patient"),
        (None, "administrator"),
        (None, None),
    ]
)
EVERYBODY = ("referrer", "clinic", "administrator", "author", "addressee")
OPEN_GOAL = {"proposed", "planned", "accepted", "active", "on-hold"}
NUMBER = st.integers(1, 4)
REASON = st.sampled_from(["no-capacity", "patient-declined", "lost-to-follow-up", "goals-met", None])


CHOICE = st.integers(0, 39)
"""Which state to go to: see `ReferralLoop.target`."""


class ReferralLoop(RuleBasedStateMachine):
    """One referral; what a verdict allows is stored, and the invariants are looked at after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World.of()
        self.world.watched = False  # copying takes longer than judging
        self.owners: dict[str, str] = {}
        self.numbers = 0

    def act(self, who: tuple[str | None, str | None], *contents: Content) -> Verdict:
        """Somebody sends a unit of work."""
        return self.send(party_of(self.world.episode, *who, ORGANISATIONS.get), *contents)

    def send(self, party: Party, *contents: Content, alongside: tuple[Content, ...] = ()) -> Verdict:
        """A unit of work, with what has to be true of it."""
        before = {kind: dict(found) for kind, found in self.world.stored.items()}
        verdict = self.world.judge(party, *contents, alongside=alongside)
        self.look_at_change(before)
        return verdict

    def stored(self, name: str, fallback: Content) -> Content:
        """What is stored, else what would be created."""
        return self.world.get(name) or fallback

    def target(self, content: Content, kind: str, choice: int) -> str:
        """A state to go to: most often one that somebody may go to from here, sometimes any."""
        machine = MACHINES[kind]
        onwards = machine.onwards(content.get(machine.element, NONE), EVERYBODY)
        states = machine.states if choice % 4 == 0 or not onwards else onwards
        return states[choice // 4 % len(states)]

    def tasks(self) -> list[Content]:
        """The coordination Tasks."""
        return View("order", self.world.stored, "").tasks()

    @initialize(
        posted=st.sampled_from(["alone", "with task", "open", "received"]),
        unsafe=st.integers(0, 5),
        visits=st.integers(-1, 3),
    )
    def post(self, posted: str, unsafe: int, visits: int) -> None:
        unowned = {name: value for name, value in task().items() if name != "owner"}
        order = referral(quantityQuantity={"value": 3})
        if posted == "open":
            order["performer"] = []
        sent = {
            "alone": [order],
            "with task": [order, task()],
            "open": [order, unowned],
            "received": [order, task(status="received")],
        }[posted]
        verdict = self.send(
            party_of(World(first=order).episode, "Organization/referrer", "referrer", ORGANISATIONS.get),
            *sent,
            alongside=(issue(),) if unsafe == 5 else (),
        )
        assert verdict.refusals == ()
        if visits >= 0:
            self.accept(("Organization/clinic", "clinic"))
        for number in range(visits):
            self.work(number + 1)

    @rule(who=WHO, choice=CHOICE, why=REASON, withdrawing=st.booleans(), told=st.booleans())
    def change_task(self, who: Any, choice: int, why: str | None, withdrawing: bool, told: bool) -> None:
        current = self.tasks()[-1]
        kept = {name: value for name, value in current.items() if name != "statusReason"}
        sent = kept | {"status": self.target(current, "Task", choice)}
        if why:
            sent["statusReason"] = reason(why)
        if told:
            sent["output"] = [output("final-report", "DiagnosticReport/report")]
        more = [self.world.get("ServiceRequest/order") | {"status": "revoked"}] if withdrawing else []
        self.act(who, sent, *more)

    @rule(who=WHO)
    def accept(self, who: Any) -> None:
        self.act(who, self.tasks()[-1] | {"status": "accepted"})

    @rule(who=WHO, choice=CHOICE)
    def change_referral(self, who: Any, choice: int) -> None:
        order = self.world.get("ServiceRequest/order")
        self.act(who, order | {"status": self.target(order, "Referral", choice)})

    @rule(who=WHO, owner=st.sampled_from(["clinic", "other", None]))
    def dispatch_again(self, who: Any, owner: str | None) -> None:
        self.numbers += 1
        sent = task(id=f"task{self.numbers}") | {"owner": {"reference": f"Organization/{owner}"}}
        self.act(who, sent if owner else {name: value for name, value in sent.items() if name != "owner"})

    @rule(who=WHO, focus=st.sampled_from(["Task", "ServiceRequest"]), side=st.sampled_from(["referrer", "clinic"]))
    def ask_to_abort(self, who: Any, focus: str, side: str) -> None:
        self.numbers += 1
        name = f"Task/{self.tasks()[-1]['id']}" if focus == "Task" else "ServiceRequest/order"
        other = "clinic" if side == "referrer" else "referrer"
        self.act(
            who,
            abort(
                id=f"abort{self.numbers}",
                focus={"reference": name},
                requester={"reference": f"Organization/{side}"},
                owner={"reference": f"Organization/{other}"},
            ),
        )

    @rule(who=WHO, choice=CHOICE, withdrawing=st.booleans())
    def answer_abort(self, who: Any, choice: int, withdrawing: bool) -> None:
        asked = [one for one in self.world.all("Task") if one not in self.tasks()]
        more = [self.world.get("ServiceRequest/order") | {"status": "revoked"}] if withdrawing else []
        if asked:
            self.act(who, asked[-1] | {"status": self.target(asked[-1], "RequestTask", choice)}, *more)

    @rule(who=WHO, choice=CHOICE)
    def change_plan(self, who: Any, choice: int) -> None:
        stored = self.world.get("CarePlan/plan")
        status = self.target(stored, "CarePlan", choice)
        self.act(who, (stored or plan()) | {"status": status})

    @rule(who=WHO, choice=CHOICE)
    def change_goal(self, who: Any, choice: int) -> None:
        stored = self.world.get("Goal/goal")
        status = self.target(stored, "Goal", choice)
        self.act(who, (stored or goal(achievementStatus={"text": "Yes."})) | {"lifecycleStatus": status})

    @rule(who=WHO, number=NUMBER, choice=CHOICE)
    def change_visit(self, who: Any, number: int, choice: int) -> None:
        stored = self.world.get(f"Appointment/visit{number}")
        status = self.target(stored, "Appointment", choice)
        self.act(who, (stored or appointment(number)) | {"status": status})

    @rule(who=WHO, number=NUMBER, choice=CHOICE, checked=st.booleans())
    def change_encounter(self, who: Any, number: int, choice: int, checked: bool) -> None:
        more = [check(number)] if checked else []
        stored = self.world.get(f"Encounter/encounter{number}")
        status = self.target(stored, "Encounter", choice)
        self.act(who, (stored or encounter(number)) | {"status": status}, *more)

    @rule(who=WHO, number=NUMBER, choice=CHOICE)
    def change_session(self, who: Any, number: int, choice: int) -> None:
        stored = self.world.get(f"Procedure/session{number}")
        status = self.target(stored, "Procedure", choice)
        self.act(who, (stored or session(number)) | {"status": status, "statusReason": {"text": "So."}})

    @rule(number=NUMBER)
    def work(self, number: int) -> None:
        """A whole visit as a clinic would record it, so that the episodes get somewhere."""
        clinic = ("Organization/clinic", "clinic")
        self.act(clinic, appointment(number))
        self.act(clinic, plan(), goal())
        self.act(clinic, encounter(number), check(number))
        self.act(clinic, session(number), encounter(number, status="finished"))
        self.act(clinic, self.stored(f"Appointment/visit{number}", appointment(number)) | {"status": "arrived"})
        self.act(clinic, self.stored(f"Appointment/visit{number}", appointment(number)) | {"status": "fulfilled"})

    @rule(who=WHO, choice=CHOICE)
    def change_report(self, who: Any, choice: int) -> None:
        stored = self.world.get("DiagnosticReport/report")
        status = self.target(stored, "DiagnosticReport", choice)
        self.act(who, (stored or report()) | {"status": status})

    @precondition(lambda self: not self.world.get("DetectedIssue/issue"))
    @rule()
    def find_contraindication(self) -> None:
        self.send(SYSTEM, alongside=(issue(),))

    @rule(status=st.sampled_from(["mitigated", "final"]))
    def judge_contraindication(self, status: str) -> None:
        if self.world.get("DetectedIssue/issue"):
            self.send(SYSTEM, alongside=(issue(status=status),))

    @rule()
    def finish(self) -> None:
        """The end of a happy episode, if it has come so far."""
        clinic = ("Organization/clinic", "clinic")
        outputs = [output("final-report", "DiagnosticReport/report")]
        achieved = {"achievementStatus": {"text": "Yes."}}
        self.act(clinic, self.stored("DiagnosticReport/report", report()) | {"status": "final"})
        self.act(
            clinic,
            self.tasks()[-1] | {"status": "completed", "output": outputs},
            self.stored("CarePlan/plan", plan()) | {"status": "revoked"},
            self.stored("Goal/goal", goal()) | achieved,
        )

    @rule(days=st.sampled_from([1, 20, 200]))
    def wait(self, days: int) -> None:
        before = {kind: dict(found) for kind, found in self.world.stored.items()}
        self.world.let_time_pass(timedelta(days=days))
        self.look_at_change(before)

    def look_at_change(self, before: dict[str, dict[str, Content]]) -> None:
        """What must be true of a single unit: one Provenance per change of state, and nothing unsafe in it."""
        view = View("order", self.world.stored, "")
        unsafe = any(is_open(one) for one in self.world.all("DetectedIssue"))
        new = [one for one in self.world.all("Provenance") if one["id"] not in before.get("Provenance", {})]
        targets = [target["reference"] for one in new for target in one["target"]]
        changed = []
        for type, contents in self.world.stored.items():
            for logical_id, content in contents.items():
                machine = MACHINES.get(view.kind(content))
                old = before.get(type, {}).get(logical_id, {})
                if machine is None:
                    continue
                state, former = content[machine.element], old.get(machine.element)
                if state != former or business_of(content) != business_of(old):
                    changed.append(f"{type}/{logical_id}")
                if state != former:
                    assert former not in machine.terminal or state == "entered-in-error"
                    assert not (unsafe and (type, state) in {("Procedure", "completed"), ("Encounter", "in-progress")})
                    assert not (unsafe and view.kind(content) == "Task" and state in {"accepted", "in-progress"})
                    if view.kind(content) == "Task" and state == "cancelled" and former in STARTED:
                        assert self.granted(before), "started work is cancelled only by an abort that is accepted"
        assert sorted(targets) == sorted(changed)

    def granted(self, before: dict[str, dict[str, Content]]) -> bool:
        """Whether an abort Task was completed in the unit."""
        return any(
            is_abort(one) and one["status"] == "completed" and before["Task"].get(one["id"], {}).get("status") in ASKED
            for one in self.world.all("Task")
        )

    @invariant()
    def one_live_task_with_one_owner(self) -> None:
        assert sum(one["status"] in LIVE for one in self.tasks()) <= 1
        for one in self.tasks():
            owner = reference_in(one.get("owner"))
            if owner:
                assert self.owners.setdefault(one["id"], owner) == owner
            else:
                assert one["status"] in {"requested", "cancelled", "entered-in-error"}

    @invariant()
    def business_status_fits(self) -> None:
        for one in self.tasks():
            assert consistent(one["status"], business_of(one)), (one["status"], business_of(one))

    @invariant()
    def an_active_referral_has_a_task_that_is_live_or_says_how_it_ended(self) -> None:
        if self.world.get("ServiceRequest/order").get("status") == "active":
            assert self.tasks()
            live = any(one["status"] in LIVE for one in self.tasks())
            assert live or any(business_of(one) for one in self.tasks())

    @invariant()
    def nothing_is_in_progress_against_a_contraindication(self) -> None:
        if any(is_open(one) for one in self.world.all("DetectedIssue")):
            assert all(one["status"] != "in-progress" for one in self.tasks())

    @invariant()
    def what_ended_leaves_nothing_open(self) -> None:
        if any(one["status"] in LIVE for one in self.tasks()):
            return
        assert all(one["status"] not in OPEN_VISIT for one in self.world.all("Appointment"))
        assert all(one["status"] in {"revoked", "completed"} for one in self.world.all("CarePlan"))
        view = View("order", self.world.stored, "")
        assert not view.open_aborts()
        if all(one["status"] != "completed" for one in self.tasks()):
            assert all(one["lifecycleStatus"] not in OPEN_GOAL for one in self.world.all("Goal"))
            assert all(one["status"] not in {"planned", "active"} for one in self.world.all("EpisodeOfCare"))

    @invariant()
    def a_revoked_referral_keeps_only_started_work(self) -> None:
        if self.world.get("ServiceRequest/order").get("status") in {"revoked", "entered-in-error"}:
            assert all(one["status"] in STARTED for one in self.tasks() if one["status"] in LIVE)

    @invariant()
    def sessions_are_counted_and_within_what_was_ordered(self) -> None:
        view = View("order", self.world.stored, "")
        done = len(view.delivered())
        most = Allowance(view).ordered
        assert most is None or done <= most
        live = view.live_task()
        if live is not None and done:
            progress = [one for one in live.get("output", ()) if code_in(one["type"], TASK_IO) == "sessions-progress"]
            assert [one["valueRatio"]["numerator"]["value"] for one in progress] == [done]


ReferralLoop.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestReferralLoop = ReferralLoop.TestCase
