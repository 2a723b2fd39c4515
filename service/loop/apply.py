"""$apply of a protocol: https://hl7.org/fhir/R4/plandefinition-operation-apply.html

It reads the patient and the referral as the caller sees them. The safety rules look at everything that is known, as
for the referral's own DetectedIssues; where none are made, at what the caller sees. Nothing is stored.

| what is wrong                                                    | status and error code                         |
| ---------------------------------------------------------------- | --------------------------------------------- |
| a parameter is missing, unknown, or has not its form             | 400 `parameter-required`, `parameter-unknown` |
| one that R4 has and a protocol does not depend on                | 400 `parameter-unsupported`                   |
| subject, referral, practitioner ... are not there, or not seen   | 404 `not-found`                               |
| the scopes do not let the caller read what the draft is made of  | 403 `forbidden`                               |
| the protocol does not come with the service                      | 404 `not-found`                               |
| the referral is of another patient                               | 422 `subject-mismatch`                        |
| massage is contraindicated, no visit or no technique is left ... | 422 `guard-safety`, `guard-visits`, ...       |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.access.permission import may_read
from service.fhir import codec
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, failure
from service.fhir.reference import parse_local
from service.loop.episode import decoded
from service.loop.known import Known
from service.massage import protocol
from service.massage.cycle.allowance import Allowance
from service.massage.outcome import Measures
from service.massage.protocol.definitions import VERSION
from service.operations.parameters import Taken, missing, sent

if TYPE_CHECKING:
    from service.fhir.interaction import Context, Operation
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.loop.referrals import Referrals
    from service.loop.safety import Safety
    from service.massage.payers import Payers
    from service.massage.protocol import Protocol, Protocols
    from service.operations.parameters import Sent
    from service.store.store import Session

    Name = tuple[str, str]

TAKEN: Final = Taken(
    operation="apply",
    kinds={
        "subject": "text",
        "referral": "text",
        "planDefinition": "text",
        "canonical": "text",
        "practitioner": "text",
        "organization": "text",
        "encounter": "text",
        "bundled": "boolean",
    },
    unsupported=dict.fromkeys(
        ("userType", "userLanguage", "userTaskContext", "setting", "settingContext"),
        "A protocol is the same for every user and setting: leave the parameter out.",
    ),
)
"""R4's parameters, and referral, canonical and bundled, which are ours."""

_TYPE: Final = "PlanDefinition"
_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "subject": ("Patient",),
    "referral": ("ServiceRequest",),
    "practitioner": ("Practitioner", "PractitionerRole"),
    "organization": ("Organization",),
    "encounter": ("Encounter",),
}
_NEEDED: Final = ("Patient", "ServiceRequest", "DetectedIssue")
"""What a draft says something of."""


class _Given(Struct, frozen=True, kw_only=True):
    """The resources that the parameters name, as the caller sees them, by parameter."""

    names: dict[str, Name]
    contents: dict[str, Content]

    def reference(self, parameter: str) -> str | None:
        """``Type/id`` of what a parameter names."""
        return "/".join(self.names[parameter]) if parameter in self.names else None


