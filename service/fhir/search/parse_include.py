"""``_include`` and ``_revinclude``: what comes back along with the matches, checked against the registry.

https://hl7.org/fhir/R4/search.html#include. ``Task:focus``, ``Task:focus:ServiceRequest``, ``Task:*`` and ``*``; with
``:iterate`` what was included is followed too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.outcome import failure
from service.fhir.search.query import ANY_TYPE, Include
from service.fhir.search.refusal import refused_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.registry import Registry
    from service.fhir.search.scope import Scope

INCLUDES: Final = ("_include", "_revinclude")

_ANY: Final = "*"
_PARTS: Final = 3
_FORM: Final = "Type:parameter, Type:parameter:TargetType, Type:* or *"


def parse_includes(scope: Scope, parameters: Sequence[tuple[str, str]]) -> tuple[Include, ...]:
    """The includes of a search, each once; FhirError names the parameter and what it takes."""
    if len(parameters) > scope.limits.includes:
        name = parameters[0][0].partition(":")[0]
        text = f"A search takes at most {scope.limits.includes} of _include and _revinclude together."
        raise failure("too-costly", text, f"http.{name}")
    return tuple(dict.fromkeys(_include(scope, name, value) for name, value in parameters))


def include_names(registry: Registry, resource_type: str) -> tuple[str, ...]:
    """What ``_include`` takes in a search of a type, such as ``Task:focus``."""
    return tuple(
        f"{resource_type}:{each.code}" for each in registry.parameters(resource_type).values() if _is_followed(each)
    )


def reverse_include_names(registry: Registry) -> Mapping[str, Sequence[str]]:
    """What ``_revinclude`` takes in a search of each served type: the references that may point at it."""
    served = registry.definitions.resource_types
    names: dict[str, list[str]] = {each: [] for each in served}
    for source in served:
        for parameter in registry.parameters(source).values():
            if _is_followed(parameter):
                for target in parameter.targets or served:
                    if target in names:
                        names[target].append(f"{source}:{parameter.code}")
    return names


def references_of(registry: Registry, resource_type: str) -> tuple[int, ...]:
    """The numbers of the sources that ``Type:*`` follows."""
    followed = (each for each in registry.parameters(resource_type).values() if _is_followed(each))
    return tuple(dict.fromkeys(source.number for each in followed for source in each.sources))


def _include(scope: Scope, name: str, text: str) -> Include:
    code, colon, modifier = name.partition(":")
    if colon and modifier != "iterate":
        was = ", which replaced recurse" if modifier == "recurse" else ""
        raise failure("modifier-unsupported", f"{code} takes the modifier iterate{was}.", f"http.{code}")
    parts = text.split(":")
    if len(parts) > _PARTS or not all(parts):
        raise refused_value(code, f"takes {_FORM}, once in each value")
    source, reverse, iterate = parts[0], code == "_revinclude", bool(colon)
    if parts == [_ANY]:
        named = _named(scope, None, None)
        return Include(source_type=ANY_TYPE, parameter=None, reverse=reverse, iterate=iterate, named=named)
    if source not in scope.registry.definitions.resource_types:
        raise refused_value(code, f"takes {_FORM}, of types that the service serves")
    if not reverse and not iterate and source not in scope.types:
        raise refused_value(
            code, f"starts at the matches, which are no {source}; {code}:iterate starts at included ones too"
        )
    if len(parts) == 1:
        raise refused_value(code, f"takes {_FORM}")
    parameter = None if parts[1] == _ANY else _reference(scope, code, source, parts[1])
    target = parts[2] if len(parts) == _PARTS else None
    _check_target(scope, code, parameter, target)
    if reverse and not iterate and not _meets(scope.types, parameter, target):
        raise refused_value(code, f"takes references to the matches, which {source}:{parts[1]} cannot be")
    return Include(
        source_type=source,
        parameter=parameter,
        sources=() if parameter else references_of(scope.registry, source),
        target_type=target,
        iterate=iterate,
        reverse=reverse,
        named=_named(scope, parameter, target),
    )


def _reference(scope: Scope, code: str, source: str, name: str) -> SearchParameter:
    known = scope.registry.parameters(source)
    parameter = known.get(name)
    if parameter is None and name in scope.registry.being_indexed(source):
        raise scope.of(source).unknown(name)
    if parameter is None or parameter.kind != "reference":
        accepted = ", ".join(each.code for each in known.values() if _is_followed(each))
        raise refused_value(code, f"takes the reference parameters of {source}: {accepted or 'none'}")
    return parameter


def _named(scope: Scope, parameter: SearchParameter | None, target: str | None) -> tuple[int, ...]:
    """The numbers of the URLs of the served types that a canonical may lead to."""
    if parameter is not None and not parameter.canonical:
        return ()
    registry = scope.registry
    served = registry.definitions.resource_types
    types = (target,) if target else (parameter and parameter.targets) or served
    known = (registry.parameters(each).get("url") for each in types if each in served)
    return tuple(source.url_number for url in known if url for source in url.sources if source.versioned)


def _is_followed(parameter: SearchParameter) -> bool:
    return parameter.kind == "reference"


def _check_target(scope: Scope, code: str, parameter: SearchParameter | None, target: str | None) -> None:
    if target is None:
        return
    targets = parameter.targets if parameter else ()
    if target not in (targets or scope.registry.definitions.all_type_names):
        accepted = ", ".join(targets) if targets else "types of R4"
        raise refused_value(code, f"takes as the type of the target {accepted}")


def _meets(types: Sequence[str], parameter: SearchParameter | None, target: str | None) -> bool:
    """Whether the references may point at one of the types."""
    if target is not None:
        return target in types
    return parameter is None or not parameter.targets or bool(set(parameter.targets) & set(types))
