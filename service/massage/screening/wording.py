"""The words of a finding: the same in a DetectedIssue, in a card and in a message.

They name resources by reference, and codes and dates that were understood; never what else an EHR wrote.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from service.massage.screening.content import reference_to, text_in
from service.massage.screening.rule import RANKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.massage.screening.matching import Match
    from service.massage.screening.rule import Rule, Severity

_MOST_SHOWN: Final = 5
_MOMENT: Final = timedelta(microseconds=1)
_MEANINGS: Final = {
    "absolute": "No massage until it is cleared.",
    "relative": "Only with a physician's clearance, or within a restriction.",
    "local": "Not on the area.",
}


def detail_of(rule: Rule, severity: Severity, matches: Sequence[Match], techniques: Sequence[str]) -> str:
    """What was found and what follows from it, in a few sentences."""
    shown = list(dict.fromkeys(_told(each) for each in matches))
    more = f" and {len(shown) - _MOST_SHOWN} more" if len(shown) > _MOST_SHOWN else ""
    sentences = [f"{'; '.join(shown[:_MOST_SHOWN])}{more}."]
    if RANKS[severity] < RANKS[rule.severity]:
        sentences.append("The order is for another region.")
    sentences.append(_MEANINGS[severity])
    if rule.advice:
        sentences.append(rule.advice)
    if techniques:
        sentences.append(f"Not without clearance: {', '.join(techniques)}.")
    sentences += rule.judged
    if rule.overridden_from is not None:
        sentences.append(f"This deployment rates it {rule.severity}; the table says {rule.overridden_from}.")
    return " ".join(sentences)


def _told(match: Match) -> str:
    subject = reference_to(match.resource) or text_in(match.resource, "resourceType") or "The order"
    since = f", {(match.since - _MOMENT).date().isoformat()}" if match.since else ""
    return f"{subject} ({match.told}{since})"
