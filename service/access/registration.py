"""What a client may be registered as: its names, role, organisation and scopes, and the scopes that a role begins with.

Who writes what is DOMAIN's table of ownership: a referrer orders, a clinic plans and delivers, each reads the other's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeGuard, get_args

from service.access.refusal import Refused
from service.access.scopes import parse_scopes, scope_text
from service.fhir.actor import Role

if TYPE_CHECKING:
    from collections.abc import Callable

_REFERRER: Final = (
    *("Patient", "Practitioner", "PractitionerRole", "Organization", "Condition", "Coverage", "Consent"),
    *("ClaimResponse", "ServiceRequest", "Task", "DocumentReference", "Communication"),
)
_REFERRER_READS: Final = (
    *("AllergyIntolerance", "Appointment", "CarePlan", "DetectedIssue", "DiagnosticReport", "Encounter", "Goal"),
    *("Observation", "Procedure", "QuestionnaireResponse", "Location", "HealthcareService", "Provenance"),
    *("EpisodeOfCare", "Flag", "Questionnaire"),
)
_CLINIC: Final = (
    *("Task", "CarePlan", "Goal", "Appointment", "Encounter", "EpisodeOfCare", "Procedure", "Observation"),
    *("DiagnosticReport", "DocumentReference", "Communication", "QuestionnaireResponse", "Practitioner"),
    *("PractitionerRole", "Organization", "Location", "HealthcareService", "Flag"),
)
_CLINIC_READS: Final = (
    *("Patient", "ServiceRequest", "Condition", "Coverage", "ClaimResponse", "Consent", "AllergyIntolerance"),
    *("DetectedIssue", "Provenance", "Questionnaire", "PlanDefinition", "ActivityDefinition"),
)


def _scopes(written: tuple[str, ...], read: tuple[str, ...]) -> str:
    return " ".join([*(f"system/{name}.crus" for name in written), *(f"system/{name}.rs" for name in read)])


ROLE_SCOPES: Final[dict[Role, str]] = {
    "referrer": _scopes(_REFERRER, _REFERRER_READS),
    # a clinic adds its identifiers to the Patient of a referrer, and changes nothing else there
    "clinic": f"{_scopes(_CLINIC, _CLINIC_READS)} system/Patient.u",
    "administrator": "system/*.cruds",
    "researcher": "system/*.rs",
}
"""The scopes of a client that is registered without any of its own."""

ROLES: Final[tuple[Role, ...]] = get_args(Role)
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,127}")
_ORGANISATION: Final = re.compile(r"Organization/[A-Za-z0-9\-.]{1,64}")
_WITHOUT_ORGANISATION: Final = ("administrator", "researcher")
_LONGEST_NAME: Final = 255
_MOST_PER_MINUTE: Final = 1_000_000


def checked_role(role: str) -> Role:
    """The role of that name; Refused."""
    for known in ROLES:
        if role == known:
            return known
    raise Refused(f"role must be one of {', '.join(ROLES)}.")


def is_id(value: object) -> TypeGuard[str]:
    """Whether a client could be registered with this id."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def checked_id(client_id: str) -> str:
    """The id; Refused."""
    if not is_id(client_id):
        raise Refused("id must begin with a letter or digit, and go on with those, dots, dashes and underscores.")
    return client_id


def checked_name(name: str) -> str:
    """The name; Refused."""
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise Refused(f"name must be a text of at most {_LONGEST_NAME} characters.")
    return name.strip()


def checked_organisation(organisation: str | None, role: Role) -> str | None:
    """The reference to the organisation that the client acts for; Refused where its role needs one."""
    if organisation is None and role not in _WITHOUT_ORGANISATION:
        raise Refused(f"A {role} acts for an organisation: name it as Organization/id.")
    if organisation is not None and not _ORGANISATION.fullmatch(organisation):
        raise Refused("organisation must be a reference such as Organization/clinic.")
    return organisation


def checked_scopes(text: str | None, role: Role) -> str:
    """The scopes in one spelling, those of the role where none are given; Refused."""
    scopes = parse_scopes(text or ROLE_SCOPES[role])
    if not scopes:
        raise Refused("A client needs at least one scope, such as system/Task.rs.")
    return scope_text(scopes)


def checked_limit(per_minute: int | None, called: Callable[[str], str] = str) -> int | None:
    """The most requests a minute; Refused. `called` is what the sender calls a field."""
    if per_minute is not None and not 0 < per_minute <= _MOST_PER_MINUTE:
        raise Refused(f"{called('requests_per_minute')} must be between 1 and {_MOST_PER_MINUTE}.")
    return per_minute
