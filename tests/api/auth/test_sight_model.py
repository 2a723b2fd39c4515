"""Who sees what, against a model of it: sets in Python, and the rules of `service.fhir.sight` by the letter.

Three organisations write referrals and what hangs on them at random, with references to what they see and what they do
not see; afterwards each of them is asked for everything.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.reference import identity_of
from service.fhir.sight import EVERY_CLINIC, edges, parties
from tests.api.auth.organisations import Organisation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from tests.api.auth.conftest import Workers

ROLES = {"hospital": "referrer", "east": "clinic", "west": "clinic"}
STEPS = 50
BASE = "http://testserver/fhir"
TYPES = ("Patient", "Condition", "ServiceRequest", "Task", "CarePlan", "Goal", "Encounter", "Observation")


@dataclass
class Model:
    """What is stored, whose it is, and what follows from that."""

    contents: dict[str, dict[str, Any]] = field(default_factory=dict)
    makers: dict[str, str] = field(default_factory=dict)
    members: dict[str, dict[str, bool]] = field(default_factory=dict)
    """Referral → what belongs to it → whether that hangs on it or is only referred to."""
    parties: dict[str, set[tuple[str, UUID, str]]] = field(default_factory=dict)

    def seers(self, referral: str, reference: str, *, lasting: bool) -> Iterator[str]:
        """The organisations that are parties to a referral and see one of its members, `lasting`: not by openness."""
        every = self.parties.get(referral, set())
        counting = {each for each in every if self.counts(referral, each)}
        taken = any(standing == "performs" for _, _, standing in counting)
        found = counting | {each for each in every if reference in (referral, each[0])}
        for name, role in ROLES.items():
            own = identity_of("Organization", name)
            for _, identity, standing in found:
                is_open = identity == EVERY_CLINIC and role == "clinic" and not taken
                if identity == own or (standing == "open" and is_open and not lasting):
                    yield name
        yield self.makers[referral]

    def counts(self, referral: str, party: tuple[str, UUID, str]) -> bool:
        """Whether who is named so sees all: by the referral, by whom this names or who made it, or as the first."""
        source, _, standing = party
        maker, every, order = self.makers[source], self.parties[referral], list(self.makers)
        named = {identity for each, identity, _ in every if each == referral}
        earlier = {
            each
            for each, _, their in every
            if their in ("performs", "ended") and order.index(each) < order.index(source)
        }
        if standing == "ended":
            return False
        if source == referral or maker == self.makers[referral] or identity_of("Organization", maker) in named:
            return True
        return standing == "performs" and not earlier

    def takes_part(self, name: str, referral: str) -> bool:
        """Whether an organisation made a referral, counts as a party to it, or may claim it."""
        return name in self.seers(referral, "", lasting=False)

    def may_change(self, name: str, reference: str, content: dict[str, Any]) -> bool:
        """Whether an organisation may change a Task of another one so."""
        if self.makers[reference] == name or content["resourceType"] != "Task":
            return True
        before, after = (
            (
                {*parties(each, BASE, {*TYPES, "Organization"})},
                {edge for edge in edges(each, BASE, TYPES) if edge.hangs},
            )
            for each in (self.contents[reference], content)
        )
        if after[0] <= before[0] and after[1] <= before[1]:
            return True
        known = {identity_of(*each.split("/")): each for each in self.contents}
        targets = {known[edge.target] for edge in after[1] if edge.target in known}
        carriers = {reference, *(each for each in targets if self.sees(name, each))}
        concerned = [key for key, members in self.members.items() if any(members.get(each) for each in carriers)]
        return all(self.takes_part(name, key) for key in concerned)

    def sees(self, name: str, reference: str, *, lasting: bool = False) -> bool:
        """Whether an organisation sees a resource."""
        referrals = [each for each, members in self.members.items() if reference in members]
        return self.makers[reference] == name or any(
            name in self.seers(each, reference, lasting=lasting) for each in referrals
        )

    def write(self, name: str, reference: str, content: dict[str, Any]) -> None:
        """Note what an organisation wrote; what is there already is not written again."""
        if self.contents.get(reference) == content:
            return
        self.contents[reference] = content
        self.makers.setdefault(reference, name)
        known = {identity_of(*each.split("/")): each for each in self.contents}
        flows: set[tuple[str, str, bool]] = set()
        carriers = {reference}
        for edge in edges(content, BASE, TYPES):
            target = known.get(edge.target)
            if target is None or not self.sees(name, target):
                continue
            if edge.hangs:
                flows.add((target, reference, True))
                carriers.add(target)
            if edge.shares and self.sees(name, target, lasting=True):
                flows.add((reference, target, False))
        belongs = self.belongings(name, reference, flows, carriers)
        for each, key, hangs in belongs:
            members = self.members.setdefault(key, {})
            members[each] = hangs or members.get(each, False)
        self.name_parties(reference, content, {key for each, key, hangs in belongs if each == reference and hangs})

    def belongings(
        self, name: str, reference: str, flows: set[tuple[str, str, bool]], carriers: set[str]
    ) -> set[tuple[str, str, bool]]:
        """(resource, referral, whether it hangs on it) that follow from what an organisation wrote."""
        belongs = {
            (each, key, self.members[key][each])
            for key in self.members
            if self.sees(name, key)
            for each in self.members[key].keys() & carriers
        }
        rooted = {each for members in self.members.values() for each, hangs in members.items() if hangs}
        rooted |= {end for _, end, hangs in flows if hangs}
        if reference.startswith("ServiceRequest/"):
            belongs.add((reference, reference, True))
            rooted.add(reference)
        while (
            more := {
                (end, key, hangs)
                for each, key, leads in belongs
                for start, end, hangs in flows
                if start == each and (leads or each not in rooted)
            }
            - belongs
        ):
            belongs |= more
        return belongs

    def name_parties(self, reference: str, content: dict[str, Any], referrals: set[str]) -> None:
        """Note the parties that a resource makes to the referrals that it belongs to."""
        for key, found in self.parties.items():
            self.parties[key] = {each for each in found if each[0] != reference}
        for party in parties(content, BASE, {*TYPES, "Organization"}):
            for key in referrals if content["resourceType"] == "Task" else (reference,):
                self.parties.setdefault(key, set()).add((reference, party.identity, party.standing))


class Author:
    """Writes at random."""

    def __init__(self, seed: int, model: Model) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret hangs on it
        self._model = model

    def reference(self, *types: str) -> dict[str, str]:
        """To a resource of one of the types, seen or not, or to none."""
        every = [each for each in self._model.contents if each.split("/")[0] in types]
        return {"reference": self._random.choice([*every, f"{types[0]}/none"])}

    def organisation(self) -> dict[str, str]:
        return {"reference": f"Organization/{self._random.choice([*ROLES])}"}

    def some(self, **elements: Any) -> dict[str, Any]:
        return {name: value for name, value in elements.items() if self._random.random() < 0.7}

    def content(self, resource_type: str) -> dict[str, Any]:
        subject, referral = self.reference("Patient"), self.reference("ServiceRequest")
        made: dict[str, Any] = {"resourceType": resource_type}
        match resource_type:
            case "Condition":
                made |= {"subject": subject, **self.some(encounter=self.reference("Encounter"))}
            case "ServiceRequest":
                made |= {"status": self._random.choice(["active", "revoked"]), "intent": "order", "subject": subject}
                made |= self.some(
                    requester=self.organisation(), performer=[self.organisation()], basedOn=[referral]
                ) | self.some(
                    reasonReference=[self.reference("Condition")], supportingInfo=[self.reference("Observation")]
                )
            case "Task":
                made |= {"status": self._random.choice(["requested", "rejected", "accepted"]), "intent": "order"}
                made |= self.some(focus=referral, owner=self.organisation(), requester=self.organisation())
                made["for"] = subject
            case "CarePlan":
                made |= {"status": "active", "intent": "plan", "subject": subject}
                made |= self.some(supportingInfo=[referral], goal=[self.reference("Goal")])
            case "Goal":
                made |= {"lifecycleStatus": "active", "description": {"text": "less pain"}, "subject": subject}
                made |= self.some(addresses=[self._random.choice([referral, self.reference("Condition")])])
            case "Encounter":
                made |= {"status": "planned", "class": {"code": "AMB"}, "subject": subject}
                made |= self.some(basedOn=[referral])
            case "Observation":
                made |= {"status": "final", "code": {"text": "pain"}, "subject": subject}
                made |= self.some(basedOn=[self._random.choice([referral, self.reference("CarePlan")])])
                made |= self.some(encounter=self.reference("Encounter"), derivedFrom=[self.reference("Observation")])
        return made

    def step(self) -> tuple[str, str | None, dict[str, Any]]:
        """Who writes, which resource it updates (None: a new one), and the content."""
        name = self._random.choice([*ROLES])
        joint = [each for each in self._model.contents if each.startswith("Task/") and self._model.sees(name, each)]
        own = [each for each, maker in self._model.makers.items() if maker == name]
        if (joint or own) and self._random.random() < 0.3:
            reference = self._random.choice([*joint, *own])
            return name, reference, self.content(reference.split("/")[0])
        return name, None, self.content(self._random.choice(TYPES))


@pytest.fixture(scope="module")
async def organisations(workers: Workers) -> dict[str, Organisation]:
    found = {}
    for name, role in ROLES.items():
        await workers.register(name, role=role, organisation=f"Organization/{name}", requests_per_minute=10**6)
        found[name] = Organisation(workers.one, await workers.bearer(name))
    return found


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(3, 300))])
async def test_everybody_sees_what_the_rules_say(organisations: dict[str, Organisation], seed: int) -> None:
    """By reads, and by what searches of the types find."""
    model = Model()
    author = Author(seed, model)
    for _ in range(STEPS):
        name, reference, content = author.step()
        if reference is None:
            reference = await organisations[name].post(content)
        else:
            logical_id = reference.split("/")[1]
            updated = await organisations[name]("PUT", reference, content | {"id": logical_id})
            if not model.may_change(name, reference, content):
                assert updated.status_code == 403, updated.text
                continue
            assert updated.status_code == 200, updated.text
        model.write(name, reference, content)
    for name, organisation in organisations.items():
        expected = {each for each in model.contents if model.sees(name, each)}
        assert {each for each in model.contents if await organisation.sees(each)} == expected, name
        found = set()
        for resource_type in TYPES:
            found |= await organisation.found(f"{resource_type}?_count=1000")
        assert found & model.contents.keys() == expected, name
