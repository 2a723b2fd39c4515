"""The profiles that come with the service, with the codes that they bind to."""

from __future__ import annotations

from functools import cache
from typing import Any

from service.fhir.codec import decode, encode
from service.fhir.definitions import load
from service.fhir.profile import Profile, Shelf
from service.interactions.profile_sources import Source, codes_of
from service.massage import catalogue, profiles


@cache
def shelf() -> Shelf:
    """All of them."""
    structures = [decode(encode(each)) for each in profiles.resources()]
    held: dict[tuple[str, str], list[Source]] = {}
    for content in (decode(encode(each)) for each in catalogue.resources()):
        source = Source(type=content["resourceType"], id=content["id"], version_id=1, content=content)
        held.setdefault((source.type, content["url"]), []).append(source)
    return Shelf(load(), structures, codes_of(structures, held, limit=10_000))


def profile_of(name: str) -> Profile:
    """One of them, such as ``massage-care-plan``."""
    profile = shelf().profile(profiles.canonical(name))
    assert isinstance(profile, Profile), profile
    return profile


def claimed_issues(content: dict[str, Any]) -> list[Any]:
    """What a resource breaks of those of our profiles that it claims."""
    named = [each.rpartition("/")[2] for each in content.get("meta", {}).get("profile", ())]
    return [issue for name in named for issue in profile_of(name).issues(content)]
