"""What create, update, patch and delete share: the resource they act on, preconditions, and the change they come to."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir import codec
from service.fhir.interaction import Create, Delete, Update
from service.fhir.links import Links, conditional_references
from service.fhir.outcome import FhirError, Issue, Result, failure
from service.fhir.resource import LOGICAL_ID, Version
from service.fhir.search.contained import CONTAINED_KINDS
from service.fhir.stamp import next_instant, stamped
from service.fhir.summary import SUBSETTED
from service.interactions.ownership import refuse_owned
from service.interactions.profiles import asker_of
from service.interactions.sight import owned, refuse_turned_role
from service.store.change import EVERY_KIND, Change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from service.fhir.bundle_plan import Write
    from service.fhir.interaction import Context, IfMatch
    from service.fhir.resource import Content, Method
    from service.fhir.search.extract import IndexRows
    from service.interactions.parts import Parts

_CONTAINS: Final = b'"contained":'


class Target(Struct, frozen=True, kw_only=True, dict=True):
    """The resource that a write acts on: its latest version, or None where there never was one.

    `matched` tells that criteria found it. `links` and `full_url` are those of the Bundle, if there is one.
    """

    type: str
    id: str
    previous: Version | None
    matched: bool = False
    links: Links | None = None
    full_url: str | None = None
    where: str = ""

    @property
    def exists(self) -> bool:
        """Whether there is a version and it is not a tombstone."""
        return self.previous is not None and not self.previous.deleted

    @property
    def content(self) -> bytes | None:
        """The content of the previous version as it is stored, None where there is none."""
        return None if self.previous is None else self.previous.content

    @cached_property
    def before(self) -> Content | None:
        """The decoded content of the previous version, None where there is none."""
        if self.previous is None or self.previous.content is None:
            return None
        content: Content = codec.decode(self.previous.content)
        return content

    def linked(self, content: Content) -> Content:
        """The content with the links of the Bundle resolved."""
        return content if self.links is None else self.links.resolved(content, self.full_url, self.where)


class Written(Struct, frozen=True, kw_only=True):
    """What a write came to; `change` is None when nothing has to be stored; `is_owned` as of an `Addition`."""

    result: Result
    version: Version | None
    change: Change | None = None
    content: Content | None = None
    issues: tuple[Issue, ...] = ()
    is_owned: bool = True


def links_of(
    parts: Parts, interactions: Sequence[Write], targets: Sequence[Target | None], references: Mapping[str, str]
) -> Links:
    """The links of a Bundle with these entries; none leads to what the Bundle deletes."""
    linked = [
        (target.full_url, target, isinstance(interaction, Create))
        for interaction, target in zip(interactions, targets, strict=True)
        if target and target.full_url and not isinstance(interaction, Delete)
    ]
    return Links(
        targets={full_url: f"{target.type}/{target.id}" for full_url, target, _ in linked},
        made={url: each.previous.version_id if each.previous else 1 for url, each, is_made in linked if is_made},
        conditional=references,
        places=parts.link_map,
    )


def changed(parts: Parts, context: Context, target: Target, content: Content, method: Method) -> Written:
    """A new version of the target with this content, which must be valid; FhirError service-owned, forbidden."""
    refuse_owned(target, content)
    refuse_turned_role(parts, target, content)
    if (target.links is not None or method == "PATCH") and (issues := profile_issues(parts, content)):
        raise FhirError(issues=issues)  # what is referred to is known, what is patched is here, only now
    return versioned(parts, context, target, content, method)


def versioned(parts: Parts, context: Context, target: Target, content: Content, method: Method) -> Written:
    """`changed` for whoever may write what is the service's own."""
    version_id, last_updated = _next(context, target)
    complete = stamped(content, logical_id=target.id, version_id=version_id, last_updated=last_updated)
    version = Version(
        type=target.type,
        id=target.id,
        version_id=version_id,
        last_updated=last_updated,
        method=method,
        content=codec.encode(complete),
    )
    rows = parts.extractor.rows(target.type, complete, context.base)
    if version.content and b"?" in version.content:
        _refuse_conditional_references(complete, context.base)
    change = Change(version=version, rows=rows, stale=_stale(parts, context, target, rows))
    if version_id == 1:
        change = owned(parts, change)
    result = Result.OK if target.exists else Result.CREATED
    return Written(result=result, version=version, change=change, content=complete)


