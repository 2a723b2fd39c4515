"""read and vread: https://hl7.org/fhir/R4/http.html#read

A deleted resource is gone (410), one that never was is not found (404). Conditional reads answer "not modified".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.interaction import Answer, Read, VRead
from service.fhir.outcome import Result, failure
from service.fhir.resource import LOGICAL_ID

if TYPE_CHECKING:
    from datetime import datetime

    from service.fhir.interaction import IfMatch
    from service.fhir.resource import Version
    from service.store.store import Session, Store

_MOST_DIGITS: Final = 9
"""Version ids are 32-bit integers in the store; longer numbers name no version."""


async def read(store: Store | Session, interaction: Read) -> Answer:
    """The current version, within a session or together with what others read; FhirError not-found or deleted."""
    well_formed = LOGICAL_ID.fullmatch(interaction.id)
    version = await store.read(interaction.type, interaction.id) if well_formed else None
    if version is None:
        raise failure("not-found", "There is no such resource.")
    if version.content is None:
        raise failure("deleted", "The resource was deleted; its history can still be read.")
    if _known(interaction.if_none_match, version) or (
        interaction.if_modified_since is not None
        and not interaction.if_none_match
        and _unmodified(version, interaction.if_modified_since)
    ):
        return Answer(result=Result.NOT_MODIFIED, version=version)
    return Answer(result=Result.OK, version=version)


async def vread(session: Session, interaction: VRead) -> Answer:
    """One version; FhirError not-found, or deleted for a tombstone."""
    number = interaction.version_id
    exists = number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS and not number.startswith("0")
    well_formed = exists and LOGICAL_ID.fullmatch(interaction.id)
    version = await session.vread(interaction.type, interaction.id, int(number)) if well_formed else None
    if version is None:
        raise failure("not-found", "There is no such version of the resource.")
    if version.content is None:
        raise failure("deleted", "This version records that the resource was deleted.")
    if _known(interaction.if_none_match, version):
        return Answer(result=Result.NOT_MODIFIED, version=version)
    return Answer(result=Result.OK, version=version)


def _unmodified(version: Version, since: datetime) -> bool:
    """Whether the client must have this version: Last-Modified has whole seconds, in which more versions may lie."""
    second = version.last_updated.replace(microsecond=0)
    return second < since or (second == since and version.version_id == 1)


def _known(if_none_match: IfMatch, version: Version) -> bool:
    return "*" in if_none_match or str(version.version_id) in if_none_match
