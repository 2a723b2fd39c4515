"""Communications to the referrer that cannot wait for the next look at the Task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.stamp import instant_text
from service.massage.cycle.view import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.resource import Content
    from service.massage.cycle.draft import Draft


def tell_referrer(draft: Draft, priority: str, text: str, about: Sequence[Content]) -> None:
    """Write a Communication to whoever requested the referral; the text carries no patient's values."""
    referral = draft.referral
    requester = referral.get("requester")
    draft.create(
        "Communication",
        status="completed",
        priority=priority,
        basedOn=[{"reference": name_of(referral)}],
        subject=referral["subject"],
        about=[{"reference": name_of(one)} for one in about],
        sent=instant_text(draft.now),
        payload=[{"contentString": text}],
        **({"recipient": [requester]} if requester else {}),
    )
