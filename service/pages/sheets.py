"""The pages as HTML, made of what was answered; pure, and safe to run in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from msgspec import Struct
from msgspec.structs import replace

from service.fhir import codec
from service.pages import stylesheet, words
from service.pages.case import case_of
from service.pages.elements import Elements, Reader
from service.pages.entries import table_of
from service.pages.headline import Headlines
from service.pages.links import Links
from service.pages.paper import paper_of
from service.pages.refusals import problems_of, title_of
from service.pages.shown import Field, Text
from service.pages.story import story_of
from service.pages.templating import rendered
from service.pages.values import Values
from service.pages.visible import shortened, visible_json
from service.pages.work_list import work_list
from service.pages.work_searches import MOST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

    from service.documents.case import Knowledge
    from service.fhir.definitions import Definitions
    from service.fhir.resource import Content
    from service.massage.screening.rules import Rules
    from service.pages.story import Story
    from service.pages.work_searches import Asked, Found

MOST_JSON: Final = 100_000
"""Characters of JSON that stand on a page."""

_BESIDE: Final = {
    "Patient": (("Referrals", "ServiceRequest"), ("Measurements", "Observation"), ("Visits", "Appointment")),
}
"""Type → searches that its page links to, by ``patient``."""
_TOLD: Final = {
    "CarePlan": (("Progress report", "$progress-report"),),
    "ServiceRequest": (("Outcome summary", "$outcome-summary"), ("For the payer", "$necessity-packet")),
}
"""Type → operations that the page of a referral, or of its plan, links to; none of them stores anything."""
_KINDS: Final = {"ServiceRequest": "Referral", "CarePlan": "Plan"}
"""What types are called in a referral's episode."""
_WHOLE: Final = frozenset({"Patient", "ServiceRequest"})
_OK: Final = 200


class Visited(Struct, frozen=True, kw_only=True):
    """Where a page is: `base` as clients see it, `target` the path and query below it, `now` the present instant."""

    base: str
    target: str
    now: datetime

    @property
    def place(self) -> str:
        """The path below the base, without slashes at its ends."""
        return self.target.partition("?")[0].strip("/")


class _Desk(Struct, frozen=True, kw_only=True):
    """What every page is made with."""

    links: Links
    values: Values
    headlines: Headlines


