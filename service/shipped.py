"""What comes with the service as resources: of each part a fingerprint, which is cheap, and the making, which is not.

Read at every start, by the process that may serve nothing itself; so it imports little.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from service.fhir import own_resources
from service.massage import assessment, catalogue, profiles, protocol, step_codes

if TYPE_CHECKING:
    from service.fhir.resource import Content

NOTICES: Final = (f"About the contraindications that it screens for: {catalogue.SIGN_OFF}",)
"""What readers of the CapabilityStatement must see."""


def fingerprint(version: str) -> str:
    """A digest of everything that the resources of this release, of a software version, are made of."""
    parts = (
        version,
        own_resources.fingerprint(),
        catalogue.fingerprint(),
        profiles.fingerprint(),
        step_codes.fingerprint(),
        protocol.fingerprint(),
        assessment.fingerprint(),
    )
    return hashlib.blake2b(" ".join(parts).encode(), digest_size=16).hexdigest()


def resources() -> list[Content]:
    """All of them, each with its logical id and canonical URL."""
    of_massage = (catalogue, profiles, step_codes, protocol, assessment)
    return [*own_resources.resources(), *(content for part in of_massage for content in part.resources())]
