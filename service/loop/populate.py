"""Questionnaire/$populate: http://hl7.org/fhir/uv/sdc/OperationDefinition/Questionnaire-populate (SDC 4.0.0-ballot)

A response in progress, filled in from the context that is sent and, with local=true, from the patient and the latest
observations, as far as the caller sees them and may read them. Nothing is stored.

| what is wrong                                          | status and error code                         |
| ------------------------------------------------------ | --------------------------------------------- |
| a parameter is missing, unknown, or has not its form   | 400 `parameter-required`, `parameter-unknown` |
| one that SDC has and the service does not depend on    | 400 `parameter-unsupported`                   |
| questionnaire, subject or context are not there        | 404 `not-found`                               |
| the scopes do not let the caller read subject, context | 403 `forbidden`                               |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.access.permission import may_read
from service.fhir import codec
from service.fhir.interaction import Answer
from service.fhir.outcome import Issue, Result, failure, operation_outcome
from service.fhir.questionnaire.answers import RESPONSE
from service.fhir.questionnaire.form import Form, form_of
from service.fhir.questionnaire.population import Known, populated
from service.fhir.reference import parse_local
from service.fhir.search.separators import escape
from service.fhir.stamp import instant_text
from service.loop.episode import decoded
from service.loop.forms import QUESTIONNAIRE
from service.operations.observations import NO_OBSERVATIONS, OBSERVATION, observations
from service.operations.parameters import Taken, missing, sent

if TYPE_CHECKING:
    from service.fhir.interaction import Context, Operation
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.loop.forms import Forms
    from service.operations.parameters import Sent
    from service.store.store import Session

TAKEN: Final = Taken(
    operation="populate",
    kinds={
        "questionnaire": "named",
        "identifier": "Identifier",
        "subject": "Reference",
        "context": "parts",
        "local": "boolean",
    },
    repeating=frozenset({"context"}),
    unsupported=dict.fromkeys(
        ("dataEndpoint", "data"), "Send what is to be filled in as context, or local=true for what is held here."
    ),
)

_CONTEXTS: Final = ("patient", "encounter", "location", "user", "study", "clinical")
"""http://hl7.org/fhir/uv/sdc/CodeSystem/launchContext"""


class Populate:
    """Fills in the forms that come with the service, and stored Questionnaires."""

    def __init__(self, forms: Forms) -> None:
        self._forms = forms

    async def __call__(self, parts: Parts, context: Context, operation: Operation) -> Answer:
        """Parameters with `response` and, where something was left out, `issues`; FhirError as the table above says."""
        if operation.type != QUESTIONNAIRE:
            raise failure("operation-unknown", f"$populate works on the type or an instance of {QUESTIONNAIRE}.")
        given = sent(operation, TAKEN, parts.validator)
        is_local = given.flag("local")
        async with parts.store.session() as session:
            form = await self._form(session, context, operation, given)
            subject, patient = await _subject(parts, session, context, given)
            contents = await _context(parts, session, context, given)
        if is_local and patient is not None:
            contents.setdefault("patient", patient)
        found, issues = await _observed(parts, context, form, subject) if is_local and subject else ([], [])
        known = Known(context=contents, observations=found, now=context.received_at, zone=parts.zone)
        filled = populated(form, known)
        response: Content = {
            "resourceType": RESPONSE,
            "questionnaire": form.canonical,
            "status": "in-progress",
            **({"subject": {"reference": subject}} if subject else {}),
            **_encounter(contents),
            "authored": instant_text(context.received_at),
            **({"item": filled.items} if filled.items else {}),
        }
        told = [{"name": "response", "resource": response}]
        if issues := [*issues, *filled.issues]:
            told.append({"name": "issues", "resource": operation_outcome(issues)})
        return Answer(result=Result.OK, body=codec.encode({"resourceType": "Parameters", "parameter": told}))

    async def _form(self, session: Session, context: Context, operation: Operation, given: Sent) -> Form:
        """The form of the instance, or else of the one parameter that names it; FhirError."""
        named, identifier = given.one("questionnaire"), given.one("identifier")
        if operation.id is not None:
            # SDC ignores what else names a questionnaire
            form, parameter = await self._forms.of_id(session, operation.id), "id"
        elif (named is None) == (identifier is None):
            raise missing("Name one questionnaire, by questionnaire or by identifier.", "questionnaire")
        elif isinstance(named, dict):
            if "url" not in named:
                raise failure("parameter-value", "A Questionnaire needs a url, for the response to name it.", "http")
            return form_of(named)
        elif named is not None:
            form, parameter = await self._forms.find(session, context, named), "questionnaire"
        else:
            system, value = identifier.get("system", ""), identifier.get("value", "")
            form, parameter = await self._forms.identified(session, context, system, value), "identifier"
        if form is None:
            raise failure("not-found", "There is no such Questionnaire.", f"http.{parameter}")
        return form


