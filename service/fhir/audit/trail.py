"""What one request leaves on record: it knows who asks, from where and when, and makes records of what happens.

A write takes its records along into its commit, and says so by `settle`; whatever is not settled then is put on record
before the answer leaves. A Bundle leaves a record for each entry and one for itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from msgspec.structs import replace

from service.fhir.address import Place
from service.fhir.audit.patients import patients_in
from service.fhir.audit.record import Record, bounded_query
from service.fhir.interaction import (
    Capabilities,
    Create,
    Criteria,
    Delete,
    History,
    Operation,
    Patch,
    Process,
    Read,
    Search,
    Update,
    VRead,
)
from service.fhir.outcome import Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from service.fhir.actor import Actor
    from service.fhir.address import Address
    from service.fhir.interaction import Answer, Interaction, Parameters
    from service.fhir.outcome import FhirError
    from service.fhir.resource import Version

_CODES: Final[Mapping[type[Any], str]] = {
    Read: "read",
    VRead: "vread",
    Create: "create",
    Update: "update",
    Patch: "patch",
    Delete: "delete",
    Capabilities: "capabilities",
    Operation: "operation",
}


_TRANSACTION: Final[Mapping[str, Any]] = {"interaction": "transaction"}
UNKNOWN: Final[Mapping[str, Any]] = {"interaction": ""}
"""The fields of `what` of a request that was not understood at all."""

_INTENDED: Final[Mapping[tuple[Place, str], str]] = {
    (Place.SYSTEM, "GET"): "search-system",
    (Place.SYSTEM, "POST"): "transaction",
    (Place.METADATA, "GET"): "capabilities",
    (Place.SYSTEM_SEARCH, "POST"): "search-system",
    (Place.SYSTEM_HISTORY, "GET"): "history-system",
    (Place.SYSTEM_OPERATION, "GET"): "operation",
    (Place.SYSTEM_OPERATION, "POST"): "operation",
    (Place.TYPE, "GET"): "search-type",
    (Place.TYPE, "POST"): "create",
    (Place.TYPE, "PUT"): "update",
    (Place.TYPE, "PATCH"): "patch",
    (Place.TYPE, "DELETE"): "delete",
    (Place.TYPE_SEARCH, "POST"): "search-type",
    (Place.TYPE_HISTORY, "GET"): "history-type",
    (Place.TYPE_OPERATION, "GET"): "operation",
    (Place.TYPE_OPERATION, "POST"): "operation",
    (Place.INSTANCE, "GET"): "read",
    (Place.INSTANCE, "PUT"): "update",
    (Place.INSTANCE, "PATCH"): "patch",
    (Place.INSTANCE, "DELETE"): "delete",
    (Place.INSTANCE_HISTORY, "GET"): "history-instance",
    (Place.VERSION, "GET"): "vread",
    (Place.INSTANCE_OPERATION, "GET"): "operation",
    (Place.INSTANCE_OPERATION, "POST"): "operation",
    (Place.COMPARTMENT, "GET"): "search-type",
    (Place.COMPARTMENT_SEARCH, "POST"): "search-type",
}


class Trail:
    """The records of one request: `entry` makes one for an entry of its Bundle, whose records go with its own."""

    __slots__ = ("_records", "_vessel", "_who", "base", "is_settled")

    def __init__(self, who: Record, base: str, records: list[Record] | None = None) -> None:
        self._who = who
        self._records: list[Record] = [] if records is None else records
        self._vessel: Mapping[str, Any] = _TRANSACTION
        self.base = base
        self.is_settled = False

    def entry(self) -> Trail:
        """The trail of an entry of a batch, which may settle by itself."""
        return Trail(self._who, self.base, self._records)

    def settle(self) -> None:
        """Note that the interaction was put on record, in the commit of what it wrote."""
        self.is_settled = True

    def take(self) -> list[Record]:
        """The records that are not yet kept; they are handed out once."""
        taken = self._records[:]
        self._records.clear()
        return taken

    def add(self, *records: Record) -> None:
        """Have records put on record before the answer leaves."""
        self._records.extend(records)

    def written(
        self, interaction: Interaction, result: Result, version: Version | None, before: bytes | None = None
    ) -> Record:
        """The record of a write; `before` is the content that it superseded, None where there was none."""
        fields = what(interaction)
        if version is not None:
            fields |= {"type": version.type, "id": version.id, "version": str(version.version_id)}
            fields["patients"] = _patients(version, before, self.base)
        return replace(self._who, status=result.status, **fields)

    def carry(self, operation: Operation) -> None:
        """Note that an operation makes a transaction of what it was asked for, and is on record in its place."""
        self._vessel = what(operation)

    def processed(self) -> Record:
        """The record of a transaction that is about to be committed."""
        return replace(self._who, status=Result.OK.status, **self._vessel)

    def answered(self, interaction: Interaction, answer: Answer) -> Record:
        """The record of an interaction that was not refused."""
        fields = what(interaction)
        version = answer.version
        if version is not None:
            fields |= {"type": version.type, "id": version.id, "version": str(version.version_id)}
            fields["patients"] = _patients(version, None, self.base)
        elif not isinstance(interaction, Process | Capabilities):
            fields["patients"] = patients_in(answer.body, self.base)
        return replace(self._who, status=answer.result.status, **fields)

    def refused(self, fields: Mapping[str, Any], error: FhirError) -> Record:
        """The record of a refusal or a failure; `fields` are those of `what`, as far as the request was understood."""
        patients = (fields["id"],) if fields.get("type") == "Patient" and fields.get("id") else ()
        return replace(self._who, status=error.category.status, error=error.code, **{"patients": patients, **fields})


def who(*, at: datetime, request: str, address: str | None, actor: Actor | None) -> Record:
    """A record that says who asks, when, and from where, and not yet what for: its copies do."""
    if actor is None:
        return Record(at=at, interaction="", status=0, request=request, address=address)
    client = actor.client
    return Record(
        at=at,
        interaction="",
        status=0,
        request=request,
        address=address,
        client=client.id,
        organisation=client.organisation,
        user=actor.user,
        reason=actor.reason,
    )


def intended(address: Address | None, method: str, query: bytes) -> dict[str, Any]:
    """The same as `what` of a request that was refused before it was understood: what its address and method say."""
    if address is None:
        return dict(UNKNOWN)
    fields: dict[str, Any] = {"interaction": _INTENDED.get((address.place, method), "")}
    names = (
        ("type", address.type),
        ("id", address.id),
        ("version", address.version_id),
        ("operation", address.operation),
    )
    fields |= {name: value for name, value in names if value}
    if query:
        fields |= bounded_query(query.decode("utf-8", "replace"))
    return fields


def what(interaction: Interaction) -> dict[str, Any]:
    """The fields of a record that say what was asked for."""
    code = _CODES.get(type(interaction))
    match interaction:
        case Read():
            return {"interaction": code, "type": interaction.type, "id": interaction.id}
        case VRead():
            return {
                "interaction": code,
                "type": interaction.type,
                "id": interaction.id,
                "version": interaction.version_id,
            }
        case Create():
            criteria = interaction.if_none_exist
            return {"interaction": code, "type": interaction.type, **_query(criteria.parameters if criteria else ())}
        case Update() | Patch() | Delete():
            target = interaction.target
            if isinstance(target, Criteria):
                return {"interaction": code, "type": interaction.type, **_query(target.parameters)}
            return {"interaction": code, "type": interaction.type, "id": target}
        case Search():
            return _search(interaction)
        case History():
            level = "instance" if interaction.id else "type" if interaction.type else "system"
            asked = _query(interaction.parameters)
            return {"interaction": f"history-{level}", "type": interaction.type, "id": interaction.id, **asked}
        case Process():
            code = "batch" if interaction.bundle.get("type") == "batch" else "transaction"
            return {"interaction": code}
        case Operation():
            named = {"type": interaction.type, "id": interaction.id, "operation": interaction.name}
            return {"interaction": code, **named, **_query(interaction.parameters)}
        case _:
            return {"interaction": code}


def _search(search: Search) -> dict[str, Any]:
    fields: dict[str, Any] = {"interaction": "search-type" if search.type else "search-system", "type": search.type}
    fields |= _query(search.parameters)
    fields.setdefault("query", "")
    if search.compartment:
        fields["query"] = f"{'/'.join(search.compartment)}/{search.type or '*'}?{fields['query']}"
        fields["interaction"] = "search-type"
    return fields


def _query(parameters: Parameters) -> dict[str, Any]:
    return bounded_query(urlencode(parameters)) if parameters else {}


def _patients(version: Version, before: bytes | None, base: str) -> tuple[str, ...]:
    found = patients_in(version.content or before, base)
    if version.type == "Patient" and version.id not in found:
        return (version.id, *found)
    return found
