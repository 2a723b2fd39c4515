"""CarePlan/$progress-report: the report back to the referrer, as a document Bundle with HTML and PDF.

By default nothing is stored and the report is preliminary. With `file` it is final: one commit stores the
DiagnosticReport, puts it into the output of the referral's Task and offers it to the referrer by a Communication; the
rules of the loop hold as for everybody who writes these. What is sent again with the `identifier` of a report that is
filed is answered with that one, and nothing is stored.

| what is wrong                                              | status and error code                            |
| ---------------------------------------------------------- | ------------------------------------------------ |
| a parameter is unknown or has not its form, `file` by GET, | 400 `parameter-unknown`, `parameter-value`       |
| an `identifier` of what is not filed                       |                                                  |
| the plan is not there, or not seen                         | 404 `not-found`                                  |
| the scopes do not let the caller read what a report tells  | 403 `forbidden`                                  |
| the plan belongs to no referral                            | 422 `guard-referral`                             |
| it is to be filed, and the referral has no live Task       | 422 `guard-task`                                 |
| it is to be filed, and the final report is filed           | 422 `guard-report`                               |
| the identifier is that of a report that says another thing | 409 `duplicate`                                  |
| the rules do not let the caller file it                    | as for a write of the DiagnosticReport and Task  |
| more documents are asked for than can be made              | 503 `busy`, `timeout`                            |
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.documents.bundle import Enclosed, document
from service.documents.page import page
from service.documents.report import DOCUMENT_TYPES, TITLES, attachment, diagnostic_report, report_paper
from service.fhir import codec
from service.fhir.code_systems import LOINC
from service.fhir.interaction import Answer, Read
from service.fhir.outcome import Category, FhirError, Result, failure
from service.fhir.reference import parse_local
from service.fhir.sight import REFERRAL
from service.fhir.stamp import new_logical_id
from service.interactions.read import read
from service.loop.documentation import HTML, PDF, case_for, episode_for
from service.loop.filed import filed_under, form_of, paper_of
from service.loop.filing import file_report
from service.loop.reading import readable_types
from service.massage.cycle.terms import references_in
from service.operations.parameters import Taken, sent

if TYPE_CHECKING:
    from service.documents.case import Case, Knowledge
    from service.documents.paper import Paper
    from service.documents.press import Press
    from service.documents.report import ReportKind
    from service.fhir.interaction import Context, Operation
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.loop.referrals import Referrals
    from service.massage.cycle.view import View
    from service.store.store import Session

TAKEN: Final = Taken(
    operation="progress-report",
    kinds={"final": "boolean", "recommendation": "text", "file": "boolean", "identifier": "Identifier"},
    repeating=frozenset({"recommendation"}),
)

_PLAN: Final = "CarePlan"
_REPORT: Final = "DiagnosticReport"
_LONGEST: Final = 4_000
"""Characters of a recommendation."""
_REFUSED: Final = frozenset({Category.CONFLICT, Category.PRECONDITION, Category.RULE})
"""What a report may be refused with because another request has just filed it."""


class _Asked(Struct, frozen=True, kw_only=True):
    """Which report, what the clinic recommends, whether it is stored, and under which identifier."""

    kind: ReportKind
    recommendations: list[str]
    is_filed: bool
    identifier: Content | None


class ProgressReport:
    """The operation; a `press` makes the PDF."""

    def __init__(self, knowledge: Knowledge, referrals: Referrals, press: Press) -> None:
        self._knowledge = knowledge
        self._referrals = referrals
        self._press = press

    async def __call__(self, parts: Parts, context: Context, operation: Operation) -> Answer:
        """A document Bundle; FhirError as the table above says."""
        if operation.type != _PLAN or operation.id is None:
            raise failure("operation-unknown", f"$progress-report works on an instance of {_PLAN}.")
        asked = _asked(parts, operation)
        async with parts.store.session() as session:
            plan = await _plan(session, operation.id)
            referral = await self._referral(parts, session, context, plan)
            view = await episode_for(parts, session, context, referral)
        if (before := await self._before(parts, context, asked, view, plan)) is not None:
            return before

        def written() -> tuple[Case, Paper, bytes]:
            case = case_for(parts, context, self._knowledge, view, plan)
            paper = report_paper(case, asked.kind, asked.recommendations)
            return case, paper, page(paper).encode()

        case, paper, html = await asyncio.to_thread(written)
        pdf = await self._press.pdf(paper, case.now)
        title = TITLES[asked.kind]
        forms = [attachment(case, HTML, title, html), attachment(case, PDF, title, pdf)]
        report = diagnostic_report(
            case, asked.kind, asked.recommendations, forms, is_final=asked.is_filed, identifier=asked.identifier
        )
        if asked.is_filed:
            try:
                report = await file_report(parts, context, operation, case, asked.kind, report)
            except FhirError as error:
                if error.category in _REFUSED and (
                    before := await self._filed_meanwhile(parts, context, asked, referral, plan)
                ):
                    return before
                raise
        body = _document(context, case, paper, report, asked)
        return Answer(result=Result.OK, body=codec.encode(body), printed=pdf)

    async def _filed_meanwhile(
        self, parts: Parts, context: Context, asked: _Asked, referral: str, plan: Content
    ) -> Answer | None:
        """The answer to a report that another request has filed under the identifier."""
        if asked.identifier is None:
            return None
        async with parts.store.session() as session:
            view = await episode_for(parts, session, context, referral)
        return await self._before(parts, context, asked, view, plan)

    async def _before(self, parts: Parts, context: Context, asked: _Asked, view: View, plan: Content) -> Answer | None:
        """The document of the report that is stored under the identifier; FhirError duplicate, forbidden."""
        if asked.identifier is None:
            return None
        if not readable_types(context, (_REPORT,)):
            told = f"An identifier takes a scope that reads {_REPORT}, without a limit: it is looked for."
            raise failure("forbidden", told, "http.Authorization")
        report = filed_under(view, asked.identifier, asked.kind, asked.recommendations)
        if report is None:
            return None
        case = await asyncio.to_thread(case_for, parts, context, self._knowledge, view, plan)
        paper = paper_of(case, asked.kind, report)
        pdf = form_of(report, PDF) or await self._press.pdf(paper, case.now)
        return Answer(result=Result.OK, body=codec.encode(_document(context, case, paper, report, asked)), printed=pdf)

    async def _referral(self, parts: Parts, session: Session, context: Context, plan: Content) -> str:
        """The id of the referral that the plan is for; FhirError guard-referral where the caller sees none."""
        named = references_in([*plan.get("supportingInfo", ()), *plan.get("basedOn", ())])
        local = (parse_local(each, context.base, parts.definitions.resource_types) for each in named)
        names = [(each.type, each.id) for each in local if each is not None and each.type == REFERRAL]
        seen = await session.current(list(dict.fromkeys(names)), lock=False) if names else {}
        for name in names:
            version = seen.get(name)
            if (
                version is not None
                and version.content is not None
                and self._referrals.has(codec.decode(version.content))
            ):
                return name[1]
        told = "The plan belongs to no referral here: supportingInfo names none."
        raise failure("guard-referral", told, "CarePlan.supportingInfo")


async def _plan(session: Session, logical_id: str) -> Content:
    version = (await read(session, Read(type=_PLAN, id=logical_id))).version
    content: Content = codec.decode(version.content or b"{}") if version is not None else {}
    return content


def _asked(parts: Parts, operation: Operation) -> _Asked:
    given = sent(operation, TAKEN, parts.validator)
    if given.flag("file") and operation.method == "GET":
        raise failure("parameter-value", "A GET stores nothing; POST file=true in a Parameters.", "http.file")
    recommendations: list[str] = given.all("recommendation")
    if any(len(each) > _LONGEST for each in recommendations):
        told = f"A recommendation has at most {_LONGEST} characters."
        raise failure("parameter-value", told, "http.recommendation")
    kind: ReportKind = "final-report" if given.flag("final") else "progress-report"
    identifier = given.one("identifier")
    if identifier is not None and not (given.flag("file") and identifier.get("system") and identifier.get("value")):
        told = "identifier is that of a report that is filed: it takes file=true, a system and a value."
        raise failure("parameter-value", told, "http.identifier")
    return _Asked(kind=kind, recommendations=recommendations, is_filed=given.flag("file"), identifier=identifier)


def _document(context: Context, case: Case, paper: Paper, report: Content, asked: _Asked) -> Content:
    code, display = DOCUMENT_TYPES[asked.kind]
    made = f"urn:uuid:{new_logical_id(context.received_at)}"
    url = f"{context.base}/{_REPORT}/{report['id']}" if asked.is_filed else made
    return document(
        case,
        paper,
        identifier=new_logical_id(context.received_at),
        type={"coding": [{"system": LOINC, "code": code, "display": display}], "text": TITLES[asked.kind]},
        is_final=asked.is_filed,
        enclosed=(Enclosed(url=url, content=report),),
    )
