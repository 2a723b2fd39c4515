"""A call of the service, read from what an EHR sent: every element checked before anything is done with it.

https://cds-hooks.hl7.org/2.0/#calling-a-cds-service. Refusals name the element and what would be accepted, and quote
nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from service.cds.hooks import HOOKS, PREFETCH
from service.fhir.outcome import failure
from service.massage.screening.content import ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.outcome import FhirError
    from service.fhir.resource import Content

MOST_ORDERS: Final = 20
"""Drafts for massage in one call; somebody orders one, or a few."""

MOST_JUDGED: Final = 10_000
"""What is known of the patient, times the drafts for massage: some 25 µs each, while a worker does nothing else."""

_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_USER: Final = re.compile(rf"(?:Practitioner|PractitionerRole|Patient|RelatedPerson)/{ID.pattern}")
_LONGEST_BASE: Final = 2048
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=\-]{1,8192}")


class Server(Struct, frozen=True, kw_only=True):
    """The EHR's FHIR server: `base` without a trailing slash, and the token that the EHR lends for this call."""

    base: str
    token: str | None


class Call(Struct, frozen=True, kw_only=True):
    """What is asked: `drafts` are all resources of the context's Bundle, `selected` those that the hook is about.

    `user` is a reference and `patient` a logical id, both to resources of the EHR.
    """

    hook: str
    instance: str
    user: str
    patient: str
    drafts: tuple[Content, ...]
    selected: tuple[Content, ...]
    server: Server | None
    prefetch: Mapping[str, Any]


def read_call(content: Any) -> Call:
    """The call that a body holds; FhirError."""
    if not isinstance(content, dict):
        raise failure("type-mismatch", "The body must be a JSON object with hook, hookInstance and context.")
    hook = _text(content, "hook", "hook")
    if hook not in HOOKS:
        raise failure("value-invalid", f"hook must be one of {', '.join(HOOKS)}.", "hook")
    instance = _text(content, "hookInstance", "hookInstance")
    if not _UUID.fullmatch(instance):
        raise failure("value-invalid", "hookInstance must be a UUID.", "hookInstance")
    context = _object(content, "context", "context")
    patient = _patient(context)
    drafts = _drafts(context, HOOKS[hook])
    for number, draft in enumerate(drafts):
        _check_patient(draft, patient, f"context.{HOOKS[hook]}.entry[{number}].resource")
    return Call(
        hook=hook,
        instance=instance.lower(),
        user=context["userId"],
        patient=patient,
        drafts=drafts,
        selected=_selected(context, drafts) if hook == "order-select" else drafts,
        server=_server(content),
        prefetch=_prefetch(content, patient),
    )


def names_another(resource: Content, patient: str) -> bool:
    """Whether a resource says that it is about somebody else."""
    if resource.get("resourceType") == "Patient":
        return resource.get("id") not in (None, patient)
    if _is_other(resource.get("subject"), patient) or _is_other(resource.get("patient"), patient):
        return True
    participants = resource.get("participant")
    if not isinstance(participants, list):
        return False
    return any(_is_other(each.get("actor"), patient) for each in participants if isinstance(each, dict))


def _is_other(subject: Any, patient: str) -> bool:
    reference = subject.get("reference") if isinstance(subject, dict) else None
    if not isinstance(reference, str) or reference == f"Patient/{patient}":
        return False
    resource_type, _, named = "/".join(reference.partition("/_history/")[0].split("/")[-2:]).partition("/")
    return resource_type == "Patient" and named != patient


def _check_patient(resource: Content, patient: str, place: str) -> None:
    if names_another(resource, patient):
        raise failure("value-invalid", "The resource is about another patient than context.patientId.", place)


def _patient(context: Content) -> str:
    if not _USER.fullmatch(_text(context, "userId", "context.userId")):
        told = "context.userId must be a reference such as Practitioner/123."
        raise failure("value-invalid", told, "context.userId")
    patient = _text(context, "patientId", "context.patientId")
    if not ID.fullmatch(patient):
        raise failure("value-invalid", "context.patientId must be the logical id of a Patient.", "context.patientId")
    return patient


def _drafts(context: Content, name: str) -> tuple[Content, ...]:
    place = f"context.{name}"
    listed = context.get(name)
    if name == "appointments" and isinstance(listed, list):
        # the examples of the hook's specification have an array where its text says Bundle
        return resources_in({"entry": [{"resource": each} for each in listed]}, place)
    bundle = _object(context, name, place)
    if bundle.get("resourceType") != "Bundle":
        raise failure("value-invalid", f"{place} must be a Bundle.", place)
    return resources_in(bundle, place)


