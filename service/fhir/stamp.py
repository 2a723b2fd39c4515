"""What the server adds to a resource's content: id, version id, instant. https://hl7.org/fhir/R4/resource.html#Meta"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from service.fhir import codec

if TYPE_CHECKING:
    from service.fhir.resource import Content

_MILLISECOND: Final = timedelta(milliseconds=1)
_SERVER_META: Final = ("versionId", "lastUpdated")
_RANDOM_BITS: Final = 74
_ALL_RANDOM: Final = (1 << _RANDOM_BITS) - 1


def new_logical_id(instant: datetime, randomness: int | None = None) -> str:
    """A UUID version 7 (RFC 9562): ordered by time, so that new rows land at one end of an index.

    `randomness` is 74 bits, drawn from the operating system when absent.
    """
    bits = secrets.randbits(_RANDOM_BITS) if randomness is None else randomness
    return _logical_id(_milliseconds(instant), bits)


def new_logical_ids(instant: datetime, how_many: int) -> list[str]:
    """As many of them; the operating system is asked once."""
    every = secrets.randbits(how_many * _RANDOM_BITS) if how_many else 0
    milliseconds = _milliseconds(instant)
    return [_logical_id(milliseconds, every >> place * _RANDOM_BITS & _ALL_RANDOM) for place in range(how_many)]


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def _logical_id(milliseconds: int, bits: int) -> str:
    number = milliseconds << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | bits & (1 << 62) - 1
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@lru_cache(maxsize=64)  # all resources of one Bundle have the same
def instant_text(instant: datetime) -> str:
    """An R4 instant in UTC with milliseconds, such as ``2026-01-09T08:00:00.000Z``."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def next_instant(received_at: datetime, previous: datetime | None) -> datetime:
    """The `lastUpdated` of a new version in whole milliseconds, later than that of the version it supersedes.

    Clocks of several workers differ, and one may step back; versions of a resource must not.
    """
    instant = _in_milliseconds(received_at)
    return instant if previous is None else max(instant, previous + _MILLISECOND)


@lru_cache(maxsize=64)  # all resources of one Bundle have the same
def _in_milliseconds(instant: datetime) -> datetime:
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def stamped(content: Content, *, logical_id: str, version_id: int, last_updated: datetime) -> Content:
    """The content as it is stored and served: as sent, plus id and the server's part of meta."""
    sent_meta = content.get("meta") or {}
    meta: dict[str, Any] = {"versionId": str(version_id), "lastUpdated": instant_text(last_updated)}
    if sent_meta:
        meta |= {name: value for name, value in sent_meta.items() if name not in _SERVER_META}
    complete = {"resourceType": content["resourceType"], "id": logical_id, "meta": meta, **content}
    complete["id"], complete["meta"] = logical_id, meta  # at their places, whatever was sent
    return complete


def same_content(one: Content, other: Content) -> bool:
    """Whether two contents differ in nothing but what the server stamps; decimals compare by their text."""
    return codec.canonical(_unstamped(one)) == codec.canonical(_unstamped(other))


def _unstamped(content: Content) -> Content:
    meta = {name: value for name, value in (content.get("meta") or {}).items() if name not in _SERVER_META}
    result = {name: value for name, value in content.items() if name not in ("id", "meta")}
    return {**result, "meta": meta} if meta else result