class Apply:
    """Applies the protocols that come with the service."""

    def __init__(self, protocols: Protocols, referrals: Referrals, safety: Safety, payers: Payers) -> None:
        self._protocols = protocols
        self._measures = Measures(protocols.catalogue)
        self._referrals = referrals
        self._safety = safety
        self._payers = payers

    async def __call__(self, parts: Parts, context: Context, operation: Operation) -> Answer:
        """The CarePlan, or with `bundled` a transaction that creates it; FhirError as the table above says."""
        if operation.type != _TYPE:
            raise failure("operation-unknown", f"$apply works on the type or an instance of {_TYPE}.")
        given = sent(operation, TAKEN, parts.validator)
        row = self._row(operation, given)
        async with parts.store.session() as session:
            found = await _resources(parts, session, context, given)
            case = await self._case(parts, session, context, row, found)
        plan = protocol.apply(self._protocols, row, case)
        body = protocol.bundled(plan) if given.flag("bundled") else plan
        return Answer(result=Result.OK, body=codec.encode(body))

    def _row(self, operation: Operation, given: Sent) -> Protocol:
        """The protocol of the instance, or of the canonical URL or reference; FhirError not-found."""
        named = [name for name in ("planDefinition", "canonical") if given.one(name) is not None]
        if operation.id is not None:
            if named:
                told = f"{named[0]} names a protocol only where $apply is called on the type."
                raise failure("parameter-value", told, f"http.{named[0]}")
            url, parameter = f"{_TYPE}/{operation.id}", "id"
        elif len(named) == 1:
            url, parameter = given.one(named[0]), named[0]
        else:
            raise missing("Name one protocol by planDefinition or canonical, or call $apply on it.", "planDefinition")
        plain, _, version = url.partition("|")
        row = self._protocols.rows.get(plain.rpartition(f"{_TYPE}/")[2])
        if row is None or version not in ("", VERSION):
            known = ", ".join(self._protocols.rows)
            raise failure("not-found", f"Only what comes with the service is applied: {known}.", f"http.{parameter}")
        return row

    async def _case(
        self, parts: Parts, session: Session, context: Context, row: Protocol, found: _Given
    ) -> protocol.Case:
        now, (_, patient) = context.received_at, found.names["subject"]
        about = (await self._safety.known_of(session.of_the_service(), [patient], (), context.base))[patient]
        if parts.rules is None:
            # nobody has been told of dangers by DetectedIssues, so only what the caller sees may tell of them
            about = await _seen(session, about)
        referral = found.contents.get("referral") or await self._only_referral(session, about)
        _check_referral(self._referrals, referral, self._safety.patient_of(referral, context.base), patient)
        known = await Known.of(self._safety, parts, session, context, referral, patient, about)
        policy = self._payers.policy_of(referral, known.view.resources, context.base)
        return protocol.Case(
            patient=f"Patient/{patient}",
            referral=referral,
            screening=known.screening,
            today=now.astimezone(parts.zone).date(),
            therapist=await _therapist(parts, session, context, found),
            author=found.reference("practitioner"),
            organisation=found.reference("organization"),
            encounter=found.reference("encounter"),
            left=Allowance(known.view, policy, parts.zone).remaining(now),
            measured=await known.measured(session, context, row.goals, self._measures, parts.zone),
            cleared=known.cleared,
            issues=known.issues,
            policy=policy,
        )

    async def _only_referral(self, session: Session, about: list[Content]) -> Content:
        """The one active referral of the patient that the caller sees; FhirError where there is another number."""
        names = [
            ("ServiceRequest", each["id"])
            for each in about
            if self._referrals.has(each) and each.get("status") == "active"
        ]
        seen = await session.current(names, lock=False) if names else {}
        if len(seen) != 1:
            told = f"The patient has {len(seen)} active referrals here; name one by referral, such as ServiceRequest/1."
            raise missing(told, "referral")
        return decoded(next(iter(seen.values())))


async def _resources(parts: Parts, session: Session, context: Context, given: Sent) -> _Given:
    """What the parameters name; FhirError forbidden, parameter-value or not-found."""
    names: dict[str, Name] = {}
    if given.one("subject") is None:
        raise missing("Name the patient by subject, such as Patient/1.", "subject")
    for parameter, kinds in _KINDS.items():
        if (reference := given.one(parameter)) is None:
            continue
        target = parse_local(reference, context.base, parts.definitions.resource_types)
        if target is None or target.type not in kinds:
            told = f"{parameter} takes a reference such as {kinds[0]}/1."
            raise failure("parameter-value", told, f"http.{parameter}")
        names[parameter] = (target.type, target.id)
    needed = dict.fromkeys((*_NEEDED, *(kind for kind, _ in names.values())))
    refused = [each for each in needed if context.actor is not None and not may_read(context.actor, each)]
    if refused:
        told = f"$apply takes scopes that read, without a limit: {', '.join(refused)}."
        raise failure("forbidden", told)
    seen = await session.current(list(dict.fromkeys(names.values())), lock=False)
    for parameter, name in names.items():
        if name not in seen or seen[name].content is None:
            raise failure("not-found", f"There is no such {name[0]}.", f"http.{parameter}")
    return _Given(names=names, contents={each: decoded(seen[name]) for each, name in names.items()})


async def _seen(session: Session, contents: list[Content]) -> list[Content]:
    """Those that the caller sees."""
    names = [(each["resourceType"], each["id"]) for each in contents]
    seen = await session.current(names, lock=False) if names else {}
    return [each for each, name in zip(contents, names, strict=True) if name in seen]


async def _therapist(parts: Parts, session: Session, context: Context, found: _Given) -> Content | None:
    """The Practitioner, also behind a PractitionerRole; None where none is named or seen."""
    content = found.contents.get("practitioner")
    if content is None or content["resourceType"] == "Practitioner":
        return content
    reference: Any = content.get("practitioner", {}).get("reference", "")
    target = parse_local(reference, context.base, parts.definitions.resource_types) if reference else None
    if target is None or target.type != "Practitioner":
        return None
    if context.actor is not None and not may_read(context.actor, target.type):
        return None
    version = (await session.current([(target.type, target.id)], lock=False)).get((target.type, target.id))
    return decoded(version) if version is not None and version.content is not None else None


def _check_referral(referrals: Referrals, referral: Content, subject: str | None, patient: str) -> None:
    if subject != patient:
        raise failure("subject-mismatch", "The referral is of another patient than subject.", "http.referral")
    if not referrals.has(referral) or referral.get("status") != "active":
        told = "A plan is for a referral to medical massage that is active."
        raise failure("guard-referral", told, "http.referral")