class Sheets:
    """Makes pages by what is known of the trade, and the safety `rules`.

    `zone` is that of the times on them, `version` the software's; `signs_in`: there is a page to sign in on.
    """

    def __init__(
        self,
        definitions: Definitions,
        knowledge: Knowledge,
        rules: Rules,
        zone: tzinfo,
        version: str,
        *,
        signs_in: bool = False,
    ) -> None:
        self._signs_in = signs_in
        self._rules = rules
        self.types = frozenset(definitions.resource_types)
        self._elements = Elements(definitions)
        self._knowledge = knowledge
        self._terms = words.Terms(knowledge.catalogue)
        self.zone = zone
        self._version = version

    def page(
        self,
        body: bytes,
        content: Content,
        visited: Visited,
        story: tuple[str, bytes] | None,
        note: str,
        patients: Content | None = None,
    ) -> bytes:
        """The page of what an interaction answered; `patients` is a Bundle of those whom a Bundle does not name."""
        type = content.get("resourceType")
        if type == "OperationOutcome":
            return self.outcome(body, content, visited, _OK)
        if type == "Bundle" and content.get("type") == "document":
            desk = self._desk(visited)
            paper = paper_of(content, desk.values, desk.headlines)
            return self._rendered("paper.html", visited, title=paper.title, paper=paper, json=_json(body))
        if type == "Bundle":
            return self._bundle(body, content, visited, patients)
        return self._resource(body, content, visited, story, note)

    def outcome(self, body: bytes, content: Content, visited: Visited, status: int) -> bytes:
        """The page of an OperationOutcome that was answered with this status."""
        title = title_of(status)
        shown = {"status": status if status != _OK else 0, "problems": problems_of(content)}
        return self._rendered("outcome.html", visited, title=title, json=_json(body), **shown)

    def too_large(self, visited: Visited) -> bytes:
        """The page of an answer that is too large for one."""
        return self._rendered("too_large.html", visited, title="Too large for a page")

    def work_list(self, found: Found, asked: Asked, visited: Visited, notes: Sequence[str]) -> bytes:
        """The page of a work list, from what its searches answered."""
        desk = self._desk(visited)
        made = work_list(found, asked, desk.values, desk.headlines, visited.now, self._rules)
        shown = {"made": made, "clinic": asked.clinic, "notes": notes, "most": MOST}
        target = visited.target.partition("?")[0].removesuffix("worklist") + made.search
        return self._rendered("work_list.html", replace(visited, target=target), title="Work list", **shown)

    def _bundle(self, body: bytes, content: Content, visited: Visited, patients: Content | None) -> bytes:
        desk = self._desk(visited)
        table = table_of(content, desk.values, desk.headlines, patients)
        title = f"{table.title}: {visited.place}" if visited.place else table.title
        return self._rendered("bundle.html", visited, title=title, table=table, json=_json(body))

    def _resource(
        self, body: bytes, content: Content, visited: Visited, story: tuple[str, bytes] | None, note: str
    ) -> bytes:
        desk = self._desk(visited)
        told = self._told(story, desk, visited)
        reader = Reader(self._elements, desk.values)
        fields = reader.fields(content)
        type, logical_id = str(content.get("resourceType", "")), str(content.get("id", ""))
        title = desk.headlines.of(content)
        kind = _KINDS.get(type, words.label(type)) if told else words.label(type)
        actions = self._actions(type, logical_id, desk.links, has_story=told is not None)
        if told is not None and told.report and type not in ("", "CarePlan"):
            actions.append(("Progress report", told.report))
        if type == "Parameters" and not logical_id:
            kind, title, actions = _answered(visited.place, desk.links)
        return self._rendered(
            "resource.html",
            visited,
            title=f"{kind}: {title}",
            headline=title,
            kind=kind,
            id=logical_id,
            state=desk.headlines.state(content),
            facts=_facts(content, desk.values),
            actions=actions,
            story=told,
            note=note,
            fields=fields,
            is_complete=reader.is_complete,
            json=_json(body),
        )

    def _told(self, story: tuple[str, bytes] | None, desk: _Desk, visited: Visited) -> Story | None:
        if story is None:
            return None
        case = case_of(story[1], story[0], visited.base, self.types)
        desk.values.called = desk.headlines.namer(case.view.find)
        return story_of(case, self._knowledge, desk.values, desk.headlines, visited.now, self._rules)

    def _actions(self, type: str, logical_id: str, links: Links, *, has_story: bool) -> list[tuple[str, str]]:
        """Where one may go from the page of a resource that is stored, as (name, address)."""
        if type not in self.types or not logical_id:
            return []
        found = [("History", links.to(type, logical_id, "_history"))]
        if type in _WHOLE:
            found.append(("Everything", links.to(type, logical_id, "$everything")))
        for name, operation in _TOLD.get(type, ()) if has_story else ():
            found.append((name, links.to(type, logical_id, operation)))
        for name, other in _BESIDE.get(type, ()):
            found.append((name, links.to(other, query=urlencode({"patient": f"{type}/{logical_id}"}))))
        return found

    def _desk(self, visited: Visited) -> _Desk:
        links = Links(visited.base, self.types)
        values = Values(links, self._terms, self.zone)
        return _Desk(links=links, values=values, headlines=Headlines(values))

    def _rendered(self, template: str, visited: Visited, **shown: Any) -> bytes:
        links = Links(visited.base, self.types)
        return rendered(
            template,
            links=links,
            stylesheet=f"{links.above}/assets/{stylesheet.name()}",
            sign_in=f"{links.above}/sign-in" if self._signs_in else "",
            icon=f"{links.above}/assets/swagger-ui/favicon-32x32.png",
            as_json=_as_json(links, visited.target),
            version=self._version,
            zone=str(self.zone),
            **shown,
        )


def _answered(place: str, links: Links) -> tuple[str, str, list[tuple[str, str]]]:
    """What the page of an operation's answer is of, what it is called, and the way back to that of the resource."""
    of, _, name = place.rpartition("$")
    segments = of.strip("/").split("/")
    called = _KINDS.get(segments[0], words.label(segments[0])) or "Answer"
    back = links.reference("/".join(segments))
    return called, words.label(name.replace("-", " ")), [(called, back)] if back else []


def _facts(content: Content, values: Values) -> list[Field]:
    """What the head of a resource's page says of it."""
    meta = content.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    found: list[tuple[str, list[Text]]] = [("Id", [Text(text=str(content["id"]))])] if "id" in content else []
    if "versionId" in meta:
        found.append(("Version", [Text(text=str(meta["versionId"]))]))
    if "lastUpdated" in meta:
        found.append(("Last changed", [values.moment(str(meta["lastUpdated"]))]))
    profiles = [values.primitive(each, "canonical", ("StructureDefinition",)) for each in meta.get("profile", ())]
    tags = [values.text(each, "Coding") for each in (*meta.get("tag", ()), *meta.get("security", ()))]
    found += [("Profile", profiles), ("Tags", tags)]
    return [Field(label=label, values=tuple(shown)) for label, shown in found if shown]


def _json(body: bytes) -> tuple[str, bool]:
    """The JSON of an answer for a person, and whether it was cut."""
    text = codec.encode_pretty(body).decode("utf-8", "replace")
    return visible_json(shortened(text, MOST_JSON)), len(text) > MOST_JSON


def _as_json(links: Links, target: str) -> str:
    """The address of the same answer as JSON."""
    path, _, query = target.partition("?")
    pairs = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in ("_format", "_pretty")]
    return links.below(path) + f"?{urlencode([*pairs, ('_format', 'json'), ('_pretty', 'true')])}"
