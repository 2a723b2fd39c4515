"""$lookup of a code system: https://hl7.org/fhir/R4/codesystem-operation-lookup.html"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir import codec
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, failure
from service.fhir.terminology.lookup import looked_up
from service.fhir.terminology.needed import canonical
from service.operations.codes import code_system, codings, on, told
from service.operations.parameters import Taken, missing, sent

if TYPE_CHECKING:
    from service.fhir.interaction import Context, Operation
    from service.interactions.parts import Parts

TAKEN: Final = Taken(
    operation="lookup",
    kinds={
        "code": "text",
        "system": "text",
        "version": "text",
        "coding": "Coding",
        "displayLanguage": "text",
        "property": "text",
    },
    repeating=frozenset({"property"}),
    unsupported={"date": "Code systems are told as they are now; name a version instead."},
)


async def lookup(parts: Parts, context: Context, operation: Operation) -> Answer:
    """Parameters with what is known of a code; FhirError code-unknown and those of `operations.codes`."""
    on(operation, "CodeSystem", instance=False)
    asked = sent(operation, TAKEN, parts.validator)
    code, system = asked.one("code"), asked.one("system")
    alone = {"code": code, "system": system, "version": asked.one("version")} if code else None
    (coding,) = codings({"code": alone, "coding": asked.one("coding")}, "lookup")
    if not coding.get("system"):
        raise missing("A code goes with its system.", "system")
    found = await code_system(
        parts, context, canonical("CodeSystem", coding["system"], coding.get("version") or asked.one("version") or "")
    )
    concept = found.concept(coding["code"])
    if concept is None:
        raise failure("code-unknown", "The code system does not have the code.", "http.code")
    wanted = frozenset(asked.all("property"))
    with told():
        content = looked_up(found, concept, wanted=wanted, language=asked.one("displayLanguage"))
    return Answer(result=Result.OK, body=codec.encode(content))
