"""References: what a literal one points at, and the digests by which the store knows a target.

https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import hashlib
import re
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from msgspec import Struct

from service.fhir.resource import LOGICAL_ID

if TYPE_CHECKING:
    from collections.abc import Container

_RELATIVE: Final = re.compile(
    rf"(?P<type>[A-Z][A-Za-z]+)/(?P<id>{LOGICAL_ID.pattern})(?:/_history/(?P<version>{LOGICAL_ID.pattern}))?(?P<rest>#.*)?"
)
_ELSEWHERE: Final = re.compile(
    rf"(?P<base>https?://\S+)/(?P<type>[A-Z][A-Za-z]+)/{LOGICAL_ID.pattern}(?:/_history/{LOGICAL_ID.pattern})?(?:#.*)?"
)


LOOSE: Final = 1
"""In the place of a type's number: what a canonical is found by though it does not lead there.

That is its URL without the version that it names, or with a part of it.
"""


ACTING: Final = ("CareTeam", "Organization", "Practitioner", "PractitionerRole")
"""The types of those who act: few of them, each referred to by much that is about many patients."""


class LocalReference(Struct, frozen=True, kw_only=True):
    """A literal reference to a resource of this service, such as ``Patient/1`` or ``Patient/1/_history/2``."""

    type: str
    id: str
    version_id: str | None = None


@lru_cache(maxsize=16_384)
def digest_of(text: str) -> UUID:
    """The 128-bit BLAKE2b digest under which the store keeps a URI or an identity; two texts never share one."""
    return UUID(bytes=hashlib.blake2b(text.encode(), digest_size=16).digest())


def identity_of(resource_type: str, logical_id: str) -> UUID:
    """The store's identity of a resource: the digest of ``Type/id``."""
    return digest_of(f"{resource_type}/{logical_id}")


def type_code(resource_type: str) -> int:
    """A resource type as a stable signed 16-bit number, never 0; the registry refuses colliding types at start."""
    number = zlib.crc32(resource_type.encode()) & 0xFFFF or 1
    return number - 0x1_0000 if number >= 0x8000 else number


ACTING_CODES: Final = (-18300, -8196, -6332, 25161)
"""Their numbers in order: constants, because an index is made with them."""


def parse_local(reference: str, base: str, types: Container[str]) -> LocalReference | None:
    """The local resource that a literal reference names, relative or absolute on `base`; None for anything else."""
    relative = reference.removeprefix(f"{base}/") if base else reference
    match = _RELATIVE.fullmatch(relative)
    if match is None or match["type"] not in types:
        return None
    return LocalReference(type=match["type"], id=match["id"], version_id=match["version"])


def type_elsewhere(reference: str, types: Container[str]) -> str | None:
    """The known type that the URL of a resource on another server ends in; None where it names none."""
    match = _ELSEWHERE.fullmatch(reference)
    return match["type"] if match and match["type"] in types else None


def names_one_of(types: Container[str], reference: str, base: str) -> bool:
    """Whether a literal reference names a resource of one of the types, here or on another server."""
    return parse_local(reference, base, types) is not None or type_elsewhere(reference, types) is not None


def possible_base(link: str, types: Container[str]) -> str | None:
    """The base on which an absolute reference or canonical would be local; None where there is none."""
    if not link.startswith("http"):
        return None
    match = _ELSEWHERE.fullmatch(link.partition("|")[0])
    return match["base"] if match and match["type"] in types else None
