"""A resource as the store keeps it and as the interactions pass it on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from datetime import datetime

Content = dict[str, Any]
"""A resource's JSON as decoded by `codec.decode`: str, int, Decimal, bool, list, dict; never float, never None
outside of a primitive array with a `_field` twin."""

Method = Literal["POST", "PUT", "PATCH", "DELETE"]

LOGICAL_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
"""https://hl7.org/fhir/R4/datatypes.html#id (match with `fullmatch`)."""


class Version(Struct, frozen=True, kw_only=True):
    """One version of a resource. `content` is the JSON as it is served (with id and meta), or None for a tombstone."""

    type: str
    id: str
    version_id: int
    last_updated: datetime
    method: Method
    content: bytes | None

    @property
    def deleted(self) -> bool:
        """Whether this version records a deletion."""
        return self.content is None

    @property
    def etag(self) -> str:
        """The weak entity tag of the version."""
        return f'W/"{self.version_id}"'
