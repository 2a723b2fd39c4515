"""Request bodies and successful answers, as reusable components: a few per type, and those of Bundles and patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.capability import capability_statement
from service.fhir.codec import decode
from service.fhir.outcome import ALL_OK, CANONICAL, operation_outcome
from service.rest.openapi.care_answers import CARE_ANSWERS, CARE_BODIES
from service.rest.openapi.document_examples import DOCUMENT_EXAMPLES
from service.rest.openapi.errors import PAGE
from service.rest.openapi.examples import STORED_META, example_files, example_of, stored
from service.rest.openapi.form_examples import FORM_EXAMPLES
from service.rest.openapi.headers import response_headers
from service.rest.openapi.operation import component
from service.rest.openapi.outcome_examples import OUTCOME_EXAMPLES
from service.rest.openapi.parameters import SEARCH_RESULT_PARAMETERS, parameter_schema
from service.rest.openapi.plan_examples import PLAN_EXAMPLES
from service.rest.openapi.schemas import reference_to
from service.rest.openapi.session_examples import SESSION_EXAMPLES

if TYPE_CHECKING:
    from service.fhir.definitions import Definitions
    from service.fhir.search.registry import Registry
    from service.rest.openapi.search_parameters import SearchParameters

Json = dict[str, Any]

FHIR_JSON: Final = "application/fhir+json"
JSON: Final = "application/json"
JSON_PATCH: Final = "application/json-patch+json"
FORM: Final = "application/x-www-form-urlencoded"

_BASE: Final = "https://clinic.example.org/fhir"
_VERSION_HEADERS: Final = ("ETag", "Last-Modified", "X-Request-Id")
_CHANGE_HEADERS: Final = (*_VERSION_HEADERS, "Preference-Applied")
_PREFERENCES: Final = (
    "Without a body if `Prefer: return=minimal` was sent, or for a client that may not read it; an OperationOutcome "
    "for `return=OperationOutcome`."
)


def examples(definitions: Definitions, registry: Registry) -> Json:
    """``components/examples`` for every type and for the bodies that no type owns."""
    found: Json = {}
    for name in definitions.resource_types:
        content = example_of(name, definitions)
        found[name] = {"summary": f"{name} as sent", "value": content}
        found[f"{name}.stored"] = {"summary": f"{name} as stored", "value": stored(content)}
    for name, title in (
        ("referral", "A referral as an EHR posts it; sent twice, it creates nothing new"),
        ("json-patch", "JSON Patch: a clinic accepts the task, if nobody has yet"),
        ("fhirpath-patch", "FHIRPath Patch: a clinic accepts the task"),
    ):
        found[name] = {"summary": title, "value": decode(example_files()[name])}
    found["referral.response"] = {"summary": "Everything was created", "value": _transaction_response()}
    request = stored(decode(example_files()["ServiceRequest"]))
    found["searchset"] = {"summary": "One match", "value": _bundle("searchset", request, search={"mode": "match"})}
    found["history"] = {"summary": "One version", "value": _bundle("history", request, **_HISTORY_ENTRY)}
    found["capabilities"] = {"summary": "Of one type only, for brevity", "value": _capabilities(definitions, registry)}
    found["codes"] = {"summary": "A code", "value": _CODES}
    found["codes.answer"] = {"summary": "A code that is in", "value": _CODES_ANSWER}
    found["expansion"] = {"summary": "The first of several codes", "value": _EXPANSION}
    found["reindex"] = {"summary": "Of the types that have a parameter", "value": _REINDEX}
    found["reindexes"] = {"summary": "One that is running", "value": _REINDEXES}
    found["everything"] = {"summary": "Of one type, since yesterday", "value": _EVERYTHING}
    found |= OUTCOME_EXAMPLES | PLAN_EXAMPLES | DOCUMENT_EXAMPLES | FORM_EXAMPLES | SESSION_EXAMPLES
    found["match"] = {"summary": "Whoever is certain", "value": _MATCH}
    match = _bundle("searchset", stored(decode(example_files()["Patient"])), search=_GRADED)
    found["matches"] = {"summary": "One who is certain", "value": match}
    found["outcome"] = {"summary": "Nothing to complain about", "value": operation_outcome([ALL_OK])}
    return found


_TECHNIQUE: Final[Json] = {"system": f"{CANONICAL}/CodeSystem/massage-technique", "code": "deep-tissue"}
_CODES: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [{"name": "coding", "valueCoding": _TECHNIQUE}],
}
_CODES_ANSWER: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "result", "valueBoolean": True},
        {"name": "display", "valueString": "Deep tissue massage"},
    ],
}
_EXPANSION: Final[Json] = {
    "resourceType": "ValueSet",
    "status": "active",
    "expansion": {
        "timestamp": "2026-01-09T09:00:00.000Z",
        "total": 13,
        "offset": 0,
        "parameter": [{"name": "count", "valueInteger": 1}],
        "contains": [{**_TECHNIQUE, "display": "Deep tissue massage"}],
    },
}
_REINDEX: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [{"name": "type", "valueCode": "Observation"}, {"name": "parameter", "valueString": "code"}],
}
_REINDEXES: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [
        {
            "name": "job",
            "part": [
                {"name": "id", "valueString": "7"},
                {"name": "state", "valueCode": "running"},
                {"name": "type", "valueCode": "Observation"},
                {"name": "parameter", "valueString": "code"},
                {"name": "done", "valueDecimal": 10240},
                {"name": "total", "valueDecimal": 48213},
                {"name": "changed", "valueDecimal": 12},
                {"name": "asked", "valueInstant": "2026-01-09T09:00:00.000000Z"},
                {"name": "began", "valueInstant": "2026-01-09T09:00:10.000000Z"},
            ],
        }
    ],
}
_EVERYTHING: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "_type", "valueCode": "Observation"},
        {"name": "_since", "valueInstant": "2026-01-09T09:00:00Z"},
    ],
}
_SOUGHT: Final[Json] = {
    "resourceType": "Patient",
    "identifier": [{"system": "https://ehr.example.org/mrn", "value": "10042"}],
    "name": [{"family": "Example", "given": ["Erika"]}],
    "birthDate": "1984-08-12",
}
_MATCH: Final[Json] = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "resource", "resource": _SOUGHT},
        {"name": "onlyCertainMatches", "valueBoolean": True},
    ],
}
_GRADED: Final[Json] = {
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/match-grade", "valueCode": "certain"}],
    "mode": "match",
    "score": 1.0,
}
_HISTORY_ENTRY: Final[Json] = {
    "request": {"method": "POST", "url": "ServiceRequest"},
    "response": {"status": "201 Created", "etag": 'W/"1"', "lastModified": STORED_META["lastUpdated"]},
}


def _capabilities(definitions: Definitions, registry: Registry) -> Json:
    date = STORED_META["lastUpdated"].partition("T")[0]
    statement = capability_statement(definitions, registry, base=_BASE, version="1.0.0", date=date)
    (rest,) = statement["rest"]
    described = [resource for resource in rest["resource"] if resource["type"] == "ServiceRequest"]
    return statement | {"rest": [rest | {"resource": described}]}


def _bundle(kind: str, resource: Json, **entry: Json) -> Json:
    name = f"{_BASE}/{resource['resourceType']}"
    link = {"relation": "self", "url": f"{name}/_history" if kind == "history" else f"{name}?status=active"}
    listed = {"fullUrl": f"{name}/{resource['id']}", "resource": resource} | entry
    meta = {"lastUpdated": STORED_META["lastUpdated"]}
    return {"resourceType": "Bundle", "meta": meta, "type": kind, "total": 1, "link": [link], "entry": [listed]}


def _transaction_response() -> Json:
    entries = [
        {
            "response": {
                "status": "201 Created",
                "location": f"{entry['resource']['resourceType']}/{number}/_history/1",
                "etag": 'W/"1"',
                "lastModified": STORED_META["lastUpdated"],
            }
        }
        for number, entry in enumerate(decode(example_files()["referral"])["entry"], start=1)
    ]
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}


def request_bodies(definitions: Definitions, search: SearchParameters) -> Json:
    """``components/requestBodies``: per type the resource, the search form, what $validate takes; patches; Bundles."""
    bodies: Json = {}
    for name in definitions.resource_types:
        bodies[name] = _body(f"The {name}.", reference_to(name), name)
        bodies[f"{name}.validate"] = _body(
            "The resource, or Parameters with `resource`, `mode` and `profile`.",
            _one_of(name, "Parameters"),
            name,
        )
        bodies[f"{name}.search"] = _form(search.form(name))
    bodies["System.search"] = _form({"_type": parameter_schema("_type"), **search.form(None)})
    bodies["Transaction"] = _body("A Bundle of type transaction or batch.", reference_to("Bundle"), "referral")
    bodies["Reindex"] = _body(
        "`type` and `parameter`, each any number of times.", reference_to("Parameters"), "reindex"
    )
    bodies["Reindex"]["required"] = False
    bodies["Codes"] = _body("The parameters of the operation.", reference_to("Parameters"), "codes")
    bodies["Everything"] = _body("Types, dates and how many.", reference_to("Parameters"), "everything")
    bodies["Everything"]["required"] = False
    for name, example in CARE_BODIES.items():
        bodies[name] = _body("The parameters of the operation.", reference_to("Parameters"), example)
    for name in ("Extract", "NecessityPacket", "OutcomeSummary", "ProgressReport", "Visits"):
        bodies[name]["required"] = False
    bodies["Match"] = _body(
        "The patient, or Parameters with `resource`, `onlyCertainMatches` and `count`.",
        _one_of("Patient", "Parameters"),
        "match",
    )
    bodies["Patch"] = {
        "description": "JSON Patch (RFC 6902) or FHIRPath Patch.",
        "required": True,
        "content": {
            JSON_PATCH: {"schema": reference_to("JsonPatch"), "examples": _example("json-patch")},
            FHIR_JSON: {"schema": reference_to("Parameters"), "examples": _example("fhirpath-patch")},
            JSON: {"schema": {"anyOf": [reference_to("JsonPatch"), reference_to("Parameters")]}},
        },
    }
    return bodies


def _body(description: str, schema: Json, example: str) -> Json:
    content = {"schema": schema, "examples": _example(example)}
    return {"description": description, "required": True, "content": {FHIR_JSON: content, JSON: content}}


def _form(criteria: Json) -> Json:
    properties = criteria | {name: parameter_schema(name) for name in SEARCH_RESULT_PARAMETERS}
    return {
        "description": "Search criteria.",
        "content": {FORM: {"schema": {"type": "object", "properties": properties, "additionalProperties": False}}},
    }


def success_responses(definitions: Definitions) -> Json:
    """``components/responses`` for everything that went well."""
    responses: Json = {}
    for name in definitions.resource_types:
        changed = _one_of(name, "OperationOutcome")
        responses[name] = _answer(f"The {name}.", reference_to(name), f"{name}.stored", *_VERSION_HEADERS)
        for suffix, meaning in (("changed", "As it is now."), ("created", "Created.")):
            responses[f"{name}.{suffix}"] = _written(
                f"{meaning} {_PREFERENCES}", changed, f"{name}.stored", "Location", *_CHANGE_HEADERS
            )
    bundle = reference_to("Bundle")
    responses["Searchset"] = _answer("A page of matches.", bundle, "searchset", "X-Request-Id")
    responses["History"] = _answer("A page of versions.", bundle, "history", "X-Request-Id")
    responses["TransactionResponse"] = _written(
        "What became of each entry.", bundle, "referral.response", "X-Request-Id"
    )
    responses["Capabilities"] = _answer(
        "The CapabilityStatement.", reference_to("CapabilityStatement"), "capabilities", "X-Request-Id"
    )
    responses["Deleted"] = {
        "description": "Deleted, or not there.",
        "headers": response_headers(*_CHANGE_HEADERS),
    }
    responses["DeletedOutcome"] = _written(
        "Deleted, or not there, and what there is to say about it.",
        reference_to("OperationOutcome"),
        "outcome",
        *_CHANGE_HEADERS,
    )
    responses["NotModified"] = {
        "description": "The client has this version already.",
        "headers": response_headers(*_VERSION_HEADERS),
    }
    return responses | _answers_of_operations()


def _answers_of_operations() -> Json:
    responses: Json = {}
    responses["Outcome"] = _answer("What was found.", reference_to("OperationOutcome"), "outcome", "X-Request-Id")
    responses["Reindexes"] = _answer(
        "A `job` for each reindex: its `state` (waiting, running, completed, failed), how much of it is `done`, and "
        "the `problem` of one that failed.",
        reference_to("Parameters"),
        "reindexes",
        "X-Request-Id",
    )
    responses["Codes"] = _answer(
        "What is known of the code.", reference_to("Parameters"), "codes.answer", "X-Request-Id"
    )
    responses["Expansion"] = _answer(
        "The value set with its expansion.", reference_to("ValueSet"), "expansion", "X-Request-Id"
    )
    responses["Matches"] = _answer(
        "Patients, the likeliest first, each with a score and a grade.",
        reference_to("Bundle"),
        "matches",
        "X-Request-Id",
    )
    return responses | _answers_about_care()


def _answers_about_care() -> Json:
    responses = {
        name: _answer(told, reference_to(kind), example, "X-Request-Id")
        for name, (told, kind, example) in CARE_ANSWERS.items()
    }
    responses["Document"]["content"]["application/pdf"] = {"schema": {"type": "string", "format": "binary"}}
    responses["Document"]["headers"] |= response_headers("Content-Disposition")
    plan = _one_of("CarePlan", "Bundle")
    responses["Draft"] = _answer(
        "A draft; with `bundled` a transaction that creates it.", plan, "draft", "X-Request-Id"
    )
    parameters = reference_to("Parameters")
    responses["Filled"] = _answer("A `response` to begin with, and `issues`.", parameters, "filled", "X-Request-Id")
    told = "The transaction to send as `return`, or `issues` where there is nothing to extract."
    responses["Extracted"] = _answer(told, parameters, "extracted", "X-Request-Id")
    return responses


def _answer(description: str, schema: Json, example: str, *headers: str) -> Json:
    """An answer that a browser is shown as a page, where it asks for one by GET."""
    written = _written(description, schema, example, *headers)
    return written | {"content": written["content"] | PAGE}


def _written(description: str, schema: Json, example: str, *headers: str) -> Json:
    content = {"schema": schema, "examples": _example(example)}
    return {
        "description": description,
        "headers": response_headers(*headers),
        "content": {FHIR_JSON: content, JSON: content},
    }


def _example(name: str) -> Json:
    return {name: component("examples", name)}


def _one_of(*names: str) -> Json:
    mapping = {name: reference_to(name)["$ref"] for name in names}
    return {
        "oneOf": [reference_to(name) for name in names],
        "discriminator": {"propertyName": "resourceType", "mapping": mapping},
    }
