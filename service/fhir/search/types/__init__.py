"""The search parameter types, one module each: https://hl7.org/fhir/R4/search.html#ptypes"""

from typing import Final

from service.fhir.search.parameter import Kind
from service.fhir.search.types.composite import composite_of
from service.fhir.search.types.date import DATE
from service.fhir.search.types.number import NUMBER
from service.fhir.search.types.quantity import QUANTITY
from service.fhir.search.types.reference import REFERENCE
from service.fhir.search.types.search_type import SearchType
from service.fhir.search.types.string import STRING
from service.fhir.search.types.token import TOKEN
from service.fhir.search.types.uri import URI

_PLAIN: Final = {each.kind: each for each in (TOKEN, REFERENCE, STRING, DATE, URI, NUMBER, QUANTITY)}

SEARCH_TYPES: Final[dict[Kind, SearchType]] = _PLAIN | {"composite": composite_of(_PLAIN)}
"""The kinds that the service answers. R4's special parameters are answered or refused one by one."""
