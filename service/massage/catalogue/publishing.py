"""The catalogue as FHIR resources, and how to tell cheaply whether they may have changed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from service.massage.catalogue.code_systems import code_systems
from service.massage.catalogue.concept_maps import concept_maps
from service.massage.catalogue.rows import FOLDER, load
from service.massage.catalogue.value_sets import value_sets

if TYPE_CHECKING:
    from pathlib import Path

    from service.fhir.resource import Content
    from service.massage.catalogue.rows import Catalogue


def resources(catalogue: Catalogue | None = None) -> list[Content]:
    """The CodeSystems, ValueSets and ConceptMaps, each with its id; of the packaged rows where none are given."""
    rows = catalogue or load()
    systems = code_systems(rows)
    return [*systems, *value_sets(rows, systems), *concept_maps(rows)]


def fingerprint(folder: Path = FOLDER) -> str:
    """A digest of the rows and of the code that makes resources of them, without reading what they say."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted((*folder.glob("*.toml"), *FOLDER.glob("*.py"))):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
