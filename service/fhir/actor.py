"""Who asks: the client that authenticated, what it was granted, and for whom it acts.

An `Actor` surrounds an interaction (`Context.actor`); None there means that the service asks nobody who they are. What
an actor may do is decided in `service.access`; what it may see, by its organisation and role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from service.fhir.reference import parse_local

if TYPE_CHECKING:
    from service.fhir.interaction import Parameters
    from service.fhir.outcome import FhirError

Role = Literal["referrer", "clinic", "administrator", "researcher"]
Level = Literal["system", "user", "patient"]

ANY_TYPE: Final = "*"
"""The type of a scope that holds for every resource type."""

PROFESSIONALS: Final = frozenset({"Practitioner", "PractitionerRole"})
"""As what they sign in who work for an organisation."""

PATIENTS: Final = frozenset({"Patient", "Person", "RelatedPerson"})
"""As what they sign in who are a patient, or act for one: what the client's organisation may do is not for them."""

_PATIENT: Final = frozenset({"Patient"})

PERMISSIONS: Final = "cruds"
"""create, read, update, delete, search: the letters of a scope, in the order in which they are written."""


class Client(Struct, frozen=True, kw_only=True):
    """A registered client. `organisation` is the reference that it acts for, such as ``Organization/clinic``.

    Only an administrator or a researcher may have none.
    """

    id: str
    name: str
    role: Role
    organisation: str | None = None


class Scope(Struct, frozen=True, kw_only=True):
    """A SMART scope, ``level/type.permissions?filters``: `permissions` are letters of `PERMISSIONS` in their order.

    `filters` are search parameters that every resource must match.
    """

    level: Level
    type: str
    permissions: str
    filters: Parameters = ()


class Actor(Struct, frozen=True, kw_only=True):
    """A client with the scopes that its token carries.

    `user` is the person behind it (an absolute URL or a relative reference, as the issuer says), `patient` the logical
    id of the patient in the launch context; None where there is none. `reason` is why an administrator breaks the glass
    to see what other organisations have, None for everybody else.
    """

    client: Client
    scopes: tuple[Scope, ...]
    user: str | None = None
    patient: str | None = None
    reason: str | None = None


def patient_of(actor: Actor, base: str) -> str | None:
    """The logical id of the patient whom the user acts as, or for: that of the launch context, or else the user's own.

    None for a user who is no patient of this service, and was launched for none.
    """
    own = parse_local(actor.user or "", base, _PATIENT)
    return actor.patient or (own.id if own is not None else None)


class Admission(Struct, frozen=True):
    """Who asks, and why they are refused all the same; None where they are not."""

    actor: Actor
    refusal: FhirError | None = None
