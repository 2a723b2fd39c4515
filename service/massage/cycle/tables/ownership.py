"""Who may create, change and read what of an episode: one row per kind and role.

`fields` are the elements that the role may change within a state; the state itself, its reason and the business status
that comes with a step are the life cycle's. What is in no row belongs to nobody in particular and no rule touches it.

Safer readings: an administrator reads everything and changes only what a life cycle lets him (entered in error); the
referrer gives `input`, such as a clearance; a patient's record may be extended by the clinic in its identifiers only; a
DetectedIssue's status follows from its mitigation and is the service's alone. A clinic may add a Condition, though it
changes none: a red flag that it meets must have a way in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from service.massage.cycle.machine import Actor

ALL: Final = frozenset({"*"})
NOTHING: Final[frozenset[str]] = frozenset()


class Ownership(Struct, frozen=True, kw_only=True):
    """What one role may do with one kind of resource; `fields` is `ALL` or the names of elements."""

    kind: str
    actor: Actor
    create: bool
    fields: frozenset[str]
    read: bool


def _rows(kinds: str, **roles: str) -> tuple[Ownership, ...]:
    """One row per kind and role, written as ``create read note,priority``: rights first, then elements or ``*``."""
    return tuple(_row(kind, actor, text.split()) for kind in kinds.split() for actor, text in roles.items())


def _row(kind: str, actor: str, words: list[str]) -> Ownership:
    fields = frozenset(name for word in words if word not in {"create", "read"} for name in word.split(","))
    return Ownership(
        kind=kind,
        actor=actor,  # type: ignore[arg-type]  # a word of the table; a test looks it up
        create="create" in words,
        fields=fields,
        read="read" in words,
    )


OWNERSHIP: Final = (
    # Patient: the referrer's; the clinic adds its identifier and proposes other changes by a change Task
    *_rows(
        "Patient",
        referrer="create read *",
        clinic="read identifier",
        patient="read",
        system="read link",
        administrator="read",
    ),
    *_rows(
        "Condition",
        referrer="create read *",
        clinic="create read",
        patient="read",
        system="read *",
        administrator="read",
    ),
    *_rows(
        "Coverage Consent ClaimResponse Referral",
        referrer="create read *",
        clinic="read",
        patient="read",
        system="read *",
        administrator="read",
    ),
    *_rows(
        "Task",
        referrer="create read note,priority,input",
        clinic="read owner,businessStatus,statusReason,output,executionPeriod,identifier,input,note,restriction",
        patient="read",
        system="create read *",
        administrator="read",
    ),
    # abort and change: whoever asks writes it, whom it asks answers
    *_rows(
        "RequestTask",
        referrer="create read",
        clinic="create read",
        patient="create read",
        author="read note,priority,input,description",
        addressee="read note,output",
        system="create read *",
        administrator="read",
    ),
    # the service reminds the clinic, which says that it has seen to it
    *_rows(
        "Reminder",
        referrer="read",
        clinic="read note,output",
        patient="read",
        system="create read *",
        administrator="read",
    ),
    *_rows(
        "CarePlan Goal Appointment Encounter Procedure Observation DiagnosticReport EpisodeOfCare",
        referrer="read",
        clinic="create read *",
        patient="read",
        system="create read *",
        administrator="read",
    ),
    *_rows(
        "QuestionnaireResponse",
        referrer="read",
        clinic="create read *",
        patient="create read *",
        system="create read *",
        administrator="read",
    ),
    *_rows(
        "DetectedIssue",
        referrer="read mitigation",
        clinic="read mitigation",
        patient="read",
        system="create read *",
        administrator="read",
    ),
)
