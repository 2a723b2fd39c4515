"""Small profiles, written as the elements that they constrain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.definitions import load
from service.fhir.profile import Shelf, compile_profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.outcome import Issue
    from service.fhir.profile import Profile

Json = dict[str, Any]

R4 = load()
CORE = "http://hl7.org/fhir/StructureDefinition"
URL = "https://example.org/StructureDefinition/made-up"


def element(id: str, **stated: Any) -> Json:
    """An ElementDefinition; its path and slice name follow from its id."""
    names = [part.partition(":") for part in id.split(".")]
    found: Json = {"id": id, "path": ".".join(name for name, _, _ in names)}
    if names[-1][2]:
        found["sliceName"] = names[-1][2]
    return found | stated


def structure(type: str, *elements: Json, url: str = URL, base: str = "", **changes: Any) -> Json:
    """A StructureDefinition with a differential."""
    return {
        "resourceType": "StructureDefinition",
        "url": url,
        "name": "MadeUp",
        "status": "active",
        "kind": "complex-type" if type == "Extension" else "resource",
        "abstract": False,
        "type": type,
        "baseDefinition": base or f"{CORE}/{type}",
        "derivation": "constraint",
        "differential": {"element": [{"id": type, "path": type}, *elements]},
    } | changes


def made(
    type: str,
    *elements: Json,
    others: tuple[Json, ...] = (),
    codes: Mapping[str, Mapping[str, frozenset[str]]] | None = None,
    **changes: Any,
) -> Profile:
    """The profile with these elements, beside `others` and with the codes of value sets."""
    return compile_profile(structure(type, *elements, **changes), Shelf(R4, others, codes), R4)


def told(profile: Profile, content: Json, *, warnings: bool = False) -> list[tuple[str, str]]:
    """(type of issue, expression) of what the content breaks."""
    return [(str(issue.issue_type), issue.expression[0]) for issue in found(profile, content, warnings=warnings)]


def found(profile: Profile, content: Json, *, warnings: bool = False) -> list[Issue]:
    """What the content breaks."""
    return profile.issues({"resourceType": profile.type, **content}, warnings=warnings)


def sliced(*discriminators: tuple[str, str], rules: str = "open", ordered: bool = False) -> Json:
    """A slicing."""
    pairs = [{"type": kind, "path": path} for kind, path in discriminators]
    return {"discriminator": pairs, "rules": rules, "ordered": ordered}
