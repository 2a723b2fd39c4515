"""A document Bundle: a Composition that says it all in narratives, and the resources that it is about.

https://hl7.org/fhir/R4/documents.html. References are absolute, so that they are found among the entries whether or not
a resource is stored; what the caller does not see has no entry and is not referred to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.documents.page import narrative
from service.documents.report import care_period
from service.fhir.stamp import instant_text
from service.massage.cycle.terms import reference_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from service.documents.case import Case
    from service.documents.paper import Paper
    from service.fhir.resource import Content

_URN: Final = "urn:ietf:rfc:3986"
_FOLLOWED: Final = frozenset({"PractitionerRole"})
"""The types that say nothing without those that they refer to."""


class Enclosed(Struct, frozen=True, kw_only=True):
    """A resource that is made for the document, or was just filed, under its URL."""

    url: str
    content: Content


def document(
    case: Case, paper: Paper, *, identifier: str, type: Content, is_final: bool, enclosed: Sequence[Enclosed]
) -> Content:
    """The Bundle; `identifier` is a UUID, `enclosed` what the first section refers to beside the paper's own."""
    url = f"urn:uuid:{identifier}"
    composition = _absolute(_composition(case, paper, url, type, enclosed, is_final=is_final), case)
    own = [_absolute(each.content, case) if each.url.startswith("urn:") else each.content for each in enclosed]
    entries = [{"fullUrl": url, "resource": composition}]
    entries += [{"fullUrl": each.url, "resource": content} for each, content in zip(enclosed, own, strict=True)]
    there = {each.url for each in enclosed}
    for name, content in _referred(case, [composition, *own]):
        if (full_url := f"{case.base}/{name}") not in there:
            entries.append({"fullUrl": full_url, "resource": content})
    return {
        "resourceType": "Bundle",
        "identifier": {"system": _URN, "value": url},
        "type": "document",
        "timestamp": instant_text(case.now),
        "entry": entries,
    }


def _composition(
    case: Case, paper: Paper, url: str, type: Content, enclosed: Sequence[Enclosed], *, is_final: bool
) -> Content:
    author = _seen(case, case.clinic)
    listed: dict[str, Any] = {
        "resourceType": "Composition",
        "identifier": {"system": _URN, "value": url},
        "status": "final" if is_final else "preliminary",
        "type": type,
        "date": instant_text(case.now),
        "author": [author or {"display": "The clinic"}],
        "title": paper.title,
        "event": [{"detail": [{"reference": f"ServiceRequest/{case.view.referral_id}"}]}],
        "section": list(_sections(paper, enclosed, case)),
    }
    if subject := _seen(case, case.referral.get("subject")):
        listed["subject"] = subject
    if author and author.get("reference", "").startswith("Organization/"):
        listed["custodian"] = author
    if period := care_period(case):
        listed["event"][0]["period"] = period
    return listed


def _sections(paper: Paper, enclosed: Sequence[Enclosed], case: Case) -> Iterator[Content]:
    for number, section in enumerate(paper.sections):
        listed: dict[str, Any] = {
            "title": section.title,
            "text": {"status": "generated", "div": narrative(section)},
        }
        names = [each.url for each in enclosed] if not number else []
        names += [each for each in section.refers_to if case.view.find(each) is not None]
        if names:
            listed["entry"] = [{"reference": each} for each in names]
        yield listed


def _seen(case: Case, reference: Any) -> dict[str, Any]:
    """The Reference, if what it means is seen; empty else."""
    found = case.view.find(reference_in(reference)) if reference else None
    return {"reference": case.view.local(reference["reference"])} if found is not None else {}


def _absolute(value: Any, case: Case) -> Any:
    """The content with its literal references to resources of this service made absolute."""
    if isinstance(value, dict):
        changed = {name: _absolute(each, case) for name, each in value.items()}
        reference = value.get("reference")
        if isinstance(reference, str) and case.view.find(reference) is not None:
            changed["reference"] = f"{case.base}/{case.view.local(reference)}"
        return changed
    return [_absolute(each, case) for each in value] if isinstance(value, list) else value


def _referred(case: Case, contents: Iterable[Content]) -> Iterator[tuple[str, Content]]:
    """What is referred to, of what is in the view; each once, in the order in which it is named."""
    known: set[str] = set()
    waiting = [name for content in contents for name in _names(content, case)]
    while waiting:
        name = waiting.pop(0)
        found = case.view.find(name)
        if name in known or found is None:
            continue
        known.add(name)
        yield name, found
        if found["resourceType"] in _FOLLOWED:
            waiting += _names(found, case)


def _names(value: Any, case: Case) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(reference := value.get("reference"), str):
            yield case.view.local(reference)
        for each in value.values():
            yield from _names(each, case)
    elif isinstance(value, list):
        for each in value:
            yield from _names(each, case)
