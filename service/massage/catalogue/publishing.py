"""The catalogue as FHIR resources, and how to tell cheaply whether they may have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.massage.catalogue.code_systems import code_systems
from service.massage.catalogue.concept_maps import concept_maps
from service.massage.catalogue.rows import FOLDER, load
from service.massage.catalogue.value_sets import value_sets
from service.massage.fingerprint import fingerprint_of

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
    return fingerprint_of((*folder.glob("*.toml"), *FOLDER.glob("*.py")))
