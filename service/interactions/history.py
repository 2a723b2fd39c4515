"""history of an instance, a type or the system: https://hl7.org/fhir/R4/http.html#history

Newest first, keyset paging: a page costs the same wherever it lies, and new versions only ever appear before the first.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from service.fhir import codec
from service.fhir.bundle import Entry, bundle
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, failure
from service.fhir.reference import identity_of
from service.fhir.search import cursor
from service.fhir.search.result_parameters import parse_count
from service.fhir.stamp import instant_text
from service.fhir.summary import EVERYTHING, Subset, parse_subset, subset
from service.fhir.temporal import parse_instant_range
from service.store.history_statement import HistoryPage

if TYPE_CHECKING:
    from service.fhir.interaction import Context, History
    from service.fhir.resource import Version
    from service.interactions.parts import Parts
    from service.store.store import Session

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_PARAMETERS: Final = ("_since", "_at", "_count", "_cursor", "_format", "_pretty", "_summary", "_elements")
_STATUS: Final = {"POST": Result.CREATED, "PUT": Result.OK, "PATCH": Result.OK, "DELETE": Result.DELETED}


class _Asked(Struct, frozen=True, kw_only=True):
    count: int
    since: datetime | None
    at: tuple[datetime, datetime] | None
    after: tuple[datetime, UUID, int] | None
    subset: Subset


async def history(parts: Parts, session: Session, context: Context, interaction: History) -> Answer:
    """A history Bundle; FhirError not-found for an instance that never was."""
    asked = _parse(parts, context, interaction)
    page = HistoryPage(
        identity=identity_of(interaction.type, interaction.id) if interaction.type and interaction.id else None,
        types=(interaction.type,) if interaction.type else parts.definitions.resource_types,
        limit=asked.count + 1,
        since=asked.since,
        at=asked.at,
        after=asked.after,
    )
    found = await session.history(page)
    if not found:
        await _require_known(session, interaction)
    shown = found[: asked.count]
    links = [("self", _url(context, interaction, None))]
    if len(found) > len(shown) and shown:
        links.append(("next", _url(context, interaction, _seal(parts, interaction, shown[-1].version))))
    body = bundle(
        "history",
        [_entry(context, _part(parts, asked.subset, each.version), made=each.made) for each in shown],
        built_at=context.received_at,
        total=len(shown) if asked.after is None and len(shown) == len(found) else None,
        links=links,
    )
    return Answer(result=Result.OK, body=body)


async def _require_known(session: Session, interaction: History) -> None:
    instance = interaction.type and interaction.id
    if instance and await session.read(str(interaction.type), str(interaction.id)) is None:
        raise failure("not-found", "There is no such resource.")


def _part(parts: Parts, asked: Subset, version: Version) -> Version:
    if asked == EVERYTHING or version.content is None:
        return version
    content = subset(
        codec.decode(version.content),
        version.type,
        summary=asked.summary,
        elements=asked.elements,
        definitions=parts.definitions,
    )
    return replace(version, content=codec.encode(content))


def _subset(interaction: History) -> Subset:
    asked = parse_subset(interaction.parameters)
    if asked.summary == "count":
        raise failure("parameter-value", "_summary=count is for searches only.", "http._summary")
    return asked


def _entry(context: Context, version: Version, *, made: bool) -> Entry:
    url = f"{version.type}/{version.id}"
    result = Result.CREATED if version.method == "PUT" and made else _STATUS[version.method]
    return Entry(
        full_url=f"{context.base}/{url}",
        content=version.content,
        rest=codec.encode(
            {
                "request": {"method": version.method, "url": version.type if version.method == "POST" else url},
                "response": {
                    "status": result.value,
                    "etag": version.etag,
                    "lastModified": instant_text(version.last_updated),
                },
            }
        ),
    )


def _parse(parts: Parts, context: Context, interaction: History) -> _Asked:
    values: dict[str, str] = {}
    for name, value in interaction.parameters:
        if name not in _PARAMETERS:
            if context.strict:
                accepted = ", ".join(_PARAMETERS)
                raise failure("parameter-unknown", f"History takes the parameters {accepted}.", f"http.{name}")
            continue
        if name in values:
            raise failure("parameter-value", "The parameter may be given once.", f"http.{name}")
        values[name] = value
    limits = parts.limits.search
    since, at = (
        parse_instant_range(values[name], parts.zone, name) if name in values else None for name in ("_since", "_at")
    )
    return _Asked(
        count=parse_count(values["_count"], limits) if "_count" in values else limits.default_page_size,
        since=since[0] if since else None,
        at=at,
        after=_open(parts, interaction, values["_cursor"]) if "_cursor" in values else None,
        subset=_subset(interaction),
    )


def _url(context: Context, interaction: History, sealed: str | None) -> str:
    path = "/".join(part for part in (context.base, interaction.type, interaction.id, "_history") if part)
    pairs = [(name, value) for name, value in interaction.parameters if name in _PARAMETERS and name != "_cursor"]
    if sealed:
        pairs.append(("_cursor", sealed))
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _scope(interaction: History) -> str:
    return f"history/{interaction.type or ''}/{interaction.id or ''}"


def _seal(parts: Parts, interaction: History, last: Version) -> str:
    microseconds = (last.last_updated - _EPOCH) // _MICROSECOND
    position: list[str | int] = [microseconds, str(identity_of(last.type, last.id)), last.version_id]
    return cursor.seal(position, parts.cursor_secret, _scope(interaction))


def _open(parts: Parts, interaction: History, text: str) -> tuple[datetime, UUID, int]:
    microseconds, identity, version_id = cursor.open(text, parts.cursor_secret, _scope(interaction))
    return _EPOCH + int(microseconds) * _MICROSECOND, UUID(str(identity)), int(version_id)
