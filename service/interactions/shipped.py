"""Resources that come with the service: stored at a start where they differ from what is stored, under fixed ids.

They are served like any others. A Library lists them, and keeps the fingerprint of what they were made of: a start
compares that, and need not make them. Clients do not write them (`ownership`); what a client had stored under one of
their ids before stays in the history. Those that a later release no longer has stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir import codec
from service.fhir.outcome import CANONICAL
from service.fhir.stamp import same_content
from service.interactions.writing import Target, versioned
from service.store.shipped import FINGERPRINT, LOCK_KEY, MANIFEST_ID, MANIFEST_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.fhir.interaction import Context
    from service.fhir.resource import Content
    from service.interactions.parts import Parts

_ASSETS: Final = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/library-type", "code": "asset-collection"}]
}


async def ship(parts: Parts, context: Context, resources: Iterable[Content], fingerprint: str) -> int:
    """Store the resources, and that they are those of the fingerprint; how many of them were new or had changed.

    They must be valid and have a logical id and a canonical URL. One start at a time; store.lease.LapsedError where the
    search parameters of the parts may be those of before.
    """
    listed = list(resources)
    wanted = [codec.decode(codec.encode(each)) for each in (*listed, _manifest(parts, listed, fingerprint))]
    async with parts.store.transaction((LOCK_KEY,)) as session:
        current = await session.current([(each["resourceType"], each["id"]) for each in wanted], lock=True)
        changes = []
        for content in wanted:
            resource_type, logical_id = content["resourceType"], content["id"]
            target = Target(type=resource_type, id=logical_id, previous=current.get((resource_type, logical_id)))
            if target.before is None or not same_content(target.before, content):
                changes.append(versioned(parts, context, target, content, "PUT").change)
        made = [change for change in changes if change]
        if made:
            await session.write(made)
    return sum(change.version.id != MANIFEST_ID for change in made)


def _manifest(parts: Parts, resources: Iterable[Content], fingerprint: str) -> Content:
    """The Library of what comes with the service."""
    listed: list[dict[str, Any]] = [
        {"type": "composed-of", "display": each["title"], "resource": _canonical(each)} for each in resources
    ]
    told = "Resources that come with the service, which clients read and do not write."
    return {
        "resourceType": MANIFEST_TYPE,
        "id": MANIFEST_ID,
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{told}</div>'},
        "url": f"{CANONICAL}/{MANIFEST_TYPE}/{MANIFEST_ID}",
        "identifier": [{"system": FINGERPRINT, "value": fingerprint}],
        "version": parts.software_version,
        "name": "ComesWithTheService",
        "title": "What comes with the service",
        "status": "active",
        "type": _ASSETS,
        "description": told,
        "relatedArtifact": listed,
    }


def _canonical(content: Content) -> str:
    version = content.get("version")
    return f"{content['url']}|{version}" if version else str(content["url"])
