"""The OpenAPI document is valid, complete and the one that is committed."""

from __future__ import annotations

import importlib.metadata
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from service.fhir import definitions
from service.fhir.address import Place
from service.fhir.outcome import ERROR_CODES, Category
from service.fhir.search.registry import Registry
from service.fhir.search.result_parameters import RESULT_PARAMETERS
from service.rest.cors import Origins
from service.rest.openapi import build, document, write_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.assembly import Standard

COMMITTED = Path(__file__).parents[4] / "openapi"
VERSION = importlib.metadata.version("massage-fhir")
METHODS = ("get", "post", "put", "patch", "delete")

Json = dict[str, Any]


@pytest.fixture(scope="module")
def written(standard: Standard) -> Json:
    return build(standard.definitions, standard.registry, version=VERSION)


def operations(written: Json) -> Iterator[tuple[str, str, Json]]:
    """Path, method and operation, for every operation."""
    for path, item in written["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def referred_to(node: Any) -> Iterator[str]:
    """Every `$ref` and discriminator target below a node."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        if "propertyName" in node:
            yield from node["mapping"].values()
            return
        for value in node.values():
            yield from referred_to(value)
    elif isinstance(node, list):
        for value in node:
            yield from referred_to(value)


def parameters_of(written: Json, path: str, method: str) -> list[Json]:
    """The parameters of an operation and of its path, resolved."""
    item = written["paths"][path]
    listed = [*item.get("parameters", ()), *item[method].get("parameters", ())]
    named = written["components"]["parameters"]
    return [named[each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in listed]


def test_the_committed_document_is_the_computed_one(standard: Standard) -> None:
    """After a change: make openapi."""
    computed = document(standard.definitions, standard.registry, version=VERSION)
    assert (COMMITTED / "openapi.json").read_bytes() == computed


def test_the_committed_examples_are_those_in_the_document(tmp_path: Path) -> None:
    """After a change: make openapi."""
    write_files(tmp_path, version=VERSION)
    expected = {each.name: each.read_bytes() for each in (tmp_path / "examples").iterdir()}
    assert {each.name: each.read_bytes() for each in (COMMITTED / "examples").iterdir()} == expected


def test_the_document_reads_as_what_was_built(standard: Standard, written: Json) -> None:
    """The lines that make it fit for a diff do not change its meaning."""
    rendered = document(standard.definitions, standard.registry, version=VERSION)
    assert json.loads(rendered) == json.loads(json.dumps(written, default=float))
    assert len(rendered) < 6_000_000


def test_the_document_is_valid(written: Json) -> None:
    """By the schema that the OpenAPI Initiative publishes, and every schema in it by that of JSON Schema."""
    published = files("openapi_spec_validator").joinpath("resources/schemas/v3.1/schema.json").read_text("utf-8")
    openapi = jsonschema_rs.Draft202012Validator(json.loads(published))
    assert [error.message for error in openapi.iter_errors(written)] == []
    schema = jsonschema_rs.Draft202012Validator({"$ref": "https://json-schema.org/draft/2020-12/schema"})
    assert [name for name, each in written["components"]["schemas"].items() if not schema.is_valid(each)] == []


def test_a_document_of_a_few_types_satisfies_the_validator(tmp_path: Path) -> None:
    """It looks at more than the schema can say, but takes a third of a minute for all types (see the soak test)."""
    (tmp_path / "served.txt").write_text("Bundle\nCapabilityStatement\nObservation\nPatient\nServiceRequest\n")
    (tmp_path / "facts").symlink_to(Path(definitions.__path__[0]) / "facts")
    few = definitions.Definitions(tmp_path)
    assert list(OpenAPIV31SpecValidator(build(few, Registry(few), version="1")).iter_errors()) == []


@pytest.mark.soak
def test_the_document_of_all_types_satisfies_the_validator(written: Json) -> None:
    assert list(OpenAPIV31SpecValidator(written).iter_errors()) == []


def test_every_reference_leads_somewhere(written: Json) -> None:
    for reference in set(referred_to(written)):
        _, section, kind, name = reference.split("/")
        assert section == "components"
        assert name in written["components"][kind], reference


def test_every_component_is_used(written: Json) -> None:
    """But for the scheme, which is named otherwise."""
    referred = set(referred_to(written))
    unused = {
        f"{kind}/{name}"
        for kind, components in written["components"].items()
        for name in components
        if f"#/components/{kind}/{name}" not in referred
    }
    assert unused == {"securitySchemes/bearer"}


def test_operation_ids_are_unique_and_fit_for_a_function_name(written: Json) -> None:
    names = [operation["operationId"] for _, _, operation in operations(written)]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z][A-Za-z0-9]+", name)] == []


def test_the_types_of_a_referral_are_read_first(written: Json, standard: Standard) -> None:
    names = [tag["name"] for tag in written["tags"]]
    assert names[1:5] == ["ServiceRequest", "Task", "CarePlan", "Goal"]
    assert sorted(names[1:-2]) == sorted(standard.definitions.resource_types)


def test_every_type_has_every_interaction(written: Json, standard: Standard) -> None:
    """Under names that do not change, because clients are generated from them."""
    names = {operation["operationId"] for _, _, operation in operations(written)}
    for name in standard.definitions.resource_types:
        assert {
            f"read{name}",
            f"vread{name}",
            f"create{name}",
            f"update{name}",
            f"patch{name}",
            f"delete{name}",
            f"search{name}",
            f"search{name}ByPost",
            f"update{name}ByCriteria",
            f"patch{name}ByCriteria",
            f"delete{name}ByCriteria",
            f"historyInstance{name}",
            f"historyType{name}",
            f"validate{name}",
            f"validate{name}Instance",
            f"validate{name}InstanceByGet",
        } <= names


def test_every_method_of_every_place_is_described(written: Json) -> None:
    """The places are those that the service routes; HEAD and OPTIONS are described once for all of them."""
    described = {(path, method.upper()) for path, method, _ in operations(written)}
    for place in set(Place) - {Place.SYSTEM_OPERATION}:
        template = place.template.replace("{type}", "Patient").replace("${operation}", "$validate")
        for method in set(place.methods) - {"HEAD", "OPTIONS"}:
            if (place, method) != (Place.TYPE_OPERATION, "GET"):
                assert (template, method) in described


def test_searches_advertise_the_parameters_of_the_registry_and_no_others(written: Json, standard: Standard) -> None:
    for name in standard.definitions.resource_types:
        sent = {each["name"] for each in parameters_of(written, f"/{name}", "get") if each["in"] == "query"}
        assert sent - {*RESULT_PARAMETERS, "_list"} == set(standard.registry.parameters(name))
        form = written["components"]["requestBodies"][f"{name}.search"]["content"]
        assert set(form["application/x-www-form-urlencoded"]["schema"]["properties"]) <= sent


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_criteria_are_the_search_parameters(written: Json, standard: Standard, method: str) -> None:
    """Result parameters are no criteria."""
    for name in standard.definitions.resource_types:
        sent = {each["name"] for each in parameters_of(written, f"/{name}", method) if each["in"] == "query"}
        assert sent - {"_format", "_pretty"} == set(standard.registry.parameters(name))


def test_a_search_of_everything_takes_what_all_types_share(written: Json, standard: Standard) -> None:
    sent = {each["name"] for each in parameters_of(written, "/", "get") if each["in"] == "query"}
    shared = standard.registry.shared_parameters(standard.definitions.resource_types)
    assert sent - {*RESULT_PARAMETERS, "_list"} == {"_type", *shared}


def test_a_search_of_all_of_a_compartment_can_be_of_some_types(written: Json, standard: Standard) -> None:
    for name in standard.definitions.compartments:
        sent = {each["name"] for each in parameters_of(written, f"/{name}/{{id}}/{{member}}", "get")}
        assert "_type" in sent


@pytest.mark.parametrize("code", ERROR_CODES)
def test_every_error_code_is_documented_under_its_status(written: Json, code: str) -> None:
    row = ERROR_CODES[code]
    assert f"| `{code}` | {row.category.status} |" in written["info"]["description"]
    answers = [each for each in written["components"]["responses"].values() if f"`{code}`" in each["description"]]
    (answer,) = answers
    example = answer["content"]["application/fhir+json"]["examples"][code]
    outcome = written["components"]["examples"][example["$ref"].rpartition("/")[2]]["value"]
    (issue,) = outcome["issue"]
    assert issue["details"]["coding"][0]["code"] == code
    assert issue["code"] == row.issue_type


def test_every_operation_can_fail_in_the_ways_that_all_can(written: Json) -> None:
    statuses = {str(category.status) for category in (Category.INVALID, Category.FAULT, Category.UNAVAILABLE)}
    for path, _, operation in operations(written):
        if not path.startswith(("/health", "/auth", "/.well-known")):
            assert statuses <= operation["responses"].keys(), operation["operationId"]


def test_every_parameter_says_what_it_is(written: Json) -> None:
    for parameter in written["components"]["parameters"].values():
        assert parameter["description"].strip(), parameter
        assert parameter["schema"], parameter


def test_patterns_are_anchored_and_compile(written: Json) -> None:
    """JSON Schema looks for a pattern anywhere in a text; R4 matches whole texts."""
    for name, schema in written["components"]["schemas"].items():
        pattern = schema.get("pattern")
        if pattern is not None:
            assert pattern[0] + pattern[-1] == "^$", name
            re.compile(pattern)


def test_the_headers_of_browsers_are_those_of_the_document(written: Json) -> None:
    """What a page of another origin may send and read, but for what OpenAPI says elsewhere: tokens and media types."""
    headers = {name: value.decode() for name, value in Origins(["*"]).preflight(b"https://a.example", ("GET",))}
    allowed = set(headers[b"access-control-allow-headers"].split(", "))
    exposed = set(headers[b"access-control-expose-headers"].split(", "))
    sent = {each["name"] for each in written["components"]["parameters"].values() if each["in"] == "header"}
    assert allowed - {"Accept", "Authorization", "Content-Encoding", "Content-Type"} == sent
    assert exposed <= set(written["components"]["headers"])


def test_every_operation_on_resources_says_for_whom_it_acts(written: Json) -> None:
    """But for those on codes, which are the same for everybody."""
    types = {each["name"] for each in written["tags"]} - {"Access", "Health"}
    of_codes = {"CodeSystem", "ConceptMap", "ValueSet"}
    silent = {
        operation["tags"][0]
        for path, method, operation in operations(written)
        if operation["tags"][0] in types
        and "X-Actor-Organization" not in {each["name"] for each in parameters_of(written, path, method)}
    }
    assert silent == of_codes


def test_who_has_no_token_is_told_how_to_come_by_one(written: Json) -> None:
    told = [name for name, each in written["components"]["responses"].items() if "WWW-Authenticate" in headers_of(each)]
    assert told == ["Unauthenticated", "Forbidden", "OAuth401"]


def headers_of(response: Json) -> Json:
    found: Json = response.get("headers", {})
    return found


def test_an_update_can_be_of_what_is_not_seen(written: Json) -> None:
    """Which is refused like what is not there, else an id would tell that something is under it."""
    updates = [
        each
        for _, method, each in operations(written)
        if re.fullmatch("update[A-Z][A-Za-z]+(?<!ByCriteria)", each["operationId"])
    ]
    assert updates
    assert [each["operationId"] for each in updates if "404" not in each["responses"]] == []


def test_a_deletion_can_be_against_the_rules(written: Json) -> None:
    """Nothing of a referral's loop is deleted once it matters."""
    refusals = [each["responses"] for _, method, each in operations(written) if method == "delete"]
    assert refusals
    assert all("422" in each for each in refusals)


def test_a_form_by_its_identifier_can_be_one_of_several(written: Json) -> None:
    populate = written["paths"]["/Questionnaire/$populate"]
    assert all("412" in populate[method]["responses"] for method in ("get", "post"))


def test_a_pdf_comes_under_a_name(written: Json) -> None:
    printed = [
        each for each in written["components"]["responses"].values() if "application/pdf" in each.get("content", ())
    ]
    assert printed
    assert all("Content-Disposition" in headers_of(each) for each in printed)


def test_what_the_service_writes_itself_can_be_refused(written: Json) -> None:
    """AuditEvents have no interactions but read, vread and search where the service writes them."""
    refused = {(path, method) for path, method, each in operations(written) if "405" in each["responses"]}
    root = "/AuditEvent"
    assert refused == {
        ("/", "post"),
        *((root, method) for method in ("post", "put", "patch", "delete")),
        *((f"{root}/{{id}}", method) for method in ("put", "patch", "delete")),
        *((f"{root}{below}/_history", "get") for below in ("", "/{id}")),
    }
