"""What screening finds: the words and the ids that DetectedIssues and cards share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from service.massage.screening.override import Override
    from service.massage.screening.rule import Alert, Severity


class Finding(Struct, frozen=True, kw_only=True):
    """One contraindication that a patient has, as it bears on one referral.

    `evidence` are references such as ``Condition/1``; `techniques` those that are excluded, the ones asked for first.
    """

    rule: str
    title: str
    severity: Severity
    alert: Alert
    detail: str
    action: str
    evidence: tuple[str, ...]
    techniques: tuple[str, ...] = ()
    red_flag: bool = False
    source: str
    overridden_from: Severity | None = None


class Screening(Struct, frozen=True, kw_only=True):
    """What was found, gravest first, and how much the finding of nothing would say.

    `basis` is ``unscreened`` where nothing is known of the patient that could be judged: never the same as safe.
    `unjudged` are references to current conditions and medications in codes that the rules do not know; `unread`
    resource types that could not be looked at; `overrides` the severities that are not the table's.
    """

    findings: tuple[Finding, ...]
    basis: Literal["screened", "unscreened"]
    unjudged: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()

    @property
    def absolute(self) -> tuple[Finding, ...]:
        """The findings that keep a referral from being accepted."""
        return tuple(each for each in self.findings if each.severity == "absolute")

    @property
    def red_flags(self) -> tuple[Finding, ...]:
        """The findings that the referrer must hear of at once."""
        return tuple(each for each in self.findings if each.red_flag)
