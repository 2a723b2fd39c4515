"""What an organisation sees: what it made, the referrals that it is a party to, and what hangs on these.

A referral is a ServiceRequest. Membership of a referral flows along references, as they are when their resource is
written and as far as the writer sees their targets: what hangs on a member (`HANGS`) is one too, and so is what a
member refers to, its subject only where the referral itself names it, another referral only where a referral does.
What is only referred to leads no further where it hangs on something itself: who bases an order on another one sees
that one, and not what is done for it. The parties (`PARTIES`) see all members, and nobody becomes one by a Task of his
own (`store.sight`). An open referral, which names nobody who is to perform it, is seen by every clinic until
somebody does.

What describes things and persons of the trade, and no patient (`OPEN_TYPES`), everybody sees.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

from service.fhir.concept import codings
from service.fhir.links import local_references
from service.fhir.reference import digest_of, identity_of, parse_local
from service.fhir.search.parameter import source_number
from service.fhir.stamp import same_content

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping
    from uuid import UUID

    from service.fhir.resource import Content

Standing = Literal["named", "performs", "ended", "open"]
"""Of a party: it is named in the referral; it performs it, so nobody else may claim it; it did; anybody may.

Whose part has ended sees the referral, and the Task that says so, and nothing else that is not its own. So does whom a
Task names that is about the work, or that somebody made for himself.
"""

SeenName = Literal["seen_by"]
SEEN: Final[SeenName] = "seen_by"
"""The rows of a resource that say who sees it, beside those of the index."""

REFERRAL: Final = "ServiceRequest"

EVERY_CLINIC: Final = digest_of("every clinic")
"""In the place of an organisation: all that are registered as clinics."""

ADMINISTRATION: Final = digest_of("the administration of the service")
"""In the place of an organisation: administrators who act for none."""

KNOWLEDGE: Final = frozenset(
    {
        "ActivityDefinition",
        "CapabilityStatement",
        "CodeSystem",
        "ConceptMap",
        "Library",
        "NamingSystem",
        "OperationDefinition",
        "PlanDefinition",
        "Questionnaire",
        "SearchParameter",
        "StructureDefinition",
        "ValueSet",
    }
)
"""The types of knowledge and conformance: they are about nobody."""

OPEN_TYPES: Final = KNOWLEDGE | {
    # the directory
    "Endpoint",
    "HealthcareService",
    "Location",
    "Organization",
    "Practitioner",
    "PractitionerRole",
}
"""The types that every client sees: none of them is about a patient."""

JOINTLY_WRITTEN: Final = frozenset({"DetectedIssue", "Task"})
"""The types that all parties to a referral change; others are changed, and all deleted, by the one that made them."""

ADDED_TO: Final[Mapping[str, str]] = {"Patient": "identifier"}
"""Type → the element to which whoever sees a resource of another organisation adds entries of its own.

