"""The referral itself: a ServiceRequest whose status only its referrer controls (Gravity, COW).

Safer readings: a referral in which sessions were delivered cannot become entered-in-error (revoke it instead); the end
of a referral is final, but for entered-in-error.
"""

from __future__ import annotations

from typing import Final

from service.massage.cycle.machine import NONE, SAME, Machine, step

REFERRAL: Final = Machine(
    kind="Referral",
    type="ServiceRequest",
    element="status",
    title="The referral (ServiceRequest)",
    terminal=("revoked", "completed", "entered-in-error"),
    steps=(
        step("S1", NONE, "draft", by="referrer", instead="The referrer creates the referral."),
        step(
            "S2",
            f"{NONE} draft",
            "active",
            by="referrer",
            guards="referral-complete sessions-agree",
            effects="create-task",
            instead="The referrer creates the referral.",
        ),
        step(
            "S3",
            "active",
            "on-hold",
            by="referrer",
            effects="hold-task",
            instead="The referrer controls the referral; the clinic puts its Task on hold.",
        ),
        step(
            "S4",
            "on-hold",
            "active",
            by="referrer",
            guards="referral-complete sessions-agree",
            effects="create-task",
            instead="The referrer controls the referral.",
        ),
        step(
            "S5",
            "active on-hold",
            "revoked",
            by="referrer",
            effects="withdraw-task",
            instead="The referrer revokes; the clinic asks for it with an abort Task whose focus is the referral.",
        ),
        step(
            "S6",
            "active",
            "completed",
            by="referrer system",
            guards="loop-closed",
            instead="The referrer acknowledges the closed loop; the clinic completes its Task.",
        ),
        step(
            "S7",
            "draft active on-hold revoked completed",
            "entered-in-error",
            by="referrer administrator",
            guards="nothing-delivered",
            effects="void-task",
            instead="The referrer or an administrator marks the referral as entered in error.",
        ),
        step(
            "S8",
            "draft active on-hold",
            SAME,
            by="referrer system",
            guards="still-a-referral sessions-agree",
            instead="The referrer changes the referral; the clinic asks with a change Task.",
        ),
        step(
            "S9",
            "revoked completed",
            SAME,
            by="referrer system",
            guards="only-notes",
            instead="The referrer may add notes.",
        ),
    ),
)
