"""Bundles that the service answers with, assembled as bytes around stored content: no resource is decoded for them.

https://hl7.org/fhir/R4/bundle.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from service.fhir import codec
from service.fhir.stamp import instant_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime


class Entry(Struct, frozen=True, kw_only=True):
    """One entry of an answer: the resource, or none; `rest` is an object of its other elements, search or response."""

    full_url: str | None = None
    content: bytes | None = None
    rest: bytes


def bundle(
    bundle_type: str,
    entries: Iterable[Entry],
    *,
    built_at: datetime,
    total: int | None = None,
    links: Sequence[tuple[str, str]] = (),
) -> bytes:
    """A Bundle with `links` as (relation, URL) pairs; `built_at` becomes meta.lastUpdated."""
    pieces = [piece for entry in entries for piece in (_entry(entry), b",")]
    return bundle_of(bundle_type, pieces, built_at=built_at, total=total, links=links)


def bundle_of(
    bundle_type: str,
    pieces: Sequence[bytes],
    *,
    built_at: datetime,
    total: int | None = None,
    links: Sequence[tuple[str, str]] = (),
) -> bytes:
    """The same of entries in JSON, a comma behind each: bytes in pieces, which are joined once."""
    head: dict[str, Any] = {
        "resourceType": "Bundle",
        "meta": {"lastUpdated": instant_text(built_at)},
        "type": bundle_type,
    }
    if total is not None:
        head["total"] = total
    if links:
        head["link"] = [{"relation": relation, "url": url} for relation, url in links]
    start = codec.encode(head)[:-1]
    return b"".join((start, b',"entry":[', *pieces[:-1], b"]}")) if pieces else start + b"}"


def _entry(entry: Entry) -> bytes:
    resource = b"" if entry.content is None else b'"resource":%s,' % entry.content
    full_url = b"" if entry.full_url is None else b'"fullUrl":%s,' % codec.encode(entry.full_url)
    return b"{%s%s%s" % (full_url, resource, entry.rest[1:])
