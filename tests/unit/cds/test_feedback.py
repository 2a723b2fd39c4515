"""What became of cards."""

from __future__ import annotations

from typing import Any

import pytest

from service.cds.cards import card_uuid, marks_of
from service.cds.feedback import MOST_FEEDBACK, read_feedback
from service.fhir.outcome import FhirError

Json = dict[str, Any]

MARKS = marks_of({"dvt": None, "fever": None})
REASONS = ("resolved", "clinician-judgement")
CARD = card_uuid("dvt", "a card")
SUGGESTION = card_uuid("dvt", "its suggestion")


def _feedback(**changes: Any) -> Json:
    sent = {"card": CARD, "outcome": "overridden", "outcomeTimestamp": "2026-03-01T12:00:00Z"}
    return {name: value for name, value in (sent | changes).items() if value is not None}


def test_an_override_is_read() -> None:
    """With the rule that the card was about."""
    reason = {"reason": {"code": "resolved", "system": "https://x.example.org"}, "userComment": "Seen by Dr. X"}
    (read,) = read_feedback({"feedback": [_feedback(overrideReason=reason)]}, MARKS, REASONS)
    assert (read.card, read.rule, read.outcome, read.reason) == (CARD, "dvt", "overridden", "resolved")
    assert "Dr. X" not in str(read)


@pytest.mark.parametrize(
    "reason, kept",
    [
        (None, None),
        ({"reason": {"code": "their-own"}}, "other"),
        ({"userComment": "No"}, "other"),
        ({"reason": {}}, "other"),
    ],
)
def test_reasons_of_others_are_kept_as_other(reason: Json | None, kept: str | None) -> None:
    """Only our own codes are repeated."""
    (read,) = read_feedback({"feedback": [_feedback(overrideReason=reason)]}, MARKS, REASONS)
    assert read.reason == kept


def test_an_accepted_suggestion_is_read() -> None:
    """By the suggestions' ids."""
    accepted = _feedback(outcome="accepted", acceptedSuggestions=[{"id": SUGGESTION}])
    (read,) = read_feedback({"feedback": [accepted]}, MARKS, REASONS)
    assert read.outcome == "accepted"


@pytest.mark.parametrize(
    "changes",
    [
        {"card": None},
        {"card": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"},
        {"card": card_uuid("a-rule-that-is-none", "x")},
        {"card": 7},
        {"card": "x" * 36},
        {"outcome": "ignored"},
        {"outcome": None},
        {"outcome": "accepted"},
        {"outcome": "accepted", "acceptedSuggestions": []},
        {"outcome": "accepted", "acceptedSuggestions": [{"id": "1"}]},
        {"outcomeTimestamp": None},
        {"outcomeTimestamp": "yesterday"},
        {"outcomeTimestamp": "2026-03-01"},
        {"overrideReason": "resolved"},
        {"overrideReason": {"reason": "resolved"}},
    ],
)
def test_what_is_no_feedback_is_refused(changes: Json) -> None:
    """As a bad request."""
    with pytest.raises(FhirError) as refused:
        read_feedback({"feedback": [_feedback(**changes)]}, MARKS, REASONS)
    assert refused.value.category.status == 400


@pytest.mark.parametrize("body", [None, [], {}, {"feedback": {}}, {"feedback": []}, {"feedback": ["x"]}])
def test_a_body_without_feedback_is_refused(body: Any) -> None:
    """An array of objects is wanted."""
    with pytest.raises(FhirError):
        read_feedback(body, MARKS, REASONS)


def test_feedback_is_bounded() -> None:
    """What is kept of one request is little."""
    many = {"feedback": [_feedback()] * (MOST_FEEDBACK + 1)}
    with pytest.raises(FhirError, match="too-costly"):
        read_feedback(many, MARKS, REASONS)
