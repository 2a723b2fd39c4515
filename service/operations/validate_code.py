"""$validate-code of code systems and value sets.

https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
https://hl7.org/fhir/R4/valueset-operation-validate-code.html

A code that is not in is no failure: the answer is 200 with ``result`` false. So are a wrong display, a wrong version,
and an abstract code where ``abstract`` is false.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir import codec
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, failure
from service.fhir.terminology.code_system import CodeSystem
from service.fhir.terminology.validation import Rules, judge
from service.fhir.terminology.value_set import entry_of
from service.operations.codes import code_system, codings, expansion, named, on, told, value_set_of
from service.operations.parameters import Taken, missing, sent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.interaction import Context, Operation
    from service.fhir.terminology.value_set import Entry
    from service.interactions.parts import Parts
    from service.operations.parameters import Kind, Sent

_SHARED: Final[dict[str, Kind]] = {
    "url": "text",
    "code": "text",
    "display": "text",
    "coding": "Coding",
    "codeableConcept": "CodeableConcept",
    "abstract": "boolean",
    "displayLanguage": "text",
}
_DATE: Final = {"date": "Codes are told as they are now; name a version instead."}
_OF_CODE_SYSTEM: Final = Taken(
    operation="validate-code",
    kinds=_SHARED | {"codeSystem": "resource", "version": "text"},
    unsupported=_DATE,
)
_OF_VALUE_SET: Final = Taken(
    operation="validate-code",
    kinds=_SHARED | {"valueSet": "resource", "valueSetVersion": "text", "system": "text", "systemVersion": "text"},
    unsupported=_DATE | {"context": "Contexts are not resolved; name the value set by url."},
)
TAKEN: Final = {"CodeSystem": _OF_CODE_SYSTEM, "ValueSet": _OF_VALUE_SET}
"""By the type that the operation works on."""


async def validate_code(parts: Parts, context: Context, operation: Operation) -> Answer:
    """Parameters with the result; FhirError those of `operations.codes`."""
    on(operation, "CodeSystem", "ValueSet")
    if operation.type == "CodeSystem":
        return await _of_code_system(parts, context, operation)
    return await _of_value_set(parts, context, operation)


async def _of_code_system(parts: Parts, context: Context, operation: Operation) -> Answer:
    asked = sent(operation, _OF_CODE_SYSTEM, parts.validator)
    alone = {"code": asked.one("code"), "version": asked.one("version"), "display": asked.one("display")}
    listed = _codings(asked, alone)
    needed = named(operation, asked.one("url"), asked.one("version"))
    if asked.one("codeSystem") is not None:
        if needed is not None:
            raise failure("parameter-value", "Name the code system or send it, not both.", "http.codeSystem")
        with told():
            found = CodeSystem(asked.one("codeSystem"))
    elif needed is None:
        raise missing("On the type, $validate-code takes the url of the code system.", "url")
    else:
        found = await code_system(parts, context, needed)

    def find(coding: Mapping[str, Any]) -> Entry | None:
        if coding.get("system", found.url) != found.url:
            return None
        concept = found.concept(coding["code"])
        if concept is None:
            found.require_complete()
            return None
        return entry_of(found, concept.code, system=found.url)

    with told():
        verdict = judge(find, listed, _rules(asked, "code system"))
    return Answer(result=Result.OK, body=codec.encode(verdict.as_parameters()))


async def _of_value_set(parts: Parts, context: Context, operation: Operation) -> Answer:
    asked = sent(operation, _OF_VALUE_SET, parts.validator)
    alone = {name: asked.one(name) for name in ("code", "system", "display")} | {"version": asked.one("systemVersion")}
    listed = _codings(asked, alone)
    if asked.one("code") and not asked.one("system"):
        raise missing("A code goes with its system.", "system")
    _, codes, _ = await expansion(parts, context, value_set_of(operation, asked))

    def find(coding: Mapping[str, Any]) -> Entry | None:
        return codes.get((coding.get("system"), coding["code"]))

    with told():
        verdict = judge(find, listed, _rules(asked, "value set"))
    return Answer(result=Result.OK, body=codec.encode(verdict.as_parameters()))


def _codings(asked: Sent, alone: dict[str, Any]) -> list[dict[str, Any]]:
    """The codes that were sent; a display alone is of no use."""
    given = {name: each for name, each in alone.items() if each is not None} if asked.one("code") else None
    if given is None and asked.one("display") is not None:
        raise missing("A display goes with a code.", "code")
    values = {"code": given, "coding": asked.one("coding"), "codeableConcept": asked.one("codeableConcept")}
    return codings(values, "validate-code")


def _rules(asked: Sent, among: str) -> Rules:
    return Rules(among=among, abstract=asked.one("abstract"), language=asked.one("displayLanguage"))
