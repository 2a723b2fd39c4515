"""What the EHR knows of the patient: prefetched, or fetched from its FHIR server with the token that it lends.

https://cds-hooks.hl7.org/2.0/#providing-fhir-resources-to-a-cds-service. Requests go out through `service.outgoing`:
to public addresses only, redirects refused, in little time. What could not be read is named, never taken for nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from msgspec import Struct

from service.cds.call import names_another, resources_in
from service.cds.hooks import ESSENTIAL, PREFETCH, type_of
from service.fhir.outcome import FhirError, failure
from service.massage.screening.record import PatientRecord, record_of
from service.outgoing.error import OutgoingError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.cds.call import Call, Server
    from service.fhir.resource import Content
    from service.outgoing.fetch import Fetch

FETCHING_SECONDS: Final = 3.0
"""All that is fetched together; CDS Hooks wants an answer within half a second, an EHR waits a little longer."""

MOST_PAGES: Final = 5
_FHIR_JSON: Final = "application/fhir+json"
_CONTAINERS: Final = ("Bundle", "OperationOutcome")


class PatientData(Struct, frozen=True, kw_only=True):
    """The record for the screening, and the patient's referrals for massage; `size` is how many resources they are."""

    record: PatientRecord
    referrals: tuple[Content, ...]
    size: int


class _Part(Struct, frozen=True):
    """What there is under one prefetch key; not `is_whole` where there may be more."""

    resources: tuple[Content, ...]
    is_whole: bool
    next: str | None = None


_UNREAD: Final = _Part((), is_whole=False)


async def patient_data(call: Call, fetch: Fetch) -> PatientData:
    """What the templates ask for, as far as it can be had; FhirError prefetch-required without conditions."""
    parts: dict[str, _Part] = {key: _prefetched(value, key) for key, value in call.prefetch.items()}
    missing = [key for key in PREFETCH if key not in parts or parts[key].next]
    problem = ""
    if missing and call.server is not None and call.server.token is not None:
        fetched, problem = await _fetched(call, call.server, {key: parts.get(key) for key in missing}, fetch)
        parts |= fetched
    essential = parts.get(ESSENTIAL)
    if essential is None or (not essential.is_whole and not essential.resources):
        told = f"Send the prefetch key {ESSENTIAL}, or fhirServer with a token that may read {type_of(ESSENTIAL)}."
        raise failure("prefetch-required", f"{told} {problem}".strip(), f"prefetch.{ESSENTIAL}")
    referrals = parts.pop("referrals", _UNREAD)
    unread = [type_of(key) for key in PREFETCH if key != "referrals" and not parts.get(key, _UNREAD).is_whole]
    drafted = [_as_ordered(each) for each in call.drafts if each["resourceType"] == "MedicationRequest"]
    resources = [*(resource for part in parts.values() for resource in part.resources), *drafted]
    return PatientData(
        record=record_of(resources, unread=dict.fromkeys(unread)),
        referrals=referrals.resources,
        size=len(resources) + len(referrals.resources),
    )


def _as_ordered(draft: Content) -> Content:
    """A medication that is being ordered along with the massage, as one that is taken."""
    return {**draft, "status": "active"}


def _prefetched(value: Any, key: str) -> _Part:
    """What was sent under a key: null is known to be nothing, an OperationOutcome is not known."""
    if value is None:
        return _Part((), is_whole=True)
    return _part(value, f"prefetch.{key}")


def _part(content: Content, place: str) -> _Part:
    resource_type = content["resourceType"]
    if resource_type == "OperationOutcome":
        return _UNREAD
    resources = resources_in(content, place) if resource_type == "Bundle" else (content,)
    is_whole = all(each["resourceType"] != "OperationOutcome" for each in resources)
    following = _following(content)
    return _Part(resources, is_whole=is_whole and following is None, next=following)


def _following(bundle: Content) -> str | None:
    links = bundle.get("link")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("relation") == "next" and isinstance(link.get("url"), str):
            return str(link["url"])
    return None


async def _fetched(
    call: Call, server: Server, missing: dict[str, _Part | None], fetch: Fetch
) -> tuple[dict[str, _Part], str]:
    """What could be fetched of the missing parts, with a sentence about what went wrong, if anything did."""
    tasks = {key: asyncio.ensure_future(_read(call, server, key, part, fetch)) for key, part in missing.items()}
    try:
        await asyncio.wait(tasks.values(), timeout=FETCHING_SECONDS)
    finally:
        for task in tasks.values():
            task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    found: dict[str, _Part] = {}
    problem = ""
    for key, task in tasks.items():
        failed = None if task.cancelled() else task.exception()
        if not task.cancelled() and failed is None:
            found[key] = task.result()
        elif key == ESSENTIAL:
            problem = str(failed) if isinstance(failed, OutgoingError) else _TOO_LATE
        if failed is not None and not isinstance(failed, OutgoingError):
            raise failed
    return found, problem


_TOO_LATE: Final = f"There was no answer within {FETCHING_SECONDS:g} seconds."


async def _read(call: Call, server: Server, key: str, begun: _Part | None, fetch: Fetch) -> _Part:
    """Every page of a search, from where the prefetch ended; OutgoingError."""
    query = PREFETCH[key].replace("{{context.patientId}}", call.patient)
    url: str | None = begun.next if begun else f"{server.base}/{query}"
    resources = begun.resources if begun else ()
    for _ in range(MOST_PAGES):
        if url is None:
            return _Part(resources, is_whole=True)
        if not _is_below(server.base, url):
            break
        document = await fetch(url, authorization=f"Bearer {server.token}", accept=_FHIR_JSON)
        page = _checked(document.content, call.patient)
        resources += page.resources
        if not page.is_whole and page.next is None:
            break
        url = page.next
    return _Part(resources, is_whole=False)


def _is_below(base: str, url: str) -> bool:
    """Whether a page is the server's own: the token is for nobody else, nor for what else there is on the host."""
    path = url.partition("?")[0]
    return path == base or (path.startswith(f"{base}/") and ".." not in unquote(path).split("/"))


def _checked(content: Any, patient: str) -> _Part:
    """A page of the EHR's answer; OutgoingError where it is not one, or about somebody else."""
    if not isinstance(content, dict) or content.get("resourceType") not in _CONTAINERS:
        raise OutgoingError("The FHIR server's answer is not a Bundle.")
    try:
        page = _part(content, "Bundle")
    except FhirError as error:
        raise OutgoingError("The FHIR server's answer is misshapen.") from error
    if _is_about_others(page.resources, patient):
        raise OutgoingError("The FHIR server's answer is about another patient.")
    return page


def _is_about_others(resources: Iterable[Content], patient: str) -> bool:
    return any(names_another(each, patient) for each in resources)
