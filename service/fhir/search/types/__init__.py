"""The search parameter types, one module each: https://hl7.org/fhir/R4/search.html#ptypes"""

from typing import Final

from service.fhir.search.parameter import Kind
from service.fhir.search.types.date import DATE
from service.fhir.search.types.reference import REFERENCE
from service.fhir.search.types.search_type import SearchType
from service.fhir.search.types.string import STRING
from service.fhir.search.types.token import TOKEN
from service.fhir.search.types.uri import URI

SEARCH_TYPES: Final[dict[Kind, SearchType]] = {each.kind: each for each in (TOKEN, REFERENCE, STRING, DATE, URI)}
"""The kinds that the service answers. R4's number, quantity, composite and special are refused by name."""
