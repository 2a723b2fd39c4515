"""What HL7 publishes about R4, as data: types, elements, value sets, search parameters, compartments.

``served.txt`` lists the resource types that the service serves; adding one is one line there. Everything else is
compiled by `compiler` into ``facts/`` and read, type by type, by `Definitions`.
"""

from service.fhir.definitions.definition import (
    Constraint,
    Element,
    ElementType,
    SearchParameterFact,
)
from service.fhir.definitions.loader import Definitions, load

__all__ = [
    "Constraint",
    "Definitions",
    "Element",
    "ElementType",
    "SearchParameterFact",
    "load",
]
