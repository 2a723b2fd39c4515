"""Whether a code is in a code system or a value set, for the two $validate-code operations.

https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
https://hl7.org/fhir/R4/valueset-operation-validate-code.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from service.fhir.terminology.naming import display_in, is_named
from service.fhir.terminology.parameters import parameters, value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from service.fhir.resource import Content
    from service.fhir.terminology.value_set import Entry

    Find = Callable[[Mapping[str, Any]], Entry | None]
    """The entry of a Coding, None where there is none."""


class Verdict(Struct, frozen=True, kw_only=True):
    """Whether a code is in; `message` says why not, or what to mind; `display` is its right name."""

    result: bool
    message: str | None = None
    display: str | None = None

    def as_parameters(self) -> Content:
        """The answer of the operation."""
        return parameters(
            [
                value("result", "Boolean", self.result),
                value("message", "String", self.message),
                value("display", "String", self.display),
            ]
        )


class Rules(Struct, frozen=True, kw_only=True):
    """How to judge: `among` is what the code is looked for in, for messages; `abstract` False refuses groups."""

    among: str
    abstract: bool | None = None
    language: str | None = None


def judge(find: Find, codings: Sequence[Mapping[str, Any]], rules: Rules) -> Verdict:
    """The verdict on a code, or on several of which one has to be in; what is wrong with others is told."""
    verdicts = [_judge(find, coding, rules) for coding in codings]
    if len(verdicts) == 1:
        return verdicts[0]
    accepted = [each for each in verdicts if each.result]
    notes = [f"coding[{place}]: {each.message}" for place, each in enumerate(verdicts) if each.message]
    return Verdict(
        result=bool(accepted),
        message=" ".join(notes) or None,
        display=next((each.display for each in accepted or verdicts if each.display), None),
    )


def _judge(find: Find, coding: Mapping[str, Any], rules: Rules) -> Verdict:
    entry = find(coding)
    if entry is None:
        return Verdict(result=False, message=f"The {rules.among} does not have the code.")
    display = display_in(rules.language, entry.display, entry.designations)
    version = coding.get("version")
    if version and entry.version and version != entry.version:
        told = f"The {rules.among} has the code in version {entry.version} of its system, not in that one."
        return Verdict(result=False, message=told, display=display)
    if entry.abstract and rules.abstract is False:
        return Verdict(result=False, message="The code is abstract: it only groups others.", display=display)
    if coding.get("display") and not is_named(entry, coding["display"]):
        return Verdict(result=False, message="The code is not called so.", display=display)
    notes = ["The code is not in use any more."] if entry.inactive else []
    if entry.abstract:
        notes.append("The code is abstract: it only groups others.")
    return Verdict(result=True, message=" ".join(notes) or None, display=display)
