"""QuestionnaireResponse/$extract: http://hl7.org/fhir/uv/sdc/OperationDefinition/QuestionnaireResponse-extract

SDC 4.0.0-ballot, by observation-based extraction. The Observations come back as a transaction, and SDC leaves it to the
client what becomes of it: nothing is stored. Of a response that is stored they are conditional updates by an identifier
of ours, so that sending them again, or after a correction, leaves one Observation for each answer. A response that is
sent along is created by the same transaction.

| what is wrong                                        | status and error code                             |
| ---------------------------------------------------- | ------------------------------------------------- |
| a parameter is missing, unknown, or has not its form | 400 `parameter-required`, `parameter-unknown`     |
| there is no such response, or it is not seen         | 404 `not-found`                                   |
| its questionnaire is not held, and not sent along    | 422 `questionnaire-unknown`                       |
| it is not finished, or has answers that do not fit   | 422 `answer-invalid`                              |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from service.fhir import codec
from service.fhir.interaction import Answer, Read
from service.fhir.outcome import CANONICAL, FhirError, Issue, Result, failure, operation_outcome
from service.fhir.questionnaire.answers import FINISHED, RESPONSE, problems
from service.fhir.questionnaire.extraction import extracted
from service.fhir.questionnaire.form import form_of
from service.fhir.search.separators import escape
from service.fhir.stamp import new_logical_id, same_content
from service.interactions.read import read
from service.operations.parameters import Taken, missing, sent

if TYPE_CHECKING:
    from service.fhir.interaction import Context, Operation
    from service.fhir.questionnaire.extraction import Extracted
    from service.fhir.questionnaire.form import Form
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.loop.forms import Forms
    from service.operations.parameters import Sent
    from service.store.store import Session

TAKEN: Final = Taken(operation="extract", kinds={"questionnaire-response": "resource", "questionnaire": "resource"})

EXTRACTED: Final = f"{CANONICAL}/NamingSystem/extracted-observation"
"""Of the identifiers of Observations: the id of the response, a slash, and what tells the answer from the others."""


class Extract:
    """Extracts by the forms that come with the service, stored Questionnaires, and those that are sent along."""

    def __init__(self, forms: Forms) -> None:
        self._forms = forms

    async def __call__(self, parts: Parts, context: Context, operation: Operation) -> Answer:
        """Parameters with `return`, a transaction, or with `issues` where there is nothing to extract; FhirError."""
        if operation.type != RESPONSE:
            raise failure("operation-unknown", f"$extract works on the type or an instance of {RESPONSE}.")
        given = sent(operation, TAKEN, parts.validator)
        async with parts.store.session() as session:
            response, stored = await _response(session, operation, given)
            form = await self._form(session, context, response, given)
        _check(response, form)
        reference = f"{RESPONSE}/{stored}" if stored else f"urn:uuid:{new_logical_id(context.received_at)}"
        found = extracted(response, form, reference)
        told: dict[str, Any]
        if found:
            entries = [_entry(each, stored, context) for each in found]
            if not stored:
                sent_along = {name: value for name, value in response.items() if name not in ("id", "meta")}
                created = {"method": "POST", "url": RESPONSE}
                entries.insert(0, {"fullUrl": reference, "resource": sent_along, "request": created})
            told = {"name": "return", "resource": {"resourceType": "Bundle", "type": "transaction", "entry": entries}}
        else:
            told = {"name": "issues", "resource": operation_outcome([_NOTHING])}
        return Answer(result=Result.OK, body=codec.encode({"resourceType": "Parameters", "parameter": [told]}))

    async def _form(self, session: Session, context: Context, response: Content, given: Sent) -> Form:
        """What the response answers; FhirError questionnaire-unknown."""
        questionnaire = given.one("questionnaire")
        if questionnaire is not None:
            return form_of(questionnaire)
        named = response.get("questionnaire")
        form = named and await self._forms.find(session, context, named, response.get("contained", ()))
        if not form:
            told = "The service does not hold the Questionnaire of the response; send it along as questionnaire."
            raise failure("questionnaire-unknown", told, f"{RESPONSE}.questionnaire")
        return form


async def _response(session: Session, operation: Operation, given: Sent) -> tuple[Content, str | None]:
    """The response that is stored, as the caller sees it, with its id, or the one that was sent; FhirError.

    One that is sent and is stored in the same words is the stored one.
    """
    alone = given.one("questionnaire-response")
    if operation.id is None:
        if alone is None:
            raise missing(
                "Send the response as questionnaire-response, or call $extract on it.", "questionnaire-response"
            )
        known = ((RESPONSE, alone["id"]),) if "id" in alone else ()
        for kept in (await session.current(known, lock=False)).values() if known else ():
            if kept.content is not None and same_content(codec.decode(kept.content), alone):
                return alone, kept.id
        return alone, None
    if alone is not None:
        told = "questionnaire-response is for $extract on the type: the instance is what is extracted."
        raise failure("parameter-value", told, "http.questionnaire-response")
    version = (await read(session, Read(type=RESPONSE, id=operation.id))).version
    stored: Content = codec.decode(version.content or b"{}") if version else {}
    return stored, operation.id


def _check(response: Content, form: Form) -> None:
    """FhirError for a response that is not finished, or that its form does not allow."""
    if response.get("status") not in FINISHED:
        told = f"Only a response that is {' or '.join(sorted(FINISHED))} is extracted."
        raise failure("answer-invalid", told, f"{RESPONSE}.status")
    if issues := problems(response, form):
        raise FhirError(issues=issues)


def _entry(each: Extracted, stored: str | None, context: Context) -> Content:
    full_url = f"urn:uuid:{new_logical_id(context.received_at)}"
    if stored is None:
        return {"fullUrl": full_url, "resource": each.content, "request": {"method": "POST", "url": "Observation"}}
    value = f"{stored}/{each.name}"
    content = {"resourceType": "Observation", "identifier": [{"system": EXTRACTED, "value": value}], **each.content}
    url = f"Observation?identifier={quote(f'{EXTRACTED}|{escape(value)}', safe='/:|')}"
    return {"fullUrl": full_url, "resource": content, "request": {"method": "PUT", "url": url}}


_NOTHING: Final = Issue(
    code=None,
    severity="information",
    diagnostics="There is nothing to extract: no answer is to a question that is marked for it and has a code.",
    expression=(f"{RESPONSE}.item",),
)
