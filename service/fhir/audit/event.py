"""A record as an AuditEvent, in the shape of IHE's Basic Audit Log Patterns (BALP) 1.1.3.

https://profiles.ihe.net/ITI/BALP/content.html, https://hl7.org/fhir/R4/auditevent.html. BALP describes what succeeded;
a refusal has the same shape and names no profile. Where BALP has one event for each patient of a search's result, there
is one event with all of them, which then is of the pattern without a patient.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from service.fhir.audit.record import CLIENT_CHANGE, CLIENT_LOOK, LOGIN, LOGOUT
from service.fhir.outcome import ERROR_CODES
from service.fhir.stamp import instant_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.audit.record import Event, Record
    from service.fhir.resource import Content

BALP: Final = "https://profiles.ihe.net/ITI/BALP"
CLIENT_SYSTEM: Final = "https://massage-fhir.example.org/fhir/NamingSystem/client"
"""The system of the ids of clients."""
EVENT_TYPE_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTION_SYSTEM: Final = "http://hl7.org/fhir/restful-interaction"

_PROFILES: Final[Mapping[str, str]] = {"C": "Create", "R": "Read", "U": "Update", "D": "Delete", "E": "Query"}
DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_SOURCE: Final = {"system": DICOM, "code": "110153", "display": "Source Role ID"}
_DESTINATION: Final = {"system": DICOM, "code": "110152", "display": "Destination Role ID"}
SECURITY_CODES: Final[Mapping[str, tuple[dict[str, str], dict[str, str]]]] = {
    LOGIN: (
        {"system": DICOM, "code": "110114", "display": "User Authentication"},
        {"system": DICOM, "code": "110122", "display": "Login"},
    ),
    LOGOUT: (
        {"system": DICOM, "code": "110114", "display": "User Authentication"},
        {"system": DICOM, "code": "110123", "display": "Logout"},
    ),
    CLIENT_CHANGE: (
        {"system": DICOM, "code": "110113", "display": "Security Alert"},
        {"system": DICOM, "code": "110137", "display": "User Security Attributes Changed"},
    ),
    CLIENT_LOOK: (
        {"system": DICOM, "code": "110113", "display": "Security Alert"},
        {"system": DICOM, "code": "110132", "display": "Use of Restricted Function"},
    ),
}
"""What is no interaction → type and subtype, as DICOM's audit messages have them; BALP has no patterns for these."""

_PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_RECIPIENT: Final = {"system": _PARTICIPATION, "code": "IRCP", "display": "information recipient"}
_AUTHOR: Final = {"system": _PARTICIPATION, "code": "AUT", "display": "author (originator)"}
_RESPONSIBLE: Final = {"system": _PARTICIPATION, "code": "RESP", "display": "responsible party"}
_BREAK_THE_GLASS: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "code": "BTG",
    "display": "break the glass",
}
_ENTITY_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE: Final = "http://terminology.hl7.org/CodeSystem/object-role"
_PERSON: Final = {"system": _ENTITY_TYPE, "code": "1", "display": "Person"}
_SYSTEM_OBJECT: Final = {"system": _ENTITY_TYPE, "code": "2", "display": "System Object"}
_REQUEST: Final = {"system": f"{BALP}/CodeSystem/BasicAuditEntityType", "code": "XrequestId"}


def event_id(chain: int, number: int) -> str:
    """The logical id of a record's AuditEvent."""
    return f"{chain}-{number}"


def audit_event(event: Event, base: str) -> Content:
    """The AuditEvent of a record; references are relative, `base` is the service that recorded it."""
    record = event.record
    recorded = instant_text(event.recorded)
    meta: dict[str, Any] = {"versionId": "1", "lastUpdated": recorded}
    if profile := _profile(record):
        meta["profile"] = [f"{BALP}/StructureDefinition/IHE.BasicAudit.{profile}"]
    content: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": event_id(event.chain, event.number),
        "meta": meta,
    }
    if record.interaction in SECURITY_CODES:
        content["type"], subtype = SECURITY_CODES[record.interaction]
        content["subtype"] = [subtype]
    else:
        content["type"] = {"system": EVENT_TYPE_SYSTEM, "code": "rest", "display": "RESTful Operation"}
        if code := record.interaction:
            content["subtype"] = [{"system": INTERACTION_SYSTEM, "code": code, "display": code}]
    content |= {
        "action": record.action,
        "period": {"start": instant_text(record.at)},
        "recorded": recorded,
        "outcome": str(record.outcome),
    }
    if record.error:
        known = ERROR_CODES.get(record.error)
        content["outcomeDesc"] = f"{record.error}: {known.meaning}" if known else record.error
    if record.reason is not None:
        content["purposeOfEvent"] = [{"coding": [_BREAK_THE_GLASS], "text": record.reason}]
    content["agent"] = _agents(record, base)
    content["source"] = {
        "site": base,
        "observer": {"display": "massage-fhir"},
        "type": [{"system": "http://terminology.hl7.org/CodeSystem/security-source-type", "code": "4"}],
    }
    if entities := _entities(record):
        content["entity"] = entities
    return content


