"""What the operations on care take and answer, beside drafts of plans."""

from __future__ import annotations

from typing import Final

CARE_ANSWERS: Final[dict[str, tuple[str, str, str]]] = {
    "Outcomes": (
        "An `instrument` for each measure, the `goal`s, the `sessions`, what was `leftOut`, and a `narrative`.",
        "Parameters",
        "outcomes",
    ),
    "Account": (
        "How the `loop` of the `referrals` ended, `acceptance`, `visits`, each `condition` and `technique`.",
        "Parameters",
        "account",
    ),
    "Statistics": (
        "An Observation of `statistics` for each code and kind of unit; each `source` that they come from.",
        "Parameters",
        "statistics",
    ),
    "Document": (
        "A document: its Composition, its forms, and what it is about; or its PDF alone, for who asks for that.",
        "Bundle",
        "document",
    ),
    "RecordedSession": (
        "What was made, by its part, with minutes and timed units; `recorded` is false where that was done before.",
        "Parameters",
        "recorded-session",
    ),
    "Visits": (
        "The numbers of visits, each `authorisation`, when the `progressReport` falls due, and each `session`.",
        "Parameters",
        "visits.answer",
    ),
}
"""Answer → what it is, its type, and its example."""

CARE_BODIES: Final[dict[str, str]] = {
    "Apply": "apply",
    "Extract": "extract",
    "Lastn": "lastn",
    "NecessityPacket": "necessity-packet",
    "OutcomeMeasures": "outcome-measures",
    "OutcomeSummary": "outcome-summary",
    "Populate": "populate",
    "ProgressReport": "progress-report",
    "RecordSession": "record-session",
    "Stats": "stats",
    "Visits": "visits",
}
"""Request bodies that are Parameters, with their examples."""
