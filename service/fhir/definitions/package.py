"""HL7's npm package of the R4 definitions, unpacked: the files that the facts are compiled from.

The package is ``hl7.fhir.r4.examples`` 4.0.1 (HL7, CC0); its folder ``package`` holds one JSON file per resource.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, Any]

STRUCTURE: Final = "http://hl7.org/fhir/StructureDefinition/"


class Package:
    """The unpacked package, read kind by kind as the compiler asks for it."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "StructureDefinition-Patient.json").is_file():
            wanted = "the folder 'package' of the unpacked npm package hl7.fhir.r4.examples 4.0.1"
            raise FileNotFoundError(f"{folder} does not hold the R4 definitions; name {wanted}")
        self._folder = folder

    def resources(self, resource_type: str) -> Iterator[Json]:
        """Every resource of the type, in the order of the file names."""
        for path in sorted(self._folder.glob(f"{resource_type}-*.json")):
            yield msgspec.json.decode(path.read_bytes())

    def bundle(self, name: str) -> list[Json]:
        """The resources of a Bundle of the package."""
        bundle = msgspec.json.decode((self._folder / f"Bundle-{name}.json").read_bytes())
        return [entry["resource"] for entry in bundle["entry"]]

    @cached_property
    def structures(self) -> dict[str, Json]:
        """The definition of every resource type and data type, abstract ones included, profiles and patterns not."""
        kinds = {"resource", "complex-type", "primitive-type"}
        return {item["type"]: item for item in self._structure_definitions("specialization") if item["kind"] in kinds}

    @cached_property
    def profiles(self) -> dict[str, Json]:
        """The constraining definitions of data types (such as SimpleQuantity), by URL."""
        found = self._structure_definitions("constraint")
        return {item["url"]: item for item in found if item["kind"] == "complex-type"}

    def _structure_definitions(self, derivation: str) -> list[Json]:
        """Those with the derivation; the roots of the hierarchy, Resource and Element, count as specialisations."""
        found = self.resources("StructureDefinition")
        return [item for item in found if item.get("derivation", "specialization") == derivation]

    @cached_property
    def value_sets(self) -> dict[str, Json]:
        """Every value set, by URL."""
        return {item["url"]: item for item in self.resources("ValueSet")}

    @cached_property
    def code_systems(self) -> dict[str, Json]:
        """Every code system, by URL."""
        return {item["url"]: item for item in self.resources("CodeSystem")}

    @cached_property
    def expansions(self) -> dict[str, Json]:
        """The value sets that HL7 publishes expanded, by URL."""
        return {item["url"]: item for item in self.bundle("valueset-expansions") if item["resourceType"] == "ValueSet"}
