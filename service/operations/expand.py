"""$expand of a value set: https://hl7.org/fhir/R4/valueset-operation-expand.html

Expansions are flat and in the order of the value set, so any page of them can be asked for. `filter` keeps the codes of
which every word begins a word of a name, or the code, whatever the case and the accents. Without count and offset at
most as many codes are listed as a search takes of a value set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir import codec
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, failure
from service.fhir.stamp import instant_text
from service.fhir.terminology.expansion import Asked, answer, chosen
from service.fhir.terminology.needed import Versions
from service.operations.codes import expansion, on, told, value_set_of
from service.operations.parameters import Taken, sent

if TYPE_CHECKING:
    from service.fhir.interaction import Context, Operation
    from service.interactions.parts import Parts
    from service.operations.parameters import Kind, Sent

_CHANGING: Final[dict[str, tuple[Kind, str]]] = {
    "filter": ("text", "String"),
    "offset": ("integer", "Integer"),
    "count": ("integer", "Integer"),
    "includeDesignations": ("boolean", "Boolean"),
    "designation": ("text", "String"),
    "includeDefinition": ("boolean", "Boolean"),
    "activeOnly": ("boolean", "Boolean"),
    "excludeNested": ("boolean", "Boolean"),
    "excludeNotForUI": ("boolean", "Boolean"),
    "excludePostCoordinated": ("boolean", "Boolean"),
    "displayLanguage": ("text", "Code"),
    "exclude-system": ("text", "Uri"),
    "system-version": ("text", "Uri"),
    "check-system-version": ("text", "Uri"),
    "force-system-version": ("text", "Uri"),
}
"""The parameters that change an expansion and are told with it: their kinds, and their data types in the answer."""

_NAMING: Final[dict[str, Kind]] = {"url": "text", "valueSet": "resource", "valueSetVersion": "text"}
TAKEN: Final = Taken(
    operation="expand",
    kinds=_NAMING | {name: kind for name, (kind, _) in _CHANGING.items()},
    repeating=frozenset(
        {"designation", "exclude-system", "system-version", "check-system-version", "force-system-version"}
    ),
    unsupported={
        "context": "Contexts are not resolved; name the value set by url.",
        "contextDirection": "Contexts are not resolved; name the value set by url.",
        "date": "Codes are told as they are now; name versions instead.",
    },
)


async def expand(parts: Parts, context: Context, operation: Operation) -> Answer:
    """The ValueSet with the page of its expansion that was asked for; FhirError those of `operations.codes`."""
    on(operation, "ValueSet")
    asked = sent(operation, TAKEN, parts.validator)
    root = value_set_of(operation, asked)
    content, codes, seed = await expansion(parts, context, root, versions=_versions(asked))
    wish = _wish(asked)
    with told():
        entries = chosen(codes, wish)
    limit = parts.limits.search.codes
    if min(len(entries), len(entries) if wish.count is None else wish.count) > limit:
        text = f"The value set has {len(entries)} codes; ask for pages of at most {limit} by count and offset."
        raise failure("codes-too-many", text, "http.count")
    with told():
        page = answer(content, entries, wish, timestamp=instant_text(context.received_at), seed=seed)
    return Answer(result=Result.OK, body=codec.encode(page))


def _wish(asked: Sent) -> Asked:
    return Asked(
        text=asked.one("filter"),
        offset=asked.one("offset"),
        count=asked.one("count"),
        with_designations=asked.flag("includeDesignations"),
        designations=frozenset(asked.all("designation")),
        with_definition=asked.flag("includeDefinition"),
        active_only=asked.flag("activeOnly"),
        selectable_only=asked.flag("excludeNotForUI"),
        language=asked.one("displayLanguage"),
        excluded=frozenset(asked.all("exclude-system")),
        told=tuple(
            {"name": name, f"value{kind}": value} for name, (_, kind) in _CHANGING.items() for value in asked.all(name)
        ),
    )


def _versions(asked: Sent) -> Versions:
    def pairs(name: str) -> dict[str, Any]:
        found = {}
        for text in asked.all(name):
            system, _, version = text.partition("|")
            if not system or not version:
                raise failure("parameter-value", f"{name} must be system|version.", f"http.{name}")
            found[system] = version
        return found

    return Versions(
        default=pairs("system-version"), check=pairs("check-system-version"), force=pairs("force-system-version")
    )
