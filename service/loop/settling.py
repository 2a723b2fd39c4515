"""What a verdict on a referral comes to: refusals at their entries, or what is written beside in the same commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.bundle_plan import below
from service.fhir.outcome import FhirError
from service.interactions.rules import Addition
from service.massage.cycle import versioned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.interaction import Context
    from service.fhir.outcome import Issue
    from service.interactions.rules import Proposal
    from service.loop.achievement import Achievements
    from service.loop.episode import Loaded
    from service.massage.cycle import Change, Verdict


def settled(
    achievements: Achievements | None,
    context: Context,
    loaded: Loaded,
    own: Sequence[Proposal],
    alongside: Sequence[Change],
    verdict: Verdict,
    *,
    is_owned: bool,
) -> tuple[list[Addition], Sequence[Issue]]:
    """What is written beside, goals kept up to date, and what is said; FhirError with what the verdict refuses."""
    if not is_owned and not own:
        return additions(loaded, own, alongside, verdict, is_owned=False), ()
    _check(verdict, own)
    added = additions(loaded, own, alongside, verdict, is_owned=is_owned)
    if achievements is None:
        return added, verdict.notices
    added, told = achievements.added(loaded, own, added, context)
    return added, (*verdict.notices, *told)


def additions(
    loaded: Loaded, own: Sequence[Proposal], alongside: Sequence[Change], verdict: Verdict, *, is_owned: bool = True
) -> list[Addition]:
    """What the service writes beside; a Provenance names the versions that its targets get."""
    settled = {(each.type, each.id): each for each in (*alongside, *verdict.effects)}
    written = {(each.type, each.id) for each in own}

    def version_of(reference: str) -> int:
        kind, _, logical_id = reference.partition("/")
        known = loaded.versions.get((kind, logical_id))
        if known is None:
            return 1
        return known.version_id + (1 if (kind, logical_id) in written or (kind, logical_id) in settled else 0)

    found = []
    for (kind, logical_id), each in settled.items():
        if each.after is None:
            raise TypeError(f"the loop deletes nothing: {kind}")
        content = versioned(each.after, version_of) if kind == "Provenance" else each.after
        found.append(
            Addition(
                type=kind,
                id=logical_id,
                content=content,
                previous=loaded.versions.get((kind, logical_id)),
                is_owned=is_owned,
            )
        )
    return found


def _check(verdict: Verdict, own: Sequence[Proposal]) -> None:
    """Raise the refusals, each at the entry of the Bundle that it is about."""
    issues = []
    for refusal in verdict.refusals:
        issue = refusal.issue()
        kind = refusal.expression.partition(".")[0]
        where = next((each.where for each in own if each.type == kind), "")
        issues.append(below(issue, where) if where else issue)
    if issues:
        raise FhirError(issues=issues)