async def _subject(parts: Parts, session: Session, context: Context, given: Sent) -> tuple[str | None, Content | None]:
    """The reference that the response is about, and the patient that it is to; FhirError not-found."""
    reference = given.one("subject")
    if reference is None:
        return None, None
    content = await _read(parts, session, context, reference, "subject")
    name = f"{content['resourceType']}/{content['id']}"
    return name, content if content["resourceType"] == "Patient" else None


async def _context(parts: Parts, session: Session, context: Context, given: Sent) -> dict[str, Content]:
    """The resources of the launch context by their names; FhirError."""
    found: dict[str, Content] = {}
    for listed in given.all("context"):
        names = [each.get("valueString", each.get("valueCode")) for each in listed if each["name"] == "name"]
        contents = [each for each in listed if each["name"] == "content"]
        if len(names) != 1 or len(contents) != 1 or names[0] not in _CONTEXTS or names[0] in found:
            told = f"A context has a name, once, of {', '.join(_CONTEXTS)}, and one content."
            raise failure("parameter-value", told, "http.context")
        reference = contents[0].get("valueReference", {}).get("reference")
        resource = contents[0].get("resource")
        if resource is None and reference is None:
            raise failure("parameter-value", "The content of a context is a resource or a reference.", "http.context")
        found[names[0]] = resource or await _read(parts, session, context, reference, "context")
    return found


async def _read(parts: Parts, session: Session, context: Context, reference: str, parameter: str) -> Content:
    """A resource as the caller sees it; FhirError parameter-value, forbidden, not-found."""
    target = parse_local(reference, context.base, parts.definitions.resource_types)
    if target is None:
        told = f"{parameter} takes a reference on this server, such as Patient/1."
        raise failure("parameter-value", told, f"http.{parameter}")
    if context.actor is not None and not may_read(context.actor, target.type):
        told = f"$populate takes a scope that reads {target.type}, without a limit."
        raise failure("forbidden", told, "http.Authorization")
    version = (await session.current([(target.type, target.id)], lock=False)).get((target.type, target.id))
    if version is None or version.content is None:
        raise failure("not-found", f"There is no such {target.type}.", f"http.{parameter}")
    return decoded(version)


async def _observed(parts: Parts, context: Context, form: Form, subject: str) -> tuple[list[Content], list[Issue]]:
    """The subject's Observations of the codes that are asked for, within the longest of their periods."""
    asked = [each for each in form.by_link_id.values() if each.link_period is not None and each.codes]
    if not asked:
        return [], []
    if context.actor is not None and not may_read(context.actor, OBSERVATION):
        told = "No observations are filled in: that takes a scope that reads them, without a limit."
        return [], [Issue(code=None, severity="warning", diagnostics=told, expression=("http.Authorization",))]
    codings = {(one.get("system", ""), one["code"]) for each in asked for one in each.codes if "code" in one}
    codes = ",".join(f"{escape(system)}|{escape(code)}" for system, code in sorted(codings))
    longest = max(each.link_period for each in asked if each.link_period is not None)
    criteria = (
        ("subject", subject),
        ("code", codes),
        ("date", f"ge{instant_text(context.received_at - longest)}"),
        *NO_OBSERVATIONS,
    )
    found = await observations(parts, context, criteria)
    return [codec.decode(each.content) for each in found], []


def _encounter(contents: dict[str, Content]) -> dict[str, Any]:
    encounter = contents.get("encounter", {})
    if encounter.get("resourceType") != "Encounter" or "id" not in encounter:
        return {}
    return {"encounter": {"reference": f"Encounter/{encounter['id']}"}}
