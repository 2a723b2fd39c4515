"""Codes out of value sets: https://hl7.org/fhir/R4/terminologies.html#strength"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.element_rules import listed
from service.fhir.profile.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.element_rules import Frame
    from service.fhir.profile.finding import Check, Findings

_LISTED: Final = 20


class Codes(Struct, frozen=True, kw_only=True):
    """The codes of a value set by code system, "" for codes without one."""

    value_set: str
    systems: Mapping[str, frozenset[str]]

    def holds(self, value: Any) -> bool:
        """Whether a code, Coding, CodeableConcept or Quantity is, or has, one of the codes."""
        if isinstance(value, str):
            return any(value in codes for codes in self.systems.values())
        if not isinstance(value, dict):
            return False
        if "coding" in value:
            return any(self._has(coding) for coding in value["coding"])
        return self._has(value)

    def _has(self, coding: Mapping[str, Any]) -> bool:
        return coding.get("code") in self.systems.get(coding.get("system", ""), ())

    @property
    def words(self) -> str:
        """What is accepted, in words."""
        if sum(map(len, self.systems.values())) > _LISTED:
            return f"a code of {self.value_set}"
        return "; ".join(
            f"{listed(sorted(codes))}{f' of {system}' if system else ''}"
            for system, codes in sorted(self.systems.items())
        )


def required(name: str, codes: Codes) -> Check:
    """The check of an element whose codes come from the value set."""
    return _check(codes, Finding(text=f"{name} must be {codes.words}.", kind="code-invalid"))


def extensible(name: str, codes: Codes) -> Check:
    """The check of an element whose codes should come from the value set; otherwise it warns."""
    text = f"{name} should be a code of {codes.value_set} if one of them fits."
    return _check(codes, Finding(text=text, kind="code-invalid", severity="warning"))


def _check(codes: Codes, finding: Finding) -> Check:
    holds, found = codes.holds, (finding,)

    def check(value: Any, _twin: Any, _frame: Frame) -> Findings | None:
        return None if value is None or holds(value) else found

    return check
