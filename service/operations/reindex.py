"""$reindex of the system: the reindexes that the service does, and a new one. GET looks, POST asks.

An operation of this service. Where access is controlled it takes every permission on all types, which is what
`access.permission` asks for of operations that it does not list.

It answers with Parameters, one `job` for each reindex: `id`, `state` (waiting, running, completed, failed), the `type`s
(none: all) and `parameter`s that it is for, `done` of about `total` resources, how many of them were `changed`, when it
was `asked` for, `began` and `ended`, and the `problem` of one that failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir import codec
from service.fhir.interaction import Answer
from service.fhir.outcome import Result, failure
from service.fhir.stamp import instant_text
from service.store import reindex_job

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.fhir.interaction import Context, Operation
    from service.fhir.resource import Content
    from service.fhir.search.registry import Registry
    from service.interactions.parts import Parts
    from service.store.reindex_job import Job

_NAMES: Final = ("type", "parameter")
_MOST: Final = 1000


async def reindex(parts: Parts, context: Context, operation: Operation) -> Answer:
    """The jobs, or the one that was asked for; FhirError where the request is not understood."""
    del context
    if operation.type is not None:
        raise failure("operation-unknown", "$reindex works on the system: [base]/$reindex.")
    if operation.parameters:
        text = "$reindex takes no parameters in its URL; POST type and parameter in a Parameters resource."
        raise failure("parameter-unknown", text, "http.query")
    if operation.method == "GET":
        async with parts.store.session() as session:
            found = await reindex_job.jobs(session)
        return Answer(result=Result.OK, body=_told(found))
    types, codes = _asked(operation)
    concerned = _concerned(parts.registry, types, codes)
    async with parts.store.session() as session:
        waiting = [each for each in await reindex_job.jobs(session) if each.state == "waiting" and each.asked]
        same = [each for each in waiting if (each.types, each.parameters) == (concerned, codes)]
        job = same[0] if same else await reindex_job.ask(session, concerned, codes, asked=True)
    return Answer(result=Result.ACCEPTED, body=_told([job]))


def _asked(operation: Operation) -> tuple[list[str], list[str]]:
    """The types and the codes, each once."""
    pairs = [] if operation.content is None else list(_pairs(operation.content))
    if any(name not in _NAMES for name, _ in pairs):
        raise failure("parameter-unknown", "$reindex takes type and parameter.", "Parameters.parameter")
    if len(pairs) > _MOST:
        text = f"$reindex takes at most {_MOST} parameters; without any it is for all."
        raise failure("too-costly", text, "Parameters.parameter")
    types, codes = (list(dict.fromkeys(value for name, value in pairs if name == wanted)) for wanted in _NAMES)
    return types, codes


def _pairs(content: Content) -> Iterable[tuple[str, str]]:
    if content.get("resourceType") != "Parameters":
        raise failure("type-mismatch", "$reindex takes a Parameters resource.", "Parameters")
    entries = content.get("parameter", [])
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries]):
        given = entry if isinstance(entry, dict) else {}
        name = given.get("name")
        value = next((value for key, value in given.items() if key in ("valueCode", "valueString")), None)
        if not isinstance(name, str) or not isinstance(value, str):
            told = "A parameter has a name, and valueCode or valueString."
            raise failure("value-invalid", told, f"Parameters.parameter[{number}]")
        yield name, value


def _concerned(registry: Registry, types: Sequence[str], codes: Sequence[str]) -> list[str] | None:
    """The types that have one of the parameters, or all that were given; None for all that there are."""
    served = registry.definitions.resource_types
    if unknown := [each for each in types if each not in served]:
        told = f"type is a resource type that the service serves; {len(unknown)} of them are not."
        raise failure("parameter-value", told, "Parameters.parameter")
    if not codes:
        return sorted(types) or None
    having = {code: [each for each in types or served if _has(registry, each, code)] for code in codes}
    if not all(having.values()):
        told = "parameter is the code of a search parameter of the types."
        raise failure("parameter-value", told, "Parameters.parameter")
    return sorted({each for names in having.values() for each in names})


def _has(registry: Registry, resource_type: str, code: str) -> bool:
    return any(parameter.code == code for parameter in registry.indexed(resource_type))


def _told(jobs: Iterable[Job]) -> bytes:
    parameters = [{"name": "job", "part": _parts_of(job)} for job in jobs]
    content: Content = {"resourceType": "Parameters"}
    return codec.encode(content | {"parameter": parameters} if parameters else content)


def _parts_of(job: Job) -> list[dict[str, Any]]:
    instants = {"asked": job.asked_at, "began": job.began_at, "ended": job.ended_at}
    return [
        {"name": "id", "valueString": str(job.id)},
        {"name": "state", "valueCode": job.state},
        *({"name": "type", "valueCode": each} for each in job.types or ()),
        *({"name": "parameter", "valueString": each} for each in job.parameters),
        {"name": "done", "valueDecimal": job.passed},
        {"name": "total", "valueDecimal": max(job.total, job.passed)},
        {"name": "changed", "valueDecimal": job.replaced},
        *({"name": name, "valueInstant": instant_text(each)} for name, each in instants.items() if each),
        *([{"name": "problem", "valueString": job.problem}] if job.problem else []),
    ]
