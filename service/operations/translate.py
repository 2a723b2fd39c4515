"""$translate of concept maps: https://hl7.org/fhir/R4/conceptmap-operation-translate.html

On the type and without the url of a map, all that are held for the system of the code and count for who asks are asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir import codec
from service.fhir.concept import codes_of
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, failure
from service.fhir.search.parse import parse_criteria
from service.fhir.search.separators import escape
from service.fhir.terminology.needed import only
from service.fhir.terminology.translation import Asked, following
from service.fhir.terminology.translation import translate as translated
from service.interactions.held import counting, look_up
from service.operations.codes import codings, held, named, on, told
from service.operations.parameters import Taken, missing, sent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.interaction import Context, Operation
    from service.fhir.resource import Content
    from service.fhir.terminology.needed import Needed
    from service.interactions.parts import Parts
    from service.operations.parameters import Sent

_MOST_MAPS: Final = 50
TAKEN: Final = Taken(
    operation="translate",
    kinds={
        "url": "text",
        "conceptMap": "resource",
        "conceptMapVersion": "text",
        "code": "text",
        "system": "text",
        "version": "text",
        "source": "text",
        "coding": "Coding",
        "codeableConcept": "CodeableConcept",
        "target": "text",
        "targetsystem": "text",
        "dependency": "parts",
        "reverse": "boolean",
    },
    repeating=frozenset({"dependency"}),
)


async def translate(parts: Parts, context: Context, operation: Operation) -> Answer:
    """Parameters with the matches; FhirError those of `operations.codes`."""
    on(operation, "ConceptMap")
    asked = sent(operation, TAKEN, parts.validator)
    alone = {"code": asked.one("code"), "system": asked.one("system")} if asked.one("code") else None
    values = {"code": alone, "coding": asked.one("coding"), "codeableConcept": asked.one("codeableConcept")}
    listed = codings(values, "translate")
    if any(not each.get("system") for each in listed):
        raise missing("A code goes with its system.", "system")
    wish = _wish(asked)
    maps = await _maps(parts, context, operation, asked, [each["system"] for each in listed])
    others = await _others(parts, context, maps)

    def known(needed: Needed) -> Content:
        return only(str(needed), others.get(needed, ()))

    with told():
        content = translated(maps, listed, wish, known)
    return Answer(result=Result.OK, body=codec.encode(content))


def _wish(asked: Sent) -> Asked:
    given: set[tuple[str, str]] = set()
    for parts in asked.all("dependency"):
        named_parts = {each.get("name"): each for each in parts}
        element = named_parts.get("element", {}).get("valueUri")
        concept = named_parts.get("concept", {}).get("valueCodeableConcept")
        if element is None or concept is None:
            raise failure("parameter-value", "A dependency has an element and a concept.", "http.dependency")
        given.update((element, code) for _, code in codes_of(concept))
    return Asked(
        target_system=asked.one("targetsystem"),
        target=asked.one("target"),
        source=asked.one("source"),
        given=frozenset(given),
        reverse=asked.flag("reverse"),
    )


async def _maps(
    parts: Parts, context: Context, operation: Operation, asked: Sent, systems: Sequence[str]
) -> list[Content]:
    """The maps to ask: the one that was named or sent, or all for the systems of the codes."""
    needed = named(operation, asked.one("url"), asked.one("conceptMapVersion"))
    own = asked.one("conceptMap")
    if needed is not None and own is not None:
        raise failure("parameter-value", "Name the concept map or send it, not both.", "http.conceptMap")
    if own is not None:
        return [own]
    if needed is not None:
        return [await held(parts, context, needed)]
    side, other = ("target", "source") if asked.flag("reverse") else ("source", "target")
    criteria = [(f"{side}-system", ",".join(escape(each) for each in dict.fromkeys(systems)))]
    if asked.one("targetsystem"):
        criteria.append((f"{other}-system", escape(asked.one("targetsystem"))))
    query = parse_criteria(parts.registry, "ConceptMap", tuple(criteria), base=context.base, zone=parts.zone)
    async with parts.store.session() as session:
        contents = (await counting(session, query, "http.url", most=_MOST_MAPS)).together
    if not contents:
        raise failure("not-found", "The service holds no ConceptMap for the system of the code.", "http.system")
    return [each for each in contents if each.get("status") != "retired"]


async def _others(parts: Parts, context: Context, maps: Sequence[Content]) -> dict[Needed, list[Content]]:
    """The maps that these pass on to, and those that they do."""
    others: dict[Needed, list[Content]] = {}
    waiting: list[Any] = [each for content in maps for each in following(content)]
    if not waiting:
        return others
    async with parts.store.session() as session:
        while waiting and len(others) < _MOST_MAPS:
            needed = waiting.pop()
            if needed not in others:
                others[needed] = await look_up(parts, session, context, needed)
                waiting += [each for content in others[needed] for each in following(content)]
    return others
