"""The resources that a session comes to, and the transaction that stores them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.code_systems import ACT_CODE, LOINC, OBSERVATION_CATEGORY, SNOMED, UCUM
from service.massage.cycle.terms import references_in
from service.massage.cycle.units import TIMED_UNITS
from service.massage.cycle.view import name_of
from service.massage.visits.log import PAIN_AFTER, TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from service.fhir.resource import Content
    from service.massage.session.given import Given, Surrounding

Json = dict[str, Any]

_MASSAGE: Final[Json] = {"coding": [{"system": SNOMED, "code": "387854002"}]}
_MASSAGE_THERAPY: Final[Json] = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/service-type", "code": "25"}]
}
_HAPPENED: Final = frozenset({"finished", "entered-in-error", "cancelled"})
SESSION: Final = "Procedure/~session"
VISIT: Final = "Encounter/~visit"
"""No logical id has such a character: nothing that is stored is meant."""


class Drafts(Struct, frozen=True, kw_only=True):
    """What is made, each with an id that stands for one of the server's, by the part that it plays; what is changed."""

    made: dict[str, Content]
    changed: tuple[Content, ...] = ()

    def bundle(self, new_url: Callable[[], str], etag: Callable[[Content], str]) -> tuple[Content, tuple[str, ...]]:
        """The Bundle, and which part each of its entries plays, empty for what is changed.

        `new_url` makes a ``urn:uuid`` for each new resource; `etag` tells the version that a change is made to.
        """
        urls = {name_of(content): new_url() for content in self.made.values()}
        entries: list[Json] = []
        for content in self.made.values():
            sent = {name: value for name, value in _linked(content, urls).items() if name != "id"}
            request = {"method": "POST", "url": content["resourceType"]}
            entries.append({"fullUrl": urls[name_of(content)], "resource": sent, "request": request})
        for content in self.changed:
            request = {"method": "PUT", "url": name_of(content), "ifMatch": etag(content)}
            entries.append({"resource": _linked(content, urls), "request": request})
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        return bundle, (*self.made, *("" for _ in self.changed))

    def answers(self, around: Surrounding) -> Content | None:
        """The answers as they stand without the session, None where there are none; of no Encounter that is made."""
        check = self.made.get("questionnaireResponse")
        if check is None:
            return None
        left = {"id"} if around.encounter else {"id", "encounter"}
        return {name: value for name, value in check.items() if name not in left}


def drafts(given: Given, around: Surrounding) -> Drafts:
    """The resources; those that are stored already are changed as far as the session ends them."""
    visit, changed = _visit(given, around)
    encounter = name_of(visit)
    made: dict[str, Content] = {} if around.encounter else {"encounter": visit}
    made["session"] = _session(given, around, encounter)
    for number, technique in enumerate(given.techniques):
        made[f"technique{number}"] = _technique(number, technique, given, around, encounter)
    made |= dict(_observations(given, around, encounter))
    if given.check is not None:
        made["questionnaireResponse"] = _check(given.check, around, encounter)
    if given.next_visit is not None:
        made["nextAppointment"] = _next(given, around)
    return Drafts(made=made, changed=changed)


def _visit(given: Given, around: Surrounding) -> tuple[Content, tuple[Content, ...]]:
    """The Encounter of the session, and what of the stored is changed."""
    changed: list[Content] = []
    if around.appointment is not None and around.appointment.get("status") != "fulfilled":
        changed.append({**around.appointment, "status": "fulfilled"})
    if around.encounter is not None:
        stored = around.encounter
        period = {"start": given.start} | stored.get("period", {})
        if stored.get("status") not in _HAPPENED:
            visits = _visits(stored, around.appointment)
            changed.append({**stored, **visits, "status": "finished", "period": {"end": given.end} | period})
        return stored, tuple(changed)
    appointment = {"appointment": [_reference(name_of(around.appointment))]} if around.appointment else {}
    made = {
        "resourceType": "Encounter",
        "id": VISIT.partition("/")[2],
        **_identified(given),
        "status": "finished",
        "class": {"system": ACT_CODE, "code": "AMB"},
        "subject": around.plan["subject"],
        "basedOn": [_reference(around.referral)],
        "participant": [{"individual": _reference(given.performer)}],
        **appointment,
        "period": {"start": given.start, "end": given.end},
    }
    return made, tuple(changed)


def _visits(encounter: Content, appointment: Content | None) -> Json:
    """The Appointments of an Encounter, with the one at which its session is told to have taken place."""
    named = encounter.get("appointment", [])
    if appointment is None or any(f"/{one}".endswith(f"/{name_of(appointment)}") for one in references_in(named)):
        return {}
    return {"appointment": [*named, _reference(name_of(appointment))]}


