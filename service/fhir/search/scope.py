"""What a search parameter's meaning depends on: the types that are searched, and what they know."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.outcome import failure
from service.fhir.search.nearest import hint_of
from service.fhir.search.result_parameters import RESULT_PARAMETERS, UNSUPPORTED_RESULT_PARAMETERS
from service.fhir.search.unsupported import UNSUPPORTED_PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.outcome import FhirError
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.registry import Registry
    from service.fhir.search.result_parameters import SearchLimits
    from service.fhir.search.types.search_type import Setting

JOINS: Final = ("_has", "_list")
"""The parameters that every type takes and that lead to other resources."""

_PRINTABLE: Final = re.compile(r"[A-Za-z0-9_.:\-]{1,64}")
_LINKS: Final = re.compile(r"[A-Za-z0-9_.:\-]+")
_PAGING_ELSEWHERE: Final = frozenset(
    {"_offset", "offset", "_skip", "_page", "page", "_getpages", "_getpagesoffset", "_page_token", "ct", "_after"}
)
"""What other servers' pages are reached by, and people try."""


class Budget(Struct):
    """What the values of a search may still come to, digests behind ids without a type among them."""

    left: int

    def spend(self, count: int, code: str) -> None:
        """Take off what the values of a parameter come to; FhirError too-costly."""
        self.left -= count
        if self.left < 0:
            text = "Too many values; where ids may be of many types, name the type of each, as in Type/id."
            raise failure("too-costly", text, where(code))


class Scope(Struct, frozen=True, kw_only=True):
    """The types that are searched, or that a chain leads to, and the parameters that all of them have.

    `results` are the result parameters that may be sent beside them.
    """

    types: tuple[str, ...]
    registry: Registry
    known: Mapping[str, SearchParameter]
    setting: Setting
    limits: SearchLimits
    budget: Budget
    results: tuple[str, ...] = RESULT_PARAMETERS

    @property
    def title(self) -> str:
        """What a message calls the types."""
        return self.types[0] if len(self.types) == 1 else "A search over several types"

    def of(self, *types: str) -> Scope:
        """The scope of other types."""
        return Scope(
            types=types,
            registry=self.registry,
            known=self.registry.shared_parameters(types),
            setting=self.setting,
            limits=self.limits,
            budget=self.budget,
            results=self.results,
        )

    def unsupported(self) -> Mapping[str, str]:
        """What R4 defines here and the service does not answer: code → reason."""
        of_types = {code: reason for each in self.types for code, reason in self.registry.unsupported(each).items()}
        return {**UNSUPPORTED_PARAMETERS, **UNSUPPORTED_RESULT_PARAMETERS, **of_types}

    def parameter(self, code: str, *, inside: bool = False) -> SearchParameter:
        """The parameter of a code; `inside` of a chain. FhirError parameter-unknown or parameter-unsupported."""
        found = self.known.get(code)
        if found is None:
            raise self.unknown(code, inside=inside)
        return found

    def unknown(self, code: str, *, inside: bool = False) -> FhirError:
        """The refusal of a parameter that is not known, naming the nearest one and listing all."""
        if any(code in self.registry.being_indexed(each) for each in self.types):
            text = f"{code} is being indexed; it can be searched by as soon as $reindex says that it is done."
            return failure("parameter-unsupported", text, where(code))
        if reason := self.unsupported().get(code):
            return failure("parameter-unsupported", f"R4 defines {code}, but {reason}.", where(code))
        if code in _PAGING_ELSEWHERE:
            text = "Pages are reached by the next link of the page before; _count says how many entries a page has."
            return failure("parameter-unknown", text, where(code))
        accepted = [*self.known, *JOINS, *(() if inside else self.results)]
        hint = hint_of(code, accepted)
        named = f"no search parameter {code}" if _PRINTABLE.fullmatch(code) else "no such search parameter"
        text = f"{self.title} has {named}{hint} It takes {', '.join(accepted)}."
        return failure("parameter-unknown", text, where(code))


def where(name: str) -> str:
    """The place of a parameter for an issue's expression; of a long name its first links."""
    if _PRINTABLE.fullmatch(name):
        return f"http.{name}"
    code, colon, _ = name.partition(":")
    if colon and _PRINTABLE.fullmatch(code) and not _LINKS.fullmatch(name):
        return f"http.{code}"
    links = re.match(rf"({_PRINTABLE.pattern})[.:]", name) if _LINKS.fullmatch(name) else None
    return f"http.{links[1]}" if links else "http"
