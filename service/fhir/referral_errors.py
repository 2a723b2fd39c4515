"""How a step of the referral loop can fail: the rows of the catalogue of errors that its life cycles refuse with."""

from __future__ import annotations

from typing import Final

REFERRAL_ERRORS: Final = (
    ("transition-not-allowed", "RULE", "business-rule", "The life cycle has no such step from here."),
    ("wrong-actor", "FORBIDDEN", "forbidden", "The step or element belongs to another party of the referral."),
    ("immutable-field", "RULE", "business-rule", "The element may not change once it is set."),
    ("business-status-inconsistent", "RULE", "business-rule", "Business status and status disagree."),
    ("modifier-unknown", "RULE", "extension", "A modifier extension changes a meaning in an unknown way."),
    ("outcome-invalid", "RULE", "value", "A score is not one of its instrument's, or lacks its unit or its day."),
    ("answer-invalid", "RULE", "value", "A questionnaire does not allow an answer, or lacks one that it requires."),
    ("questionnaire-unknown", "RULE", "not-found", "The service does not hold the questionnaire that is answered."),
    ("diagnosis-unknown", "RULE", "code-invalid", "A code cannot be one of ICD-10-CM."),
    ("time-ahead", "RULE", "value", "What is said to have happened lies ahead of the service's clock."),
    ("subject-mismatch", "RULE", "invariant", "The resource is about another patient than the referral."),
    ("identity-conflict", "CONFLICT", "conflict", "Somebody else has the identifier by which one is looked for."),
    ("duplicate", "CONFLICT", "duplicate", "The order, or a live task for it, exists already."),
    ("guard-referral", "RULE", "business-rule", "The referral does not allow the step."),
    ("guard-task", "RULE", "business-rule", "The referral's task does not allow the step."),
    ("guard-cancellation", "RULE", "business-rule", "A request to abort, or a revocation, is missing or open."),
    ("guard-reason", "RULE", "business-rule", "The step needs a status reason."),
    ("guard-safety", "RULE", "business-rule", "A contraindication is open, or the safety check is missing."),
    ("guard-consent", "RULE", "business-rule", "The step needs a consent."),
    ("guard-therapist", "RULE", "business-rule", "The therapist is not licensed, certified or free."),
    ("guard-visits", "RULE", "business-rule", "Number, day or length of the visits do not allow the step."),
    (
        "visits-booked",
        "RULE",
        "business-rule",
        "Bookings hold every visit that is left; the session is at none of them.",
    ),
    ("guard-plan", "RULE", "business-rule", "The plan or its goals do not allow the step."),
    ("guard-report", "RULE", "business-rule", "The step needs a report."),
)
"""Code, name of the category, FHIR issue type, meaning."""
