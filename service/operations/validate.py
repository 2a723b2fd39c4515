"""$validate on type and instance: https://hl7.org/fhir/R4/resource-operation-validate.html

Answers 200 with an OperationOutcome that says what a create, update or delete would run into; nothing is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir import codec
from service.fhir.interaction import Answer
from service.fhir.outcome import Issue, Result, failure, operation_outcome
from service.fhir.reference import identity_of
from service.interactions import ownership, search_parameters
from service.interactions.integrity import ELSEWHERE, still_referenced
from service.interactions.profile_sources import STRUCTURE
from service.interactions.profiles import asker_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from service.fhir.interaction import Context, Operation
    from service.fhir.resource import Content
    from service.interactions.parts import Parts

    Beside = Callable[[Parts, Context, Content], Awaitable[list[Issue]]]

_MODES: Final = ("create", "update", "delete", "profile")


class _Asked(Struct, frozen=True, kw_only=True):
    resource: Content | None
    mode: str | None
    profiles: tuple[str, ...]


async def validate(parts: Parts, context: Context, operation: Operation, beside: Beside | None = None) -> Answer:
    """An OperationOutcome; FhirError where the request itself is not understood.

    `beside` tells of content that is valid what else it would be refused for.
    """
    if operation.type is None:
        raise failure("operation-unknown", "$validate works on a type or an instance.")
    asked = _asked(operation)
    if parts.profiles is not None:
        parts.profiles.require(asked.profiles, "http.profile", asker=asker_of(parts))
    if asked.mode == "profile" and operation.id is None:
        raise failure("parameter-value", "mode=profile needs an instance: Type/id/$validate.", "http.mode")
    if asked.mode == "delete":
        issues = await _deletion_issues(parts, operation)
    else:
        issues = await _content_issues(parts, operation, asked)
        if beside is not None and not any(issue.severity == "error" for issue in issues):
            content = asked.resource or await _stored(parts, operation)
            issues += await beside(parts, context, content)
    return Answer(result=Result.OK, body=codec.encode(operation_outcome(issues)))


async def _content_issues(parts: Parts, operation: Operation, asked: _Asked) -> list[Issue]:
    resource_type = str(operation.type)
    resource = asked.resource
    if resource is None:
        resource = await _stored(parts, operation)
    if resource.get("resourceType") != resource_type:
        return [
            Issue(
                code="type-mismatch", diagnostics=f"resourceType must be {resource_type}.", expression=(resource_type,)
            )
        ]
    issues = parts.validator.issues(resource, resource_type, warnings=True)
    if resource_type == search_parameters.TYPE and not any(issue.severity == "error" for issue in issues):
        issues += search_parameters.issues(parts, resource)
    if parts.profiles is not None and not any(issue.severity == "error" for issue in issues):
        issues += parts.profiles.issues(resource, asked.profiles, asker=asker_of(parts), warnings=True)
        if resource_type == STRUCTURE:
            issues += await parts.profiles.obstacles(parts, resource)
    if asked.mode in ("create", "update"):
        issues += ownership.issues_of(resource)
    if operation.id is not None and resource.get("id") != operation.id:
        diagnostics = "The resource must carry the id of the instance."
        issues.append(Issue(code="id-mismatch", diagnostics=diagnostics, expression=(f"{resource_type}.id",)))
    return issues


async def _stored(parts: Parts, operation: Operation) -> Content:
    if operation.id is None:
        raise failure("body-required", "$validate on a type needs the resource to validate.")
    async with parts.store.session() as session:
        version = await session.read(str(operation.type), operation.id)
    if version is None:
        raise failure("not-found", "There is no such resource.")
    if version.content is None:
        raise failure("deleted", "The resource was deleted; there is nothing to validate.")
    content: Content = codec.decode(version.content)
    return content


async def _deletion_issues(parts: Parts, operation: Operation) -> list[Issue]:
    if operation.id is None:
        raise failure("parameter-value", "mode=delete needs an instance: Type/id/$validate.", "http.mode")
    await _stored(parts, operation)
    if not parts.limits.referential_integrity:
        return []
    identity = identity_of(str(operation.type), operation.id)
    async with parts.store.session() as session:
        referrers = await session.referrers(
            [identity], except_from=[identity], sources=[ELSEWHERE, *parts.registry.every_reference_source]
        )
    return [still_referenced(parts, referrers)] if referrers else []


def _asked(operation: Operation) -> _Asked:
    pairs: list[tuple[str, Any]] = list(operation.parameters)
    resource = operation.content
    wrapped = resource is not None and resource.get("resourceType") == "Parameters" and operation.type != "Parameters"
    if resource is not None and wrapped:
        pairs += _parameter_values(resource)
    profiles = tuple(value for name, value in pairs if name == "profile")
    if not all(isinstance(each, str) and each for each in profiles):
        raise failure("parameter-value", "profile must be the canonical URL of a StructureDefinition.", "http.profile")
    pairs = [(name, value) for name, value in pairs if name != "profile"]
    values = dict(pairs)
    if len(values) < len(pairs):
        told = "$validate takes each of its parameters once, except for profile."
        raise failure("parameter-value", told, "http")
    if wrapped:
        resource = values.get("resource")
    unknown = sorted(values.keys() - {"resource", "mode", "_format", "_pretty"})
    if unknown:
        raise failure("parameter-unknown", "$validate takes resource, mode and profile.", f"http.{unknown[0]}")
    mode = values.get("mode")
    if mode is not None and mode not in _MODES:
        raise failure("parameter-value", f"mode must be one of {', '.join(_MODES)}.", "http.mode")
    return _Asked(resource=resource, mode=mode, profiles=profiles)


def _parameter_values(parameters: Content) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    entries = parameters.get("parameter", [])
    for parameter in entries if isinstance(entries, list) else ():
        if not isinstance(parameter, dict) or not isinstance(parameter.get("name"), str):
            raise failure("value-invalid", "A parameter needs a name.", "Parameters.parameter")
        value = next((parameter[key] for key in parameter if key.startswith("value")), parameter.get("resource"))
        pairs.append((parameter["name"], value))
    if not all(isinstance(value, dict) for name, value in pairs if name == "resource"):
        raise failure("value-invalid", "The parameter resource must be a resource.", "Parameters.parameter")
    return pairs
