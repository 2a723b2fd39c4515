"""The CapabilityStatement, computed from the claims, the definitions and the search registry, so that it cannot lie.

https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.audit.search import PARAMETERS
from service.fhir.conformance import (
    FHIR_VERSION,
    FORMATS,
    OPERATIONS,
    PATCH_FORMATS,
    RESOURCE_CLAIMS,
    SYSTEM_OPERATIONS,
    OperationClaim,
    interactions,
)
from service.fhir.search.modifiers import accepted_modifiers
from service.fhir.search.parse_include import include_names, reverse_include_names
from service.fhir.type_operations import operations_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from service.fhir.definitions import Definitions
    from service.fhir.resource import Content
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.registry import Registry

_SANDBOX: Final = (
    "An open sandbox: there is no access control, so whoever reaches the service can read and change everything in it. "
    "Use synthetic data only."
)
RECORDS: Final = "AuditEvent"
"""The type that the service writes itself where interactions are put on record; then nobody else does."""

_OF_RECORDS: Final = (
    "Written by the service itself for every interaction, in the shape of IHE BALP; for administrators. "
    "agent:identifier finds a client by its id."
)
_COMPARTMENT: Final = "http://hl7.org/fhir/CompartmentDefinition"
_DESCRIPTION: Final = (
    "A FHIR R4 service for medical massage: a physician's system posts a referral, a clinic answers with a plan, "
    "sessions and outcomes."
)
_REST: Final = (
    "JSON only. Unknown parameters are refused unless Prefer: handling=lenient is sent. Searches follow chains of "
    "references and _has, sort by every parameter that has an order, and take _list, _include and _revinclude. "
    "Every refusal is an OperationOutcome with a stable error code; OpenAPI describes the same at /openapi.json. "
    "The interactions of every type:"
)


def capability_statement(  # noqa: PLR0913 - one for each thing that a deployment may choose
    definitions: Definitions,
    registry: Registry,
    *,
    base: str,
    version: str,
    date: str,
    require_if_match: bool = False,
    referential_integrity: bool = False,
    security: Content | None = None,
    audited: bool = False,
    profiles: Mapping[str, Sequence[str]] | None = None,
    notices: Sequence[str] = (),
) -> Content:
    """What the service at `base` does; `date` is when that last changed (YYYY-MM-DD), `version` the software's.

    `require_if_match` and `referential_integrity` are settings, `security` is what is said of access, None where all
    have it; `audited`: the service writes AuditEvents; `profiles` come with it, by type; `notices` must be seen.
    """
    claims = _claims(require_if_match=require_if_match, referential_integrity=referential_integrity)
    server = _server(definitions, registry, claims, security or {"description": _SANDBOX}, audited=audited)
    _name_profiles(server["resource"], profiles or {})
    return {
        "resourceType": "CapabilityStatement",
        "id": "massage-fhir",
        "url": f"{base}/metadata",
        "version": version,
        "name": "MassageFhir",
        "title": "massage-fhir",
        "status": "active",
        "date": date,
        "description": " ".join([_DESCRIPTION, *([] if security else [_SANDBOX]), *notices]),
        "kind": "instance",
        "software": {"name": "massage-fhir", "version": version},
        "implementation": {"description": "massage-fhir", "url": base},
        "fhirVersion": FHIR_VERSION,
        "format": list(FORMATS),
        "patchFormat": list(PATCH_FORMATS),
        "rest": [server],
    }


def _name_profiles(resources: Iterable[Content], profiles: Mapping[str, Sequence[str]]) -> None:
    for resource in resources:
        if resource["type"] in profiles:
            resource["supportedProfile"] = list(profiles[resource["type"]])


def _claims(*, require_if_match: bool, referential_integrity: bool) -> dict[str, Any]:
    claims = dict(RESOURCE_CLAIMS)
    if require_if_match:
        claims["versioning"] = "versioned-update"
    if referential_integrity:
        claims["referencePolicy"] = ["literal", "local", "enforced"]
    return claims


def _server(
    definitions: Definitions, registry: Registry, claims: dict[str, Any], security: Content, *, audited: bool
) -> Content:
    reverse = reverse_include_names(registry)
    return {
        "mode": "server",
        "documentation": _documentation(),
        "security": security,
        "resource": [
            _records(registry) if audited and name == RECORDS else _resource(name, registry, claims, reverse[name])
            for name in definitions.resource_types
        ],
        "interaction": [{"code": claim.code, "documentation": claim.documentation} for claim in interactions("system")],
        "searchParam": _search_parameters(registry.shared_parameters(definitions.resource_types).values()),
        "operation": _operations(SYSTEM_OPERATIONS),
        "compartment": [f"{_COMPARTMENT}/{name[0].lower()}{name[1:]}" for name in definitions.compartments],
    }


def _resource(name: str, registry: Registry, claims: dict[str, Any], reverse: Iterable[str]) -> Content:
    return {
        "type": name,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{name}",
        "interaction": [{"code": claim.code} for claim in (*interactions("instance"), *interactions("type"))],
        **claims,
        "searchInclude": ["*", *include_names(registry, name)],
        "searchRevInclude": ["*", *reverse],
        "searchParam": _search_parameters(registry.parameters(name).values()),
        "operation": _operations((*OPERATIONS, *operations_of(name))),
    }


def _records(registry: Registry) -> Content:
    """AuditEvents of a service that writes them itself: they are read and searched, and by administrators only."""
    known = registry.parameters(RECORDS)
    names = dict.fromkeys(name.partition(":")[0] for name in PARAMETERS)
    return {
        "type": RECORDS,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{RECORDS}",
        "documentation": _OF_RECORDS,
        "interaction": [{"code": code} for code in ("read", "vread", "search-type")],
        "versioning": "no-version",
        "searchParam": [
            {"name": name, "definition": known[name].url, "type": known[name].kind} for name in names if name in known
        ],
    }


def _operations(claims: Iterable[OperationClaim]) -> list[dict[str, Any]]:
    return [
        {"name": claim.name, "definition": claim.definition, "documentation": claim.documentation} for claim in claims
    ]


def _documentation() -> str:
    """Markdown. What holds for the interactions of all types is said once, not seventy times."""
    claims = (*interactions("instance"), *interactions("type"))
    return "\n".join([_REST, "", *(f"* {claim.code}: {claim.documentation}" for claim in claims)])


def _search_parameters(parameters: Iterable[SearchParameter]) -> list[dict[str, Any]]:
    return [_search_parameter(parameter) for parameter in parameters]


def _search_parameter(parameter: SearchParameter) -> dict[str, Any]:
    described = {"name": parameter.code, "definition": parameter.url, "type": parameter.kind}
    modifiers = accepted_modifiers(parameter)
    told = [f"Modifiers: {', '.join(f':{name}' for name in modifiers)}."] if modifiers else []
    if told := [*told, *parameter.restriction.sentences()]:
        described["documentation"] = " ".join(told)
    return described
