"""What a client can ask for: one frozen value per FHIR interaction, the same for an HTTP request and a Bundle entry.

https://hl7.org/fhir/R4/http.html. An interaction knows no header and no status; `rest/` and `bundle_plan.py` make
them, `interactions/perform.py` performs them and returns an `Answer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from datetime import datetime

    from service.fhir.actor import Actor
    from service.fhir.audit.trail import Trail
    from service.fhir.outcome import Issue, Result
    from service.fhir.resource import Content, Version

Parameters = tuple[tuple[str, str], ...]
"""Decoded query parameters in the order in which they were sent, repeats kept."""

IfMatch = tuple[str, ...]
"""The version ids that If-Match lists; ``("*",)`` for any existing version, empty when the header was not sent."""


class Criteria(Struct, frozen=True, kw_only=True):
    """What a conditional interaction matches by: the query part of its URL, such as ``identifier=urn:x|1``."""

    parameters: Parameters


class Read(Struct, frozen=True, kw_only=True):
    """https://hl7.org/fhir/R4/http.html#read"""

    type: str
    id: str
    if_none_match: IfMatch = ()
    if_modified_since: datetime | None = None


class VRead(Struct, frozen=True, kw_only=True):
    """https://hl7.org/fhir/R4/http.html#vread"""

    type: str
    id: str
    version_id: str
    if_none_match: IfMatch = ()


class Create(Struct, frozen=True, kw_only=True):
    """https://hl7.org/fhir/R4/http.html#create; conditional with `if_none_exist`."""

    type: str
    content: Content
    if_none_exist: Criteria | None = None


class Update(Struct, frozen=True, kw_only=True):
    """https://hl7.org/fhir/R4/http.html#update; `target` is a logical id or, conditional, criteria."""

    type: str
    target: str | Criteria
    content: Content
    if_match: IfMatch = ()
    if_none_match_any: bool = False


class Patch(Struct, frozen=True, kw_only=True):
    """https://hl7.org/fhir/R4/http.html#patch.

    `document` is a decoded JSON Patch (a list) or FHIRPath Patch (a Parameters resource).
    """

    type: str
    target: str | Criteria
    document: list[Any] | Content
    if_match: IfMatch = ()


class Delete(Struct, frozen=True, kw_only=True):
    """https://hl7.org/fhir/R4/http.html#delete"""

    type: str
    target: str | Criteria
    if_match: IfMatch = ()


class Search(Struct, frozen=True, kw_only=True):
    """https://hl7.org/fhir/R4/http.html#search; `type` None searches all types, `compartment` is (type, id)."""

    type: str | None
    parameters: Parameters
    compartment: tuple[str, str] | None = None


class History(Struct, frozen=True, kw_only=True):
    """https://hl7.org/fhir/R4/http.html#history, of an instance, a type, or (both None) the system."""

    type: str | None = None
    id: str | None = None
    parameters: Parameters = ()


class Capabilities(Struct, frozen=True, kw_only=True):
    """https://hl7.org/fhir/R4/http.html#capabilities"""

    mode: str = "full"


class Process(Struct, frozen=True, kw_only=True):
    """A batch or transaction Bundle posted to the base: https://hl7.org/fhir/R4/http.html#transaction"""

    bundle: Content


class Operation(Struct, frozen=True, kw_only=True):
    """https://hl7.org/fhir/R4/operations.html: `name` without the dollar sign, at instance, type or system level."""

    name: str
    type: str | None = None
    id: str | None = None
    parameters: Parameters = ()
    content: Content | None = None
    method: Literal["GET", "POST"] = "POST"


Interaction = Read | VRead | Create | Update | Patch | Delete | Search | History | Capabilities | Process | Operation


class Context(Struct, frozen=True, kw_only=True):
    """What surrounds an interaction: the caller's view of the base URL, the request id, the instant, the preferences.

    `base` has no trailing slash. `strict` is `Prefer: handling`; `preferred_return` is `Prefer: return`, if sent.
    `actor` is who asks; None where the service asks nobody who they are: then somebody may name the `organisation` for
    which it acts. `trail` is what it leaves on record, None where nothing is. `provenance` is what the header
    X-Provenance says of a change. `in_transaction`: it is an entry of a transaction, which alone commits.
    """

    base: str
    request_id: str
    received_at: datetime
    strict: bool = True
    preferred_return: Literal["minimal", "representation", "OperationOutcome"] | None = None
    actor: Actor | None = None
    organisation: str | None = None
    trail: Trail | None = None
    provenance: Content | None = None
    in_transaction: bool = False


class Answer(Struct, frozen=True, kw_only=True):
    """What an interaction came to.

    Of a single resource: `version` (its content None for a tombstone or where it is not sent back).
    Of a set, an operation or capabilities: `body`, the JSON of a Bundle, OperationOutcome or other resource.
    `issues` are warnings and information that travel back with a success. `printed` is the same as PDF, of a document.
    `is_withheld`: the content is not for whoever wrote it, whatever he prefers.
    """

    result: Result
    version: Version | None = None
    body: bytes | None = None
    issues: tuple[Issue, ...] = ()
    printed: bytes | None = None
    is_withheld: bool = False
