"""Whose word is good for what criteria match in what everybody sees and writes: the directory, and definitions.

Nobody vouches for the identifiers there, so a stranger's resource neither stands in the place of the one that is meant,
nor in its way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.interaction import Create
from service.fhir.outcome import failure
from service.fhir.reference import identity_of, parse_local
from service.fhir.sight import OPEN_TYPES, PARTIES, ROLES
from service.interactions.sight import role_sources

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from uuid import UUID

    from service.fhir.bundle_plan import Write
    from service.fhir.interaction import Context, Parameters
    from service.fhir.outcome import FhirError
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.store.session import Made
    from service.store.store import Session

_ORGANISATION: Final = "Organization"
_STANDS_FOR: Final = "organization"
"""The search parameter of what stands for an organisation (`ROLES`)."""


def names_party(content: Content, path: str, resource_type: str) -> bool:
    """Whether a reference at the path says by an organisation or role who asks, or who performs."""
    is_party = resource_type in ROLES or resource_type == _ORGANISATION
    return is_party and path.partition("[")[0] in PARTIES.get(str(content.get("resourceType")), ())


def organisations_in(parts: Parts, context: Context, parameters: Parameters) -> frozenset[UUID]:
    """The organisations that criteria for a role name by their ids, so that it can stand for no other."""
    found = set()
    for name, value in parameters:
        if name not in (_STANDS_FOR, f"{_STANDS_FOR}:{_ORGANISATION}"):
            continue
        for each in value.split(","):
            reference = each if "/" in each else f"{_ORGANISATION}/{each}"
            target = parse_local(reference, context.base, parts.definitions.resource_types)
            found |= {identity_of(target.type, target.id)} if target else set()
    return frozenset(found)


async def makers_of(parts: Parts, session: Session, named: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Made]:
    """Who made the (type, id) of parties, as far as that matters: nobody's word does to who sees everything."""
    sight = parts.store.sight
    if sight is None or sight.by is None:
        return {}
    return await session.makers(named, roles=role_sources(parts))


def is_unvouched(made: Made | None, meant: Container[UUID]) -> bool:
    """Whether anybody may have stored a party, made so, under an identifier that others expect.

    Neither the service, an administrator or the actor's organisation made it, nor the one that it stands for where the
    criteria say, beside, that it is `meant`: its word is good for the role, and not for whose identifier that is.
    """
    return made is not None and not made.is_trusted and not (made.stands_for_it and made.by in meant)


def of_stranger(resource_type: str, where: str) -> FhirError:
    """FhirError identity-conflict for a party that is named by criteria, and by what nobody vouches for."""
    beside = "" if resource_type == _ORGANISATION else f", or add {_STANDS_FOR}={_ORGANISATION}/id of whom you mean"
    told = (
        f"The {resource_type} that the criteria match was stored neither by an administrator nor by your organisation, "
        f"so its identifiers may be anybody's. Name it by its id{beside}. Nothing was stored."
    )
    return failure("identity-conflict", told, where)


def organisation_in(parts: Parts, context: Context, interaction: Write) -> frozenset[UUID]:
    """The organisation that a new role is to stand for, if it is named by its id."""
    role = ROLES.get(interaction.type)
    if role is None or not isinstance(interaction, Create):
        return frozenset()
    reference = interaction.content.get(role.element, {}).get("reference")
    target = parse_local(reference, context.base, parts.definitions.resource_types) if reference else None
    return frozenset([identity_of(target.type, target.id)] if target else [])


def is_shared(resource_type: str) -> bool:
    """Whether everybody sees and writes the type, so that criteria may match what strangers have stored."""
    return resource_type in OPEN_TYPES
