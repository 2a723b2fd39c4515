"""Entity tags: FHIR's version ids as HTTP carries them. https://hl7.org/fhir/R4/http.html#versioning"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from service.fhir.interaction import IfMatch

_TAG: Final = re.compile(r'\s*(?:(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"|([0-9]{1,64}))\s*(?:,|\Z)')
"""https://www.rfc-editor.org/rfc/rfc9110#name-etag, and the bare number that many FHIR clients send."""


def parse_entity_tags(text: str) -> IfMatch | None:
    """The version ids of ``W/"1", "2", 3``, or ``("*",)``; None where the text is neither.

    A tag that HTTP allows and this service never gave out is kept: it matches nothing.
    """
    text = text.strip()
    if text == "*":
        return ("*",)
    tags = []
    position = 0
    while match := _TAG.match(text, position):
        quoted, bare = match.groups()
        tags.append(bare or (quoted if quoted != "*" else '"*"'))
        position = match.end()
        if position == len(text):
            return tuple(tags)
    return None
