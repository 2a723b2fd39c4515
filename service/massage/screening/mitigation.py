"""When an issue is cleared: by its own mitigation, in the hands of those who may.

An absolute one is cleared by the referrer alone, with an action, a date and a document that clears it; or by its cause
going away, which the next screening finds (`detected_issue.revised`). The clinic may not clear an absolute one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.code_systems import ACT_CODE
from service.fhir.temporal import range_of
from service.massage.screening.content import codings_in, object_in, objects_in, text_in
from service.massage.screening.detected_issue import is_withdrawn, rule_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.fhir.resource import Content

ACTIONS: Final = frozenset({"2", "5", "8", "9", "12", "13"})
"""v3-ActCode: assessed patient, consulted prescriber, other action, monitoring, concurrent therapy suspended or
stopped."""


class Clearance(Struct, frozen=True, kw_only=True):
    """Who may clear absolute issues of a referral, and whether they have shown why.

    `authors` are references to the referrer's practitioners and their roles; `is_documented`: a document that clears
    the patient is attached to the referral or its Task.
    """

    authors: frozenset[str]
    is_documented: bool


NOBODY: Final = Clearance(authors=frozenset(), is_documented=False)


def mitigated(issue: Content, clearance: Clearance = NOBODY) -> bool:
    """Whether a DetectedIssue's mitigation clears it; by default as if the referrer had said nothing."""
    return any(_clears(each, issue, clearance) for each in objects_in(issue, "mitigation"))


def is_open_absolute(issue: Content, clearance: Clearance = NOBODY) -> bool:
    """Whether an issue of screening forbids massage, and nobody has cleared it."""
    return _is_absolute(issue) and not is_withdrawn(issue) and not mitigated(issue, clearance)


def open_absolute(issues: Iterable[Content], clearance: Clearance = NOBODY) -> tuple[Content, ...]:
    """The issues that forbid massage, and that nobody has cleared."""
    return tuple(each for each in issues if is_open_absolute(each, clearance))


def _is_absolute(issue: Content) -> bool:
    return text_in(issue, "severity") == "high" and rule_of(issue) is not None


def _clears(mitigation: Content, issue: Content, clearance: Clearance) -> bool:
    if not any(system == ACT_CODE and code in ACTIONS for system, code in codings_in(mitigation, "action")):
        return False
    if not _is_absolute(issue):
        return True
    author = text_in(object_in(mitigation, "author"), "reference")
    return clearance.is_documented and author in clearance.authors and _is_later(mitigation, issue)


def _is_later(mitigation: Content, issue: Content) -> bool:
    """Whether it was done after the issue was identified; one day is as good as another hour of the same."""
    done, identified = range_of(text_in(mitigation, "date")), range_of(text_in(issue, "identifiedDateTime"))
    return done is not None and (identified is None or done.high > identified.low)
