"""Where on the body: the regions that an order asks for, and those that a contraindication affects.

Regions are the catalogue's (body_sites.toml). Sides are not told apart: the left calf stands for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.code_systems import ICD10CM, SNOMED
from service.massage.screening.content import codings_in, objects_in
from service.massage.screening.systems import system_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.fhir.resource import Content

Regions = frozenset[str]
"""Of head, neck, trunk, upper-limb, lower-limb."""

_INJURED: Final[Mapping[str, Regions]] = {
    "S0": frozenset({"head"}),
    "S1": frozenset({"neck"}),
    "S2": frozenset({"trunk"}),
    "S3": frozenset({"trunk"}),
    "S4": frozenset({"upper-limb", "trunk"}),
    "S5": frozenset({"upper-limb"}),
    "S6": frozenset({"upper-limb"}),
    "S7": frozenset({"lower-limb", "trunk"}),
    "S8": frozenset({"lower-limb"}),
    "S9": frozenset({"lower-limb"}),
}
"""ICD-10-CM's chapter of injuries is ordered by region; shoulder and hip belong to the trunk, too."""


def regions_of(content: Content, sites: Mapping[str, Regions]) -> Regions | None:
    """The regions of a resource's body sites, by SNOMED CT code; None where none is named, or one is not known.

    A site by text alone, or by a code that the catalogue has not, may be anywhere.
    """
    found: set[str] = set()
    for concept in objects_in(content, "bodySite"):
        codes = [code for system, code in codings_in({"": concept}, "") if system_of(system) == SNOMED]
        known = [sites[code] for code in codes if code in sites]
        if not known:
            return None
        found.update(*known)
    return frozenset(found) or None


def injured_regions(codings: Iterable[tuple[str, str]]) -> Regions | None:
    """Where an injury is by its ICD-10-CM code; None for what is none."""
    for system, code in codings:
        if system_of(system) == ICD10CM and (regions := _INJURED.get(code[:2].upper())):
            return regions
    return None


def may_meet(one: Regions | None, other: Regions | None) -> bool:
    """Whether two areas may have a part in common; what is not known may be anywhere."""
    return one is None or other is None or not one.isdisjoint(other)
