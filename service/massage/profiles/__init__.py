"""Our profiles: what makes a referral, its Task, a plan, a session and an outcome measure complete.

The rows (`*.toml` beside this) can be read by whoever has to meet them; `resources` makes StructureDefinitions of them,
`fingerprint` tells cheaply whether they may have changed. Imports service.fhir and the catalogue only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.massage.fingerprint import fingerprint_of
from service.massage.profiles.rows import FOLDER, ProfileRows, load
from service.massage.profiles.structures import canonical, resources, supported

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ProfileRows", "canonical", "fingerprint", "load", "resources", "supported"]


def fingerprint(folder: Path = FOLDER) -> str:
    """A digest of the rows and of the code that makes resources of them, without reading what they say."""
    return fingerprint_of((*folder.glob("*.toml"), *FOLDER.glob("*.py")))
