"""What the sender of a new referral is told beside its success."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.outcome import Issue
from service.massage.screening.duplicate import DUPLICATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.massage.screening.finding import Screening


def said_of_new(screening: Screening) -> Iterator[Issue]:
    """What the sender of a referral is told that nobody holds."""
    if screening.basis == "unscreened":
        yield _UNSCREENED
    if any(each.rule == DUPLICATE for each in screening.findings):
        yield _SIMILAR


_UNSCREENED: Final = Issue(
    code=None,
    severity="warning",
    diagnostics="Nothing is known of the patient that the safety rules could judge: the referral is unscreened, "
    "which does not mean safe.",
    expression=("ServiceRequest.subject",),
)
_SIMILAR: Final = Issue(
    code=None,
    severity="warning",
    issue_type="duplicate",
    diagnostics="The referral is stored; another one of the patient is active for the same reason. Revoke one of them, "
    "or say by replaces that this one takes its place.",
    expression=("ServiceRequest.reasonCode",),
)