def _session(given: Given, around: Surrounding, encounter: str) -> Content:
    units = [] if given.units is None else [{"url": TIMED_UNITS, "valueUnsignedInt": given.units}]
    content = {
        "resourceType": "Procedure",
        "id": SESSION.partition("/")[2],
        "extension": units,
        **_identified(given),
        "basedOn": _based_on(around),
        "status": "completed",
        "code": _MASSAGE,
        "subject": around.plan["subject"],
        "encounter": _reference(encounter),
        "performedPeriod": {"start": given.start, "end": given.end},
        "performer": [{"actor": _reference(given.performer)}],
        "reasonReference": around.plan.get("addresses", []),
        "bodySite": [*given.regions],
        "complication": [*given.reactions],
        "note": [{"text": text} for text in given.findings],
    }
    return {name: value for name, value in content.items() if value != []}


def _technique(number: int, technique: Json, given: Given, around: Surrounding, encounter: str) -> Content:
    """A technique within the session: by the same therapist, and without a time of its own, which nobody has told."""
    content = {
        "resourceType": "Procedure",
        "id": f"~technique{number}",
        "basedOn": _based_on(around),
        "partOf": [_reference(SESSION)],
        "status": "completed",
        "code": technique,
        "subject": around.plan["subject"],
        "encounter": _reference(encounter),
        "performer": [{"actor": _reference(given.performer)}],
        "bodySite": [*given.regions],
    }
    return {name: value for name, value in content.items() if value != []}


def _observations(given: Given, around: Surrounding, encounter: str) -> Iterable[tuple[str, Content]]:
    patient = around.plan["subject"]
    belonging: Json = {
        "basedOn": [_reference(around.referral)],
        "partOf": [_reference(SESSION)],
        "subject": patient,
        "encounter": _reference(encounter),
    }
    before = (LOINC, "72514-3")
    for name, value, code, moment in (
        ("painBefore", given.pain_before, before, given.start),
        ("painAfter", given.pain_after, PAIN_AFTER, given.end),
    ):
        if value is not None:
            quantity = {"value": value, "unit": "score", "system": UCUM, "code": "{score}"}
            rated = _observation(name, belonging, "survey", code, moment, [patient])
            yield name, rated | {"valueQuantity": quantity}
    if given.tolerance is not None:
        therapist = [_reference(given.performer)]
        told = _observation("tolerance", belonging, "therapy", TOLERANCE, given.end, therapist)
        yield "tolerance", told | {"valueCodeableConcept": given.tolerance}
    for number, each in enumerate(given.observations):
        name = f"observation{number}"
        when = {} if any(key.startswith("effective") for key in each) else {"effectiveDateTime": given.start}
        performed = {"performer": [_reference(given.performer)]}
        yield name, {**belonging, **performed, **when, **each, "id": f"~{name}"}


def _observation(
    name: str, belonging: Json, category: str, code: tuple[str, str], moment: str, performers: list[Json]
) -> Json:
    system, value = code
    return {
        "resourceType": "Observation",
        "id": f"~{name}",
        "status": "final",
        "category": [{"coding": [{"system": OBSERVATION_CATEGORY, "code": category}]}],
        "code": {"coding": [{"system": system, "code": value}]},
        **belonging,
        "effectiveDateTime": moment,
        "performer": performers,
    }


def _check(answers: Content, around: Surrounding, encounter: str) -> Content:
    belonging = {"basedOn": [_reference(around.referral)], "subject": around.plan["subject"]}
    return {**belonging, **answers, "encounter": _reference(encounter), "id": "~check"}


def _next(given: Given, around: Surrounding) -> Content:
    visit = given.next_visit
    actors = (around.plan["subject"], _reference(given.performer))
    return {
        "resourceType": "Appointment",
        "id": "~next",
        **_identified(given),
        "status": "booked",
        "serviceType": [_MASSAGE_THERAPY],
        "basedOn": [_reference(around.referral)],
        "start": visit.start if visit else "",
        "end": visit.end if visit else "",
        "participant": [{"actor": each, "status": "accepted"} for each in actors],
    }


def _identified(given: Given) -> Json:
    return {} if given.identifier is None else {"identifier": [given.identifier]}


def _based_on(around: Surrounding) -> list[Json]:
    return [_reference(name_of(around.plan)), _reference(around.referral)]


def _linked(value: Any, urls: dict[str, str]) -> Any:
    """The value with the references to what is made as the transaction writes them."""
    if isinstance(value, dict):
        return {
            name: urls.get(each, each) if name == "reference" and isinstance(each, str) else _linked(each, urls)
            for name, each in value.items()
        }
    return [_linked(each, urls) for each in value] if isinstance(value, list) else value


def _reference(reference: str) -> Json:
    return {"reference": reference}