def resources_in(bundle: Content, place: str) -> tuple[Content, ...]:
    """The resources of a Bundle's entries; FhirError where it is misshapen."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise failure("value-invalid", f"{place}.entry must be an array.", f"{place}.entry")
    found = []
    for number, entry in enumerate(entries):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            raise failure("value-invalid", "The entry must have a resource.", f"{place}.entry[{number}].resource")
        found.append(resource)
    return tuple(found)


def _selected(context: Content, drafts: tuple[Content, ...]) -> tuple[Content, ...]:
    """The drafts that order-select names as newly selected."""
    selections = context.get("selections")
    if not isinstance(selections, list) or not all(isinstance(each, str) for each in selections):
        told = "context.selections must be an array of references such as ServiceRequest/draft-1."
        raise failure("element-missing" if selections is None else "value-invalid", told, "context.selections")
    chosen = set(selections)
    return tuple(each for each in drafts if not chosen.isdisjoint(_names(each)))


def _names(draft: Content) -> tuple[str, ...]:
    """What a selection may call a draft; an id that is no text is no name."""
    logical_id = draft.get("id")
    return (f"{draft.get('resourceType')}/{logical_id}", logical_id) if isinstance(logical_id, str) else ()


def _server(content: Content) -> Server | None:
    base, granted = content.get("fhirServer"), content.get("fhirAuthorization")
    if base is None:
        if granted is not None:
            raise failure("element-missing", "fhirAuthorization needs fhirServer.", "fhirServer")
        return None
    if not isinstance(base, str) or not _is_base(base):
        told = (
            "fhirServer must be the URL of a FHIR base, such as https://ehr.example.org/fhir, "
            f"of at most {_LONGEST_BASE} plain ASCII characters, without a user."
        )
        raise failure("value-invalid", told, "fhirServer")
    if granted is None:
        return Server(base=base.rstrip("/"), token=None)
    if not isinstance(granted, dict):
        raise failure("value-invalid", "fhirAuthorization must be an object.", "fhirAuthorization")
    token = _text(granted, "access_token", "fhirAuthorization.access_token")
    kind = _text(granted, "token_type", "fhirAuthorization.token_type")
    if not _TOKEN.fullmatch(token) or kind.lower() != "bearer":
        told = "fhirAuthorization must hold a bearer token: access_token, and token_type Bearer."
        raise failure("value-invalid", told, "fhirAuthorization")
    return Server(base=base.rstrip("/"), token=token)


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    # it stays on record, for ever: neither endless nor with a password
    is_plain = len(url) <= _LONGEST_BASE and url.isascii() and url.isprintable() and " " not in url
    is_bare = parts.username is None and not parts.query and not parts.fragment
    return is_plain and is_bare and parts.scheme in ("https", "http") and bool(parts.hostname)


def _prefetch(content: Content, patient: str) -> Mapping[str, Any]:
    """What was prefetched under the keys of the templates: null or a resource; FhirError."""
    sent = content.get("prefetch")
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        raise failure("value-invalid", "prefetch must be an object.", "prefetch")
    known = {key: sent[key] for key in PREFETCH if key in sent}
    for key, value in known.items():
        place = f"prefetch.{key}"
        if value is None:
            continue
        if not isinstance(value, dict) or value.get("resourceType") not in ("Bundle", "OperationOutcome"):
            raise failure("value-invalid", f"{place} must be null or a Bundle: its template is a search.", place)
        for resource in resources_in(value, place) if value["resourceType"] == "Bundle" else (value,):
            _check_patient(resource, patient, place)
    # nobody was asked for the patient, but whoever sends one says whose the rest is
    if isinstance(sent.get("patient"), dict):
        _check_patient(sent["patient"], patient, "prefetch.patient")
    return known


def _object(content: Content, name: str, place: str) -> Content:
    value = content.get(name)
    if isinstance(value, dict):
        return value
    raise _unfit(value, place, "an object")


def _text(content: Content, name: str, place: str) -> str:
    value = content.get(name)
    if isinstance(value, str) and value:
        return value
    raise _unfit(value, place, "a text")


def _unfit(value: Any, place: str, wanted: str) -> FhirError:
    if value is None:
        return failure("element-missing", f"{place} is missing; it must be {wanted}.", place)
    return failure("value-invalid", f"{place} must be {wanted}.", place)