They name it as their `assigner`, and a `system` in which nobody else has identified the resource: by those of others
these find it again.
"""

HANGS: Final[Mapping[str, frozenset[str]]] = {
    "Appointment": frozenset({"basedOn"}),
    "AppointmentResponse": frozenset({"appointment"}),
    "CarePlan": frozenset({"basedOn", "encounter", "partOf", "replaces", "supportingInfo"}),
    "CareTeam": frozenset({"encounter"}),
    "Claim": frozenset({"item.encounter", "referral"}),
    "ClaimResponse": frozenset({"request"}),
    "ClinicalImpression": frozenset({"encounter", "previous"}),
    "Communication": frozenset({"about", "basedOn", "encounter", "inResponseTo", "partOf"}),
    "CommunicationRequest": frozenset({"about", "basedOn", "encounter", "replaces"}),
    "Composition": frozenset({"encounter", "relatesTo.targetReference"}),
    "Condition": frozenset({"encounter"}),
    "DetectedIssue": frozenset({"implicated"}),
    "DiagnosticReport": frozenset({"basedOn", "encounter"}),
    "DocumentReference": frozenset({"context.encounter", "context.related", "relatesTo.target"}),
    "Encounter": frozenset({"appointment", "basedOn", "episodeOfCare", "partOf"}),
    "EpisodeOfCare": frozenset({"referralRequest"}),
    "ExplanationOfBenefit": frozenset({"claim", "referral"}),
    "Flag": frozenset({"encounter"}),
    "Goal": frozenset({"addresses"}),
    "ImagingStudy": frozenset({"basedOn", "encounter"}),
    "Immunization": frozenset({"encounter"}),
    "MedicationAdministration": frozenset({"context", "partOf"}),
    "MedicationRequest": frozenset({"basedOn", "encounter"}),
    "MedicationStatement": frozenset({"basedOn", "context", "partOf"}),
    "Observation": frozenset({"basedOn", "encounter", "partOf"}),
    "Procedure": frozenset({"basedOn", "encounter", "partOf"}),
    "Provenance": frozenset({"target"}),
    "QuestionnaireResponse": frozenset({"basedOn", "encounter", "partOf"}),
    "RiskAssessment": frozenset({"basedOn", "encounter"}),
    "ServiceRequest": frozenset({"basedOn", "replaces"}),
    "SupplyDelivery": frozenset({"basedOn", "partOf"}),
    "Task": frozenset({"basedOn", "focus", "partOf"}),
}
"""Type → the elements by which it hangs on what they refer to."""

CARRIERS: Final = frozenset({*HANGS, REFERRAL}) - {"CareTeam", "Condition", "Flag", "Immunization", "Provenance"}
"""The types that other resources hang on: those of the work on one referral, and no patient's diagnoses."""

_ISSUE: Final = "DetectedIssue"
"""It hangs on the first referral that it implicates: others, such as one like it, may be others' business."""

_SUBJECTS: Final = frozenset({"beneficiary", "for", "patient", "subject"})

PARTIES: Final[Mapping[str, tuple[str, str]]] = {REFERRAL: ("requester", "performer"), "Task": ("requester", "owner")}
"""Type → the elements of those who ask, and of those who perform."""


class Role(Struct, frozen=True, kw_only=True):
    """How a type stands for an organisation: the element that refers to it, and the search parameter over that."""

    element: str
    parameter: str


ROLES: Final[Mapping[str, Role]] = {
    "HealthcareService": Role(element="providedBy", parameter="organization"),
    "PractitionerRole": Role(element="organization", parameter="organization"),
}
"""Types that stand for an organisation."""

_OVER: Final = frozenset({"cancelled", "entered-in-error", "failed", "rejected"})
"""The states of a Task whose owner does not perform it any more."""

_ABOUT_WORK: Final = frozenset({"abort", "change", "reminder"})
"""The codes of Tasks that are about the work and not the work: who asks, and is asked, takes no part by them."""

_INDEX: Final = re.compile(r"\[\d+\]")


class Sight(Struct, frozen=True, kw_only=True):
    """Who looks: `by` are the identities of the organisations, None: everything is seen.

    `maker` is whom a new resource belongs to, None: nobody.
    """

    by: tuple[UUID, ...] | None
    maker: UUID | None = None

    @property
    def lasting(self) -> tuple[UUID, ...] | None:
        """`by` without what stands for all clinics, which sees until somebody claims; None where that is not in it."""
        if self.by is None or EVERY_CLINIC not in self.by:
            return None
        return tuple(each for each in self.by if each != EVERY_CLINIC)


EVERYTHING: Final = Sight(by=None)
"""The sight of the service itself."""


class Edge(Struct, frozen=True):
    """A reference to another resource: whether one hangs on it, and whether its members see it."""

    target: UUID
    hangs: bool
    shares: bool


