"""The patient's record, screened for a referral: what becomes of its DetectedIssues, and who is told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from service.fhir.concept import codings
from service.fhir.reference import parse_local
from service.fhir.stamp import new_logical_id
from service.loop.episode import decoded
from service.massage.cycle import Change, Refusal
from service.massage.screening.detected_issue import revised
from service.massage.screening.duplicate import similar_referral, unnamed
from service.massage.screening.mitigation import Clearance, open_absolute
from service.massage.screening.record import READ_TYPES, record_of
from service.massage.screening.screen import screen
from service.massage.screening.urgent_communication import COMMUNICATION_SYSTEM, urgent_communication
from service.store.referrals import about, resources

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from service.fhir.resource import Content
    from service.fhir.search.registry import Registry
    from service.interactions.rules import Proposal
    from service.loop.episode import Loaded, Organisations
    from service.loop.referrals import Referrals
    from service.massage.cycle import Episode, Party
    from service.massage.screening.finding import Screening
    from service.massage.screening.rules import Rules
    from service.store.store import Session

_MOST: Final = 2000
"""Resources of one kind of a patient that are looked at; with more the record counts as not read to its end."""
_CLEARING: Final = frozenset({"DocumentReference", "DiagnosticReport"})


class Safety:
    """Screens referrals by the rules in force."""

    def __init__(self, rules: Rules, referrals: Referrals, registry: Registry, types: Collection[str]) -> None:
        self._rules = rules
        self._referrals = referrals
        self._types = types
        self._sources = {
            name: registry.parameters(name)["patient"].source_numbers
            for name in (*READ_TYPES, "ServiceRequest")
            if "patient" in registry.parameters(name)
        }

    @property
    def order_sources(self) -> Sequence[int]:
        """The sources of the index by which an order names its patient."""
        return tuple(self._sources["ServiceRequest"])

    def may_endanger(self, content: Content) -> bool:
        """Whether a resource may bear on a rule: of observations, those whose codes a rule names."""
        if content["resourceType"] != "Observation":
            return content["resourceType"] in self._sources
        codes = [*codings(content.get("code"))]
        codes += [each for part in content.get("component", ()) for each in codings(part.get("code"))]
        return any(each.get("code") in self._rules.index.observed for each in codes)

    def patient_of(self, content: Content, base: str) -> str | None:
        """The id of the patient that a resource is about, None where it names none of this service."""
        subject = content.get("subject") or content.get("patient")
        reference = subject.get("reference") if isinstance(subject, dict) else None
        target = parse_local(reference, base, self._types) if isinstance(reference, str) else None
        return target.id if target is not None and target.type == "Patient" else None

    async def known_of(
        self, session: Session, patients: Sequence[str], proposals: Sequence[Proposal], base: str
    ) -> dict[str, list[Content]]:
        """What is known of each patient once the unit is written: all that screening reads, and the referrals."""
        if not patients:
            return {}
        sources = [number for numbers in self._sources.values() for number in numbers]
        asked = stored_patients(patients, proposals)
        stored = [decoded(each) for each in await about(session, asked, sources, most=_MOST + 1)] if asked else []
        found = {(each["resourceType"], each["id"]): each for each in stored}
        for each in proposals:
            if each.type not in self._sources:
                continue
            if each.after is None:
                found.pop((each.type, each.id), None)
            else:
                found[each.type, each.id] = {**each.after, "id": each.id}
        of_patients: dict[str, list[Content]] = {each: [] for each in patients}
        for content in found.values():
            patient = self.patient_of(content, base)
            if patient in of_patients:
                of_patients[patient].append(content)
        return of_patients

    async def screened(self, session: Session, loaded: Loaded, known: Sequence[Content], now: datetime) -> Screening:
        """What the rules find for a referral in what is known of its patient."""
        return self.screening_of(loaded, await self.with_medicines(session, known), now)

    def screening_of(self, loaded: Loaded, known: Sequence[Content], now: datetime) -> Screening:
        """The same where the Medications that prescriptions refer to are among what is known."""
        counted: dict[str, int] = {}
        for each in known:
            counted[each["resourceType"]] = counted.get(each["resourceType"], 0) + 1
        unread = [name for name, number in counted.items() if number > _MOST]
        responses = [content for (name, _), content in loaded.contents.items() if name == "QuestionnaireResponse"]
        screening = screen(loaded.content, record_of(known, unread=unread, responses=responses), self._rules, now)
        others = [each for each in known if self._referrals.has(each)]
        similar = similar_referral(loaded.content, others, now)
        if similar is None:
            return screening
        # the clinic that is asked by this referral may have no part in the other one
        return replace(screening, findings=(*screening.findings, unnamed(similar)))

    async def with_medicines(self, session: Session, known: Sequence[Content]) -> list[Content]:
        """What is known of a patient, with the Medications that prescriptions refer to."""
        named = set()
        for each in known:
            reference = each.get("medicationReference", {}).get("reference")
            target = parse_local(reference, "", self._types) if isinstance(reference, str) else None
            if target is not None and target.type == "Medication":
                named.add((target.type, target.id))
        return [*known, *(decoded(each) for each in (await resources(session, named) if named else ()))]

    def changes(self, loaded: Loaded, screening: Screening, patient: str, now: datetime) -> list[Change]:
        """The DetectedIssues that follow, and a message to the referrer for each red flag that is new."""
        stored = [content for (name, _), content in loaded.contents.items() if name == "DetectedIssue"]
        subject = f"Patient/{patient}"
        revision = revised(stored, screening.findings, loaded.reference, subject, now)
        before = {issue["id"]: issue for issue in stored}
        made = [_made(content, now) for content in revision.created]
        changed = [
            Change(type="DetectedIssue", id=content["id"], before=before[content["id"]], after=content)
            for content in (*revision.updated, *revision.withdrawn)
        ]
        told = {
            each.get("value")
            for (name, _), content in loaded.contents.items()
            if name == "Communication"
            for each in content.get("identifier", ())
            if each.get("system") == COMMUNICATION_SYSTEM
        }
        urgent = [
            _made(
                urgent_communication(
                    finding,
                    referral_reference=loaded.reference,
                    patient_reference=subject,
                    recipient=loaded.content.get("requester"),
                    now=now,
                ),
                now,
            )
            for finding in screening.red_flags
            if f"{loaded.reference}/{finding.rule}" not in told
        ]
        return [*made, *changed, *urgent]

    def is_open_absolute(self, issue: Content, clearance: Clearance) -> bool:
        """Whether a DetectedIssue forbids massage until somebody clears it."""
        return bool(open_absolute([issue], clearance))


def stored_patients(patients: Sequence[str], proposals: Sequence[Proposal]) -> list[str]:
    """Those of the patients, by their ids, whom the unit does not make: of the others nothing is stored."""
    made = {each.id for each in proposals if each.type == "Patient" and each.before is None}
    return [each for each in patients if each not in made]


def clearance_of(
    episode: Episode, organisations: Organisations, contents: Mapping[str, Mapping[str, Content]]
) -> Clearance:
    """Who may clear absolute issues of a referral, and whether a document that does so is attached."""
    requester = episode.referral.get("requester", {}).get("reference", "")
    referrer = organisations.resolve(requester)
    authors = {requester}
    for logical_id, role in contents.get("PractitionerRole", {}).items():
        if referrer is not None and organisations.resolve(f"PractitionerRole/{logical_id}") == referrer:
            authors |= {f"PractitionerRole/{logical_id}", role.get("practitioner", {}).get("reference", "")}
    attached = [*episode.referral.get("supportingInfo", ())]
    for task in contents.get("Task", {}).values():
        attached += [each["valueReference"] for each in task.get("input", ()) if "valueReference" in each]
    named = [each.get("reference", "").partition("/") for each in attached]
    documented = any(kind in _CLEARING and logical_id in contents.get(kind, {}) for kind, _, logical_id in named)
    return Clearance(authors=frozenset(authors - {""}), is_documented=documented)


def foreign_clearance(own: Sequence[Proposal], party: Party) -> tuple[Refusal, ...]:
    """Why a mitigation is not written: of an absolute issue, nobody but the referrer says that it is cleared.

    An author that is named in a mitigation proves nothing, and a directory that all write to even less.
    """
    if party.roles & {"referrer", "system"}:
        return ()
    told = "Only the referrer mitigates an absolute contraindication; the clinic asks with an abort or change Task."
    return tuple(
        Refusal(code="wrong-actor", text=told, expression="DetectedIssue.mitigation")
        for each in own
        if each.type == "DetectedIssue" and each.before is not None and each.after is not None
        if each.before.get("severity") == "high" and each.before.get("mitigation") != each.after.get("mitigation")
    )


def _made(content: Content, now: datetime) -> Change:
    logical_id = new_logical_id(now)
    kind = content["resourceType"]
    return Change(type=kind, id=logical_id, before=None, after={**content, "id": logical_id})