def _profile(record: Record) -> str | None:
    """The pattern of BALP that the event has; None for what BALP has none for."""
    is_query = record.interaction.startswith("search") and record.query is not None
    is_single = record.action != "E" and record.entity is not None and not record.interaction.startswith("history")
    if record.outcome or not (is_query or is_single):
        return None
    pattern = _PROFILES[record.action]
    return f"Patient{pattern}" if len(record.patients) == 1 else pattern


def _agents(record: Record, base: str) -> list[dict[str, Any]]:
    """The client and the service, the direction in which data flows between them, the user and the organisation."""
    receives = record.action == "R"
    client: dict[str, Any] = {
        "type": {"coding": [_DESTINATION if receives else _SOURCE]},
        "who": _who(record),
        "requestor": record.user is None,
    }
    if record.address:
        client["network"] = {"address": record.address, "type": "2"}
    server = {
        "type": {"coding": [_SOURCE if receives else _DESTINATION]},
        "who": {"display": "massage-fhir"},
        "requestor": False,
        "network": {"address": base, "type": "5"},
    }
    agents = [client, server]
    if record.user:
        role = _AUTHOR if record.action in "CU" else _RECIPIENT
        agents.append({"type": {"coding": [role]}, "who": {"reference": record.user}, "requestor": True})
    if record.organisation:
        who = {"reference": record.organisation}
        agents.append({"type": {"coding": [_RESPONSIBLE]}, "who": who, "requestor": False})
    return agents


def _who(record: Record) -> dict[str, Any]:
    if record.client:
        return {"identifier": {"system": CLIENT_SYSTEM, "value": record.client}}
    if record.account:
        return {"display": f"the account {record.account}, on the service's command line"}
    return {"display": "a client that was not identified"}


def _entities(record: Record) -> list[dict[str, Any]]:
    entities: list[dict[str, Any]] = []
    if record.entity:
        reference = f"{record.entity}/_history/{record.version}" if record.version else record.entity
        entities.append({"what": {"reference": reference}, "type": _SYSTEM_OBJECT, "role": _role("4")})
    if record.interaction in (CLIENT_CHANGE, CLIENT_LOOK):
        entities.append(_registered_client(record))
    if record.query is not None:
        asked = _asked(record)
        query = {"type": _SYSTEM_OBJECT, "role": _role("24"), "query": base64.b64encode(asked.encode()).decode()}
        if record.query_hash:
            query["description"] = f"The first part of the query, whose SHA-256 is {record.query_hash}."
        entities.append(query)
    entities.extend(
        {"what": {"reference": f"Patient/{each}"}, "type": _PERSON, "role": _role("1")} for each in record.patients
    )
    if record.request:
        entities.append({"what": {"identifier": {"value": record.request}}, "type": _REQUEST})
    return entities


def _registered_client(record: Record) -> dict[str, Any]:
    """The client that was changed or read, where it is a single one that is known, and what was done to it."""
    entity: dict[str, Any] = {"type": _SYSTEM_OBJECT, "role": _role("6")}
    if record.id:
        entity["what"] = {"identifier": {"system": CLIENT_SYSTEM, "value": record.id}}
    return {**entity, "detail": [{"type": "operation", "valueString": record.operation}]}


def _asked(record: Record) -> str:
    """The path and the query below the base."""
    if record.query is None:
        return ""
    if record.interaction.startswith("search") and record.type and record.query.count("/") and "?" in record.query:
        head = record.query.partition("?")[0]
        if head.endswith((f"/{record.type}", "/*")):
            return record.query
    operation = f"/${record.operation}" if record.operation else ""
    return f"{record.type or ''}{operation}?{record.query}"


def _role(code: str) -> dict[str, str]:
    return {"system": _ROLE, "code": code}
