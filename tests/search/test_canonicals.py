"""Chains, reverse chains and includes through canonical URLs, with and without versions; ``:below`` a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from service.store.search import compile_includes, compile_search
from tests.search.conftest import BASE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from service.fhir.search.registry import Registry
    from tests.search.conftest import Library

_URL: Final = "http://acme.example/q"
_OTHER: Final = "http://acme.example/other"
_LOCAL: Final = f"{BASE}/Questionnaire/local"
_PLAN: Final = "http://acme.example/plan"

_QUESTIONNAIRES: Final = {
    "first": {"url": _URL, "version": "1.0", "title": "Neck"},
    "second": {"url": _URL, "version": "2.0", "title": "Neck again"},
    "unversioned": {"url": _OTHER, "title": "Back"},
    "local": {"url": _LOCAL, "version": "3", "title": "Local"},
    "anonymous": {"title": "Neck"},
}
_RESPONSES: Final = {
    "any": (_URL, "amended"),
    "to-first": (f"{_URL}|1.0", "completed"),
    "to-second": (f"{_URL}|2.0#part", "in-progress"),
    "to-none": (f"{_URL}|1.1-beta", "completed"),
    "to-unversioned": (_OTHER, "stopped"),
    "to-its-version": (f"{_OTHER}|1", "stopped"),
    "to-local": (_LOCAL, "completed"),
    "to-version-of-local": (f"{_LOCAL}|3", "completed"),
}


def _resources() -> Iterator[dict[str, Any]]:
    yield {"resourceType": "Patient", "id": "ann"}
    for id_, content in _QUESTIONNAIRES.items():
        yield {"resourceType": "Questionnaire", "id": id_, "status": "active", **content}
    for id_, (canonical, status) in _RESPONSES.items():
        subject = {"subject": {"reference": "Patient/ann"}} if id_ == "to-unversioned" else {}
        yield {
            "resourceType": "QuestionnaireResponse",
            "id": id_,
            "status": status,
            "questionnaire": canonical,
            **subject,
        }
    hidden = {"resourceType": "Questionnaire", "id": "q", "url": _OTHER, "status": "active", "title": "Hidden"}
    yield {
        "resourceType": "QuestionnaireResponse",
        "id": "container",
        "status": "entered-in-error",
        "contained": [hidden],
    }
    for type_, name in (("PlanDefinition", "plan"), ("ActivityDefinition", "activity")):
        url = f"http://acme.example/{name}"
        yield {"resourceType": type_, "id": name, "url": url, "status": "active", "title": name.capitalize()}
    yield {
        "resourceType": "CarePlan",
        "id": "planned",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/ann"},
        "instantiatesCanonical": [_PLAN],
    }


@pytest.fixture(scope="module")
async def published(make_library: Callable[[], AbstractAsyncContextManager[Library]]) -> AsyncIterator[Library]:
    """Questionnaires in two versions, and answers to them."""
    async with make_library() as made:
        await made.store(_resources())
        yield made


_RESPONSE: Final = "QuestionnaireResponse"

CHAINS: Final = [
    (_RESPONSE, "questionnaire.title=neck", "any to-first to-second"),
    (_RESPONSE, "questionnaire.title=neck again", "any to-second"),
    (_RESPONSE, "questionnaire:Questionnaire.version=1.0", "any to-first"),
    (_RESPONSE, "questionnaire.title=back", "to-unversioned"),
    (_RESPONSE, "questionnaire.title=local", "to-local to-version-of-local"),
    (_RESPONSE, "questionnaire._id=first,second", "any to-first to-second"),
    (_RESPONSE, "questionnaire.title:contains=neck&status=completed", "to-first"),
    (_RESPONSE, "questionnaire.status=active&status=in-progress,stopped", "to-second to-unversioned"),
    (_RESPONSE, "questionnaire.title=none", ""),
    (_RESPONSE, "questionnaire.title=hidden", ""),
    ("CarePlan", "instantiates-canonical:PlanDefinition.title=plan", "planned"),
    ("CarePlan", "instantiates-canonical.title=plan", "planned"),
    ("CarePlan", "instantiates-canonical:ActivityDefinition.title:missing=false", ""),
    ("Questionnaire", f"_has:{_RESPONSE}:questionnaire:status=amended", "first second"),
    ("Questionnaire", f"_has:{_RESPONSE}:questionnaire:status=completed", "first local"),
    ("Questionnaire", f"_has:{_RESPONSE}:questionnaire:status=in-progress&title=neck", "second"),
    ("Questionnaire", f"_has:{_RESPONSE}:questionnaire:status:missing=true", ""),
    ("Questionnaire", f"_has:{_RESPONSE}:questionnaire:status:missing=false", "first second unversioned local"),
    ("Patient", f"_has:{_RESPONSE}:subject:questionnaire.title=back", "ann"),
    ("PlanDefinition", "_has:CarePlan:instantiates-canonical:patient=ann", "plan"),
    ("ActivityDefinition", "_has:CarePlan:instantiates-canonical:patient=ann", ""),
    (_RESPONSE, f"questionnaire:below={_URL}", "any to-first to-second to-none"),
    (_RESPONSE, f"questionnaire:below={_URL}|1", "to-first to-none"),
    (_RESPONSE, f"questionnaire:below={_URL}|1.1", "to-none"),
    (_RESPONSE, f"questionnaire:below={_URL}|1.1-beta,{_URL}|2", "to-none to-second"),
    (_RESPONSE, f"questionnaire:below={_URL}|1.", ""),
    (_RESPONSE, f"questionnaire:below={_LOCAL}", "to-local to-version-of-local"),
    (_RESPONSE, f"questionnaire={_URL}", "any to-first to-second to-none"),
    (_RESPONSE, f"questionnaire={_URL}|1", ""),
]


@pytest.mark.parametrize("resource_type,text,ids", CHAINS)
async def test_canonicals_are_followed(published: Library, resource_type: str, text: str, ids: str) -> None:
    """To every version where they name none, to the one that they name otherwise, and backwards."""
    assert set(await published.ids(resource_type, text)) == set(ids.split())


INCLUDES: Final = [
    (_RESPONSE, f"_id=any&_include={_RESPONSE}:questionnaire", "first second"),
    (_RESPONSE, f"_id=to-first&_include={_RESPONSE}:questionnaire", "first"),
    (_RESPONSE, f"_id=to-second&_include={_RESPONSE}:questionnaire:Questionnaire", "second"),
    (_RESPONSE, f"_id=to-none,to-its-version&_include={_RESPONSE}:questionnaire", ""),
    (_RESPONSE, f"_id=to-local&_include={_RESPONSE}:questionnaire", "local"),
    (_RESPONSE, "_id=to-unversioned&_include=*", "unversioned ann"),
    (_RESPONSE, f"_id=to-first&_include={_RESPONSE}:*", "first"),
    ("Questionnaire", f"_id=first&_revinclude={_RESPONSE}:questionnaire", "any to-first"),
    ("Questionnaire", f"_id=second&_revinclude={_RESPONSE}:questionnaire:Questionnaire", "any to-second"),
    ("Questionnaire", "_id=unversioned&_revinclude=*", "to-unversioned"),
    ("Questionnaire", f"_id=anonymous&_revinclude={_RESPONSE}:questionnaire", ""),
    ("Questionnaire", "_id=first&_include=*", ""),
    (_RESPONSE, f"_id=to-unversioned&_include={_RESPONSE}:questionnaire", "unversioned"),
    ("Patient", "_revinclude=CarePlan:patient&_include:iterate=CarePlan:instantiates-canonical", "planned plan"),
    ("CarePlan", "_include=CarePlan:instantiates-canonical:ActivityDefinition", ""),
]


@pytest.mark.parametrize("resource_type,text,ids", INCLUDES)
async def test_canonicals_are_included(
    published: Library, registry: Registry, resource_type: str, text: str, ids: str
) -> None:
    """The resources of these URLs and versions, and what refers to them."""
    query = published.query(resource_type, text)
    matches = [row["key"] for row in await published.fetch(compile_search(query, limit=100))]
    statement = compile_includes(query.includes, matches, references=registry.reference_sources, limit=100, depth=3)
    assert {row["id"] for row in await published.fetch(statement)} == set(ids.split())
    plan = await published.plan(statement)
    assert "Seq Scan" not in plan


async def test_a_deleted_definition_is_not_found_by_its_url(empty_library: Library) -> None:
    """Only its tombstone is left."""
    await empty_library.store(_resources())
    await empty_library.delete("Questionnaire", "first")
    assert set(await empty_library.ids(_RESPONSE, "questionnaire.title=neck")) == {"any", "to-second"}