def deleted(context: Context, target: Target) -> Written:
    """A tombstone for a target that exists; FhirError service-owned."""
    refuse_owned(target)
    version_id, last_updated = _next(context, target)
    version = Version(
        type=target.type, id=target.id, version_id=version_id, last_updated=last_updated, method="DELETE", content=None
    )
    before = target.previous.content if target.previous else None
    stale: frozenset[Any] = EVERY_KIND | CONTAINED_KINDS if before and _CONTAINS in before else EVERY_KIND
    return Written(result=Result.DELETED, version=version, change=Change(version=version, stale=stale))


def unchanged(target: Target) -> Written:
    """The target as it is: nothing to store."""
    return Written(result=Result.OK, version=target.previous)


def content_issues(parts: Parts, interaction: Create | Update) -> list[Issue]:
    """Why the content cannot be stored where the interaction puts it; empty when it can."""
    return (
        _identity_issues(interaction)
        or parts.validator.issues(interaction.content, interaction.type)
        or profile_issues(parts, interaction.content)
        or _subset_issues(interaction)
    )


def profile_issues(parts: Parts, content: Content) -> list[Issue]:
    """What valid content breaks of the profiles that it claims; NotLookedUpError where they have to be looked up."""
    if parts.profiles is None or "profile" not in content.get("meta", ()):
        return []
    return parts.profiles.issues(content, asker=asker_of(parts))


def require_version(parts: Parts, if_match: IfMatch, target: Target) -> None:
    """FhirError version-conflict unless If-Match names the current version, version-required if it must be sent."""
    if not if_match:
        if parts.limits.require_if_match and target.exists:
            told = "This service changes a resource only with If-Match: read it and send its ETag back."
            raise failure("version-required", told, "http.If-Match")
        return
    if not target.exists or target.previous is None:
        raise failure("version-conflict", "If-Match was sent, but there is no current version.", "http.If-Match")
    if "*" not in if_match and str(target.previous.version_id) not in if_match:
        raise failure(
            "version-conflict",
            f'The current version is W/"{target.previous.version_id}"; read it and apply the change to it.',
            "http.If-Match",
        )


def require_logical_id(logical_id: str) -> None:
    """FhirError id-invalid unless the id has R4's form."""
    if LOGICAL_ID.fullmatch(logical_id) is None or logical_id in (".", ".."):
        told = "A logical id has 1 to 64 characters out of A-Z a-z 0-9 - and .; no URL can address . and .. alone."
        raise failure("id-invalid", told, "Resource.id")


def _refuse_conditional_references(content: Content, base: str) -> None:
    for reference in conditional_references(content, base):
        told = "A reference by criteria (Type?name=value) works in transactions only; name the resource."
        raise failure("reference-invalid", told, f"{content['resourceType']}.{reference.path}")


def _stale(parts: Parts, context: Context, target: Target, rows: IndexRows) -> frozenset[Any]:
    """The kinds of index rows that are not the same as those of the previous version, so that others may stay."""
    if target.previous is None or target.before is None:
        return EVERY_KIND.union(rows)
    before = parts.extractor.rows(target.type, target.before, context.base)
    return frozenset(kind for kind in {*before, *rows} if set(before.get(kind, [])) != set(rows.get(kind, [])))


def _next(context: Context, target: Target) -> tuple[int, datetime]:
    previous = target.previous
    if previous is None:
        return 1, next_instant(context.received_at, None)
    return previous.version_id + 1, next_instant(context.received_at, previous.last_updated)


def _identity_issues(interaction: Create | Update) -> list[Issue]:
    content = interaction.content
    if content.get("resourceType") != interaction.type:
        return [Issue(code="type-mismatch", diagnostics=f"resourceType must be {interaction.type}, as the URL says.")]
    if isinstance(interaction, Update) and isinstance(interaction.target, str):
        sent = content.get("id")
        if sent != interaction.target:
            diagnostics = "An update must carry the id of its URL" + ("." if sent is None else "; it carries another.")
            return [Issue(code="id-mismatch", diagnostics=diagnostics, expression=(f"{interaction.type}.id",))]
    return []


def _subset_issues(interaction: Create | Update) -> list[Issue]:
    """A part of a resource, as ``_summary`` and ``_elements`` return it, must not replace the whole."""
    if not isinstance(interaction, Update):
        return []
    tags = interaction.content.get("meta", {}).get("tag", ())
    if not any(SUBSETTED.items() <= tag.items() for tag in tags):
        return []
    told = "The content is a part of the resource (SUBSETTED); read the whole, without _summary and _elements."
    return [Issue(code="resource-subsetted", diagnostics=told, expression=(f"{interaction.type}.meta.tag",))]
