"""Entity tags: FHIR's version ids as HTTP carries them. https://hl7.org/fhir/R4/http.html#versioning"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from service.fhir.interaction import IfMatch

_TAG: Final = re.compile(r'\s*(?:W/)?"([A-Za-z0-9\-.]{1,64})"\s*')


def parse_entity_tags(text: str) -> IfMatch | None:
    """The version ids of ``W/"1", "2"``, or ``("*",)``; None where the text is neither."""
    if text.strip() == "*":
        return ("*",)
    matches = [_TAG.fullmatch(part) for part in text.split(",")]
    versions = tuple(match[1] for match in matches if match)
    return versions if len(versions) == len(matches) else None
