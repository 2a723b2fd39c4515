"""A Bundle as a table: what was found, or what a resource has been."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.pages import words
from service.pages.shown import Text

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.pages.headline import Headlines
    from service.pages.values import Values

MOST: Final = 200
"""Rows of a table; the JSON has the rest."""

_TITLES: Final = {
    "searchset": "Search",
    "history": "History",
    "batch-response": "Answers of a batch",
    "transaction-response": "Answers of a transaction",
}
_METHODS: Final = {"POST": "created", "PUT": "updated", "PATCH": "changed", "DELETE": "deleted"}
_SUBJECTS: Final = ("subject", "patient", "for")
_PATIENT: Final = "Patient/"
_A_PATIENT: Final = re.compile(r"Patient/[A-Za-z0-9.-]{1,64}")
_RELATIONS: Final = (("first", "First page"), ("previous", "Previous page"), ("next", "Next page"))


class Row(Struct, frozen=True, kw_only=True):
    """An entry, and whom it is `about`; `is_beside`: it goes with a match; `version` None outside of histories."""

    what: Text
    about: Text
    type: str
    state: str
    date: str
    changed: Text
    is_beside: bool = False
    version: Text | None = None


class Table(Struct, frozen=True, kw_only=True):
    """The entries of a Bundle, what goes with them `beside`, notices, and links to other pages as (name, address).

    `has_types`: they are of several types.
    """

    title: str
    kind: str
    rows: tuple[Row, ...]
    beside: tuple[Row, ...]
    has_types: bool
    notices: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    total: str
    is_cut: bool


def unnamed(bundle: Content, base: str) -> list[str]:
    """The ids of the patients whom the rows of a table are about, and of whom the Bundle tells no more than that."""
    entries = [each for each in bundle.get("entry", ())[:MOST] if isinstance(each, dict)]
    contents = [each["resource"] for each in entries if isinstance(each.get("resource"), dict)]
    named = {_patient_of(each, base) for each in contents} - _patients(entries).keys()
    return sorted(each.removeprefix(_PATIENT) for each in named if each)


def table_of(bundle: Content, values: Values, headlines: Headlines, patients: Content | None = None) -> Table:
    """The table of a Bundle of any type; `patients` is one of those whom it does not name itself."""
    kind = str(bundle.get("type", ""))
    entries = [each for each in bundle.get("entry", ()) if isinstance(each, dict)]
    outcomes = [each for each in entries if each.get("search", {}).get("mode") == "outcome"]
    shown = [each for each in entries if each not in outcomes] if outcomes else entries
    beside = (patients or {}).get("entry", ())
    values.called = headlines.namer((_patients(beside) | _patients(entries)).get)
    rows = tuple(_row(each, kind, values, headlines) for each in shown[:MOST])
    links = {
        str(each.get("relation")): str(each.get("url")) for each in bundle.get("link", ()) if isinstance(each, dict)
    }
    notices = [
        str(issue.get("diagnostics", "")) for each in outcomes for issue in each.get("resource", {}).get("issue", ())
    ]
    return Table(
        title=_TITLES.get(kind, words.label(kind) if kind else "Bundle"),
        kind=kind,
        rows=tuple(each for each in rows if not each.is_beside),
        beside=tuple(each for each in rows if each.is_beside),
        has_types=len({each.type for each in rows if not each.is_beside}) > 1,
        notices=tuple(notices),
        links=tuple((text, href) for name, text in _RELATIONS if (href := values.links.own(links.get(name, "")))),
        total=str(bundle.get("total", "")),
        is_cut=len(shown) > MOST,
    )


def _row(entry: Content, kind: str, values: Values, headlines: Headlines) -> Row:
    content = entry.get("resource")
    content = content if isinstance(content, dict) else {}
    reference = _reference(entry, content, values)
    type = str(content.get("resourceType") or reference.partition("/")[0])
    meta = content.get("meta", {})
    changed = entry.get("response", {}).get("lastModified") or meta.get("lastUpdated", "")
    named = headlines.of(content) if content else reference or str(entry.get("fullUrl", ""))
    href = values.links.reference(reference)
    return Row(
        about=_about(content, values),
        what=Text(text=named, href="" if kind == "history" and not content else href),
        type=type,
        state=headlines.state(content),
        date=headlines.date(content),
        changed=values.moment(str(changed)) if changed else Text(text=""),
        is_beside=entry.get("search", {}).get("mode") == "include",
        version=_version(entry, reference, meta, values) if kind == "history" else None,
    )


def _patients(entries: list[Content]) -> dict[str, Content]:
    """The patients who were found, or go with what was, by ``Patient/id``."""
    found = [each["resource"] for each in entries if isinstance(each.get("resource"), dict)]
    return {f"{_PATIENT}{each.get('id', '')}": each for each in found if each.get("resourceType") == "Patient"}


def _patient_of(content: Content, base: str) -> str:
    """``Patient/id`` of whom a resource is about; empty where it is about nobody, or says the name itself."""
    subject: Content = next((content[name] for name in _SUBJECTS if isinstance(content.get(name), dict)), {})
    reference = str(subject.get("reference", "")).removeprefix(f"{base}/")
    return reference if _A_PATIENT.fullmatch(reference) and not subject.get("display") else ""


def _about(content: Content, values: Values) -> Text:
    named = next((content[name] for name in _SUBJECTS if isinstance(content.get(name), dict)), None)
    if named is None:
        return Text(text="")
    told = values.reference(named)
    return Text(text=told.text, href=told.href)


def _reference(entry: Content, content: Content, values: Values) -> str:
    """``Type/id`` of an entry: by its full URL where that is ours, else by the resource; empty without any."""
    full = str(entry.get("fullUrl", ""))
    local = full.removeprefix(f"{values.links.base}/")
    if local != full:
        return local
    if full and content.get("id") and not full.startswith("urn:"):
        return ""
    request = entry.get("request", {}).get("url", "")
    known = f"{content['resourceType']}/{content['id']}" if {"resourceType", "id"} <= content.keys() else ""
    return known or str(request if request.count("/") == 1 and "?" not in request else "")


def _version(entry: Content, reference: str, meta: Any, values: Values) -> Text:
    method = str(entry.get("request", {}).get("method", ""))
    number = str(meta.get("versionId", "")) if isinstance(meta, dict) else ""
    number = number or str(entry.get("response", {}).get("etag", "")).removeprefix('W/"').removesuffix('"')
    href = values.links.reference(f"{reference}/_history/{number}") if number and method != "DELETE" else ""
    return Text(text=f"Version {number}" if number else "Version", href=href, note=_METHODS.get(method, method))
