"""FHIRPath: compiled once, evaluated on plain decoded JSON in microseconds.

    lexer → parser → syntax → compiler (code, navigation, operators, functions) → Path

Serves the invariants of the definitions, the extraction of search values, and FHIRPath Patch. May import the
definitions' vocabulary and nothing else of ours. https://hl7.org/fhirpath/N1/, https://hl7.org/fhir/R4/fhirpath.html
"""

from service.fhir.path.code import Scope
from service.fhir.path.error import PathError
from service.fhir.path.item import Node, twin_node
from service.fhir.path.path import Path, compile_path, parent_path
from service.fhir.path.shape import CHOICE_TYPES, Slot

__all__ = [
    "CHOICE_TYPES",
    "Node",
    "Path",
    "PathError",
    "Scope",
    "Slot",
    "compile_path",
    "parent_path",
    "twin_node",
]
