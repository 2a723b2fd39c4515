"""Who may create and change what of an episode: one row per kind and role. Who sees it is told by `service.fhir.sight`.

`fields` are the elements that the role may change within a state; the state itself, its reason and the business status
that comes with a step are the life cycle's. What is in no row belongs to nobody in particular and no rule touches it.

Safer readings: an administrator changes only what a life cycle lets him (entered in error); the referrer gives `input`,
such as a clearance; a patient's record may be extended by the clinic in its identifiers only; a DetectedIssue's status
follows from its mitigation and is the service's alone. A clinic may add a Condition, though it changes none: a red flag
that it meets must have a way in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from service.massage.cycle.machine import Actor

ALL: Final = frozenset({"*"})


class Ownership(Struct, frozen=True, kw_only=True):
    """What one role may write of one kind of resource; `fields` is `ALL` or the names of elements."""

    kind: str
    actor: Actor
    create: bool
    fields: frozenset[str]


def _rows(kinds: str, **roles: str) -> tuple[Ownership, ...]:
    """One row per kind and role, written as ``create note,priority``: the right, then elements or ``*``; or neither."""
    return tuple(_row(kind, actor, text.split()) for kind in kinds.split() for actor, text in roles.items())


def _row(kind: str, actor: str, words: list[str]) -> Ownership:
    fields = frozenset(name for word in words if word != "create" for name in word.split(","))
    return Ownership(
        kind=kind,
        actor=actor,  # type: ignore[arg-type]  # a word of the table; a test looks it up
        create="create" in words,
        fields=fields,
    )


OWNERSHIP: Final = (
    # Patient: the referrer's; the clinic adds its identifier and proposes other changes by a change Task
    *_rows(
        "Patient",
        referrer="create *",
        clinic="identifier",
        patient="",
        system="link",
        administrator="",
    ),
    *_rows(
        "Condition",
        referrer="create *",
        clinic="create",
        patient="",
        system="*",
        administrator="",
    ),
    *_rows(
        "Coverage Consent ClaimResponse Referral",
        referrer="create *",
        clinic="",
        patient="",
        system="*",
        administrator="",
    ),
    *_rows(
        "Task",
        referrer="create note,priority,input",
        clinic="owner,businessStatus,statusReason,output,executionPeriod,identifier,input,note,restriction",
        patient="",
        system="create *",
        administrator="",
    ),
    # abort and change: whoever asks writes it, whom it asks answers
    *_rows(
        "RequestTask",
        referrer="create",
        clinic="create",
        patient="create",
        author="note,priority,input,description",
        addressee="note,output",
        system="create *",
        administrator="",
    ),
    # the service reminds the clinic, which says that it has seen to it
    *_rows(
        "Reminder",
        referrer="",
        clinic="note,output",
        patient="",
        system="create *",
        administrator="",
    ),
    *_rows(
        "CarePlan Goal Appointment Encounter Procedure Observation DiagnosticReport EpisodeOfCare",
        referrer="",
        clinic="create *",
        patient="",
        system="create *",
        administrator="",
    ),
    *_rows(
        "QuestionnaireResponse",
        referrer="",
        clinic="create *",
        patient="create *",
        system="create *",
        administrator="",
    ),
    *_rows(
        "DetectedIssue",
        referrer="mitigation",
        clinic="mitigation",
        patient="",
        system="create *",
        administrator="",
    ),
)
