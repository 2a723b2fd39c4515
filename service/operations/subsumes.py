"""$subsumes of a code system: https://hl7.org/fhir/R4/codesystem-operation-subsumes.html"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir import codec
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, failure
from service.fhir.terminology.parameters import parameters, value
from service.operations.codes import code_system, named, on, told
from service.operations.parameters import Taken, missing, sent

if TYPE_CHECKING:
    from service.fhir.interaction import Context, Operation
    from service.fhir.terminology.code_system import CodeSystem
    from service.interactions.parts import Parts
    from service.operations.parameters import Sent

TAKEN: Final = Taken(
    operation="subsumes",
    kinds={
        "codeA": "text",
        "codeB": "text",
        "system": "text",
        "version": "text",
        "codingA": "Coding",
        "codingB": "Coding",
    },
)


async def subsumes(parts: Parts, context: Context, operation: Operation) -> Answer:
    """Parameters with the outcome: equivalent, subsumes, subsumed-by or not-subsumed."""
    on(operation, "CodeSystem")
    asked = sent(operation, TAKEN, parts.validator)
    first, second = _code(asked, "A"), _code(asked, "B")
    codings = [each for each in (asked.one("codingA"), asked.one("codingB")) if each]
    systems = {each["system"] for each in codings if each.get("system")}
    if asked.one("system"):
        systems.add(asked.one("system"))
    if len(systems) > 1:
        told_why = "Codes of different systems are not held against each other."
        raise failure("codes-untold", told_why, "http.system")
    versions = [asked.one("version"), *(each.get("version") for each in codings)]
    needed = named(operation, next(iter(systems), None), next((each for each in versions if each), None))
    if needed is None:
        raise missing("On the type, $subsumes takes the system that the codes are in.", "system")
    found = await code_system(parts, context, needed)
    if systems and found.url not in systems:
        raise failure("parameter-value", "The codes are not in the system of the instance.", "http.system")
    with told():
        outcome = _outcome(found, first, second)
    return Answer(result=Result.OK, body=codec.encode(parameters([value("outcome", "Code", outcome)])))


def _code(asked: Sent, which: str) -> str:
    code, coding = asked.one(f"code{which}"), asked.one(f"coding{which}")
    if (code is None) == (coding is None):
        text = f"$subsumes takes one of code{which} and coding{which}."
        raise failure("parameter-required" if code is None else "parameter-value", text, f"http.code{which}")
    found = code if coding is None else coding.get("code")
    if not found:
        raise failure("parameter-value", "A Coding must have a code.", f"http.coding{which}")
    return str(found)


def _outcome(system: CodeSystem, first: str, second: str) -> str:
    concepts = [system.concept(first), system.concept(second)]
    for which, concept in zip("AB", concepts, strict=True):
        if concept is None:
            raise failure("code-unknown", "The code system does not have the code.", f"http.code{which}")
    one, other = (concept.code for concept in concepts if concept)
    if one == other:
        return "equivalent"
    if other in system.below(one):
        return "subsumes"
    return "subsumed-by" if one in system.below(other) else "not-subsumed"
