"""The envelope of a batch or transaction: everything in the Bundle but the entries' resources, by R4's own rules.

The resources are validated where they are written; a misspelt `ifNoneExist` must not create what was there already.
Nearly all envelopes are *plain*: they hold nothing but what the classes below name, in visible ASCII. Such a one keeps
every rule of R4, which is cheap to see; any other is left to the validator, which also says what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from service.fhir.outcome import FhirError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.resource import Content
    from service.interactions.parts import Parts

_Text = Annotated[str, Meta(min_length=1, max_length=8192)]


class _PlainRequest(Struct, rename="camel", forbid_unknown_fields=True):
    method: Literal["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]
    url: _Text
    if_none_match: _Text = ""
    if_match: _Text = ""
    if_none_exist: _Text = ""


class _PlainEntry(Struct, rename="camel", forbid_unknown_fields=True):
    request: _PlainRequest
    full_url: _Text = ""
    resource: Any = None


class _PlainBundle(Struct, rename="camel", forbid_unknown_fields=True):
    resource_type: Literal["Bundle"]
    type: Literal["batch", "transaction"]
    entry: Annotated[list[_PlainEntry], Meta(min_length=1)]


def check_envelope(parts: Parts, bundle: Content, entries: Sequence[Any]) -> None:
    """FhirError with every rule that the envelope breaks, for these of its entries."""
    if entries and is_plain(bundle):
        return
    envelope = {name: value for name, value in bundle.items() if name != "entry"}
    if entries:
        envelope["entry"] = [_without_resource(entry) for entry in entries]
    elif bundle.get("entry") == []:
        envelope["entry"] = []
    if issues := parts.validator.issues(envelope, "Bundle"):
        raise FhirError(issues=issues)


def check_entry(parts: Parts, entry: Any, where: str) -> None:
    """The same for one entry of a batch; issues point below `where`."""
    envelope = {"resourceType": "Bundle", "type": "batch", "entry": [_without_resource(entry)]}
    if is_plain(envelope):
        return
    if issues := parts.validator.issues(envelope, "Bundle"):
        raise FhirError(
            issues=[
                replace(issue, expression=tuple(path.replace("Bundle.entry[0]", where, 1) for path in issue.expression))
                for issue in issues
            ]
        )


def is_plain(bundle: Content) -> bool:
    """Whether the envelope is seen to be valid without the validator; never true of one that is not."""
    try:
        entries = msgspec.convert(bundle, _PlainBundle).entry
    except msgspec.ValidationError:
        return False
    texts = "".join([text for entry in entries for text in _texts(entry)])
    full_urls = [entry.full_url for entry in entries if entry.full_url]
    return (
        (texts.isascii() and texts.isprintable() and " " not in texts)  # a uri as much as a string
        and len(set(full_urls)) == len(full_urls)  # bdl-7
        and "/_history/" not in texts  # bdl-8
    )


def _texts(entry: _PlainEntry) -> tuple[str, ...]:
    request = entry.request
    return entry.full_url, request.url, request.if_none_match, request.if_match, request.if_none_exist


def _without_resource(entry: Any) -> Any:
    return {name: value for name, value in entry.items() if name != "resource"} if isinstance(entry, dict) else entry
