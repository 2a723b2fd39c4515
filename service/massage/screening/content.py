"""Reading content that nobody has validated: an EHR's prefetch has any shape, and what is malformed is not there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from service.fhir.resource import Content

ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,256}")
"""A logical id; there are EHRs whose ids are longer than the 64 characters that R4 allows."""


def object_in(content: Content, name: str) -> Content:
    """The object that an element holds, an empty one where it holds none."""
    value = content.get(name)
    return value if isinstance(value, dict) else {}


def objects_in(content: Content, name: str) -> list[Content]:
    """The objects of an array, or the only one where an element is not repeated; none where there is none."""
    value = content.get(name)
    if isinstance(value, dict):
        return [value]
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text_in(content: Content, name: str) -> str:
    """The text of an element, empty where it has none."""
    value = content.get(name)
    return value if isinstance(value, str) else ""


def codings_in(content: Content, name: str) -> list[tuple[str, str]]:
    """The (system, code) of a CodeableConcept, or of each of an array of them."""
    value = content.get(name)
    found = []
    # by hand and by exact types, which are all that the decoder makes: most of what a screening costs is this
    for concept in (value,) if type(value) is dict else value if type(value) is list else ():
        listed = concept.get("coding") if type(concept) is dict else None
        for coding in listed if type(listed) is list else (listed,):
            if type(coding) is dict:
                system, code = coding.get("system"), coding.get("code")
                found.append((system if type(system) is str else "", code if type(code) is str else ""))
    return found


def has_code(content: Content, name: str, codes: frozenset[str]) -> bool:
    """Whether a CodeableConcept has one of these codes, whatever the system: for FHIR's own small code systems."""
    return name in content and any(code in codes for _, code in codings_in(content, name))


def words_in(content: Content, name: str) -> str:
    """Everything that a CodeableConcept says in words: text and displays, in one text."""
    said = []
    for concept in objects_in(content, name):
        said.append(text_in(concept, "text"))
        said += [text_in(coding, "display") for coding in objects_in(concept, "coding")]
    return " ".join(said)


def reference_to(content: Content) -> str:
    """A relative reference to a resource, empty where it has no type and id that can be in one."""
    resource_type, identity = text_in(content, "resourceType"), text_in(content, "id")
    is_fit = ID.fullmatch(identity) and resource_type.isascii() and resource_type.isalpha()
    return f"{resource_type}/{identity}" if is_fit else ""