class Party(Struct, frozen=True):
    """Who a resource makes a party to its referral: an organisation, or a role (`ROLES`) that stands for one."""

    identity: UUID
    is_role: bool
    standing: Standing


def is_only_added(before: Content, after: Content, organisation: str, base: str, types: Container[str]) -> bool:
    """Whether a resource of others differs by what the organisation, ``Organization/clinic``, may add (`ADDED_TO`)."""
    element = ADDED_TO.get(before["resourceType"])
    if element is None:
        return False

    def is_own(entry: Mapping[str, Any]) -> bool:
        assigner = entry.get("assigner", {}).get("reference")
        named = parse_local(assigner, base, types) if isinstance(assigner, str) else None
        return named is not None and f"{named.type}/{named.id}" == organisation

    entries = [content.get(element, ()) for content in (before, after)]
    kept, stay = ([each for each in found if not is_own(each)] for found in entries)
    systems = {each.get("system") for each in kept} | {None}
    if kept != stay or any(is_own(each) and each.get("system") in systems for each in entries[1]):
        return False
    rest = [{name: value for name, value in content.items() if name != element} for content in (before, after)]
    return same_content(*rest)


@cache
def seen_number(resource_type: str) -> int:
    """The number under which the index says who sees the resources of a type."""
    return source_number(resource_type, "reference", "seen")


def edges(content: Content, base: str, types: Container[str]) -> list[Edge]:
    """The references of a resource that membership flows along."""
    resource_type = content["resourceType"]
    hangs = HANGS.get(resource_type, frozenset())
    found: dict[UUID, Edge] = {}
    is_implicated = False
    for path, target in local_references(content, base, types):
        if target.type in OPEN_TYPES:
            continue
        element = _INDEX.sub("", path)
        carried = element in hangs and target.type in CARRIERS
        if carried and resource_type == _ISSUE and target.type == REFERRAL:
            carried, is_implicated = not is_implicated, True
        shared = resource_type == REFERRAL or (element not in _SUBJECTS and target.type != REFERRAL)
        if carried or shared:
            identity = identity_of(target.type, target.id)
            before = found.get(identity, Edge(identity, hangs=False, shares=False))
            found[identity] = Edge(identity, carried or before.hangs, shared or before.shares)
    return list(found.values())


def is_linked(content: Content) -> bool:
    """Whether a resource may belong to a referral: it is one, or has an element that it could hang on one by."""
    resource_type = content["resourceType"]
    if resource_type == REFERRAL:
        return True
    return any(path.partition(".")[0] in content for path in HANGS.get(resource_type, ()))


def parties(content: Content, base: str, types: Container[str]) -> Iterator[Party]:
    """Whom a ServiceRequest or Task makes a party to its referral."""
    resource_type = content["resourceType"]
    elements = PARTIES.get(resource_type)
    if elements is None:
        return
    asks, performs = elements
    about = resource_type == "Task" and any(each.get("code") in _ABOUT_WORK for each in codings(content.get("code")))
    over = resource_type == "Task" and (about or content.get("status") in _OVER)
    yield from _named(content.get(asks), "ended" if about else "named", base, types)
    yield from _named(content.get(performs), "ended" if over else "performs", base, types)
    is_order = resource_type == REFERRAL and content.get("status") == "active" and content.get("intent") == "order"
    if is_order and not content.get(performs):
        yield Party(EVERY_CLINIC, is_role=False, standing="open")


def _named(value: object, standing: Standing, base: str, types: Container[str]) -> Iterator[Party]:
    for each in value if isinstance(value, list) else (value,):
        reference = each.get("reference") if isinstance(each, dict) else None
        target = parse_local(reference, base, types) if isinstance(reference, str) else None
        if target is None:
            continue
        identity = identity_of(target.type, target.id)
        if target.type == "Organization":
            yield Party(identity, is_role=False, standing=standing)
        elif target.type in ROLES:
            yield Party(identity, is_role=True, standing=standing)
