"""The answers to the check before a session that is refused: they are kept, because what they tell is not undone by it.

A red flag holds the work and is told to the referrer in the commit that stores the answers; were they refused with the
session, nobody would hear of it. They are written as a client would post them by themselves: rules, scopes, sight and
records are those of every write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from service.fhir.interaction import Create
from service.fhir.outcome import FhirError
from service.fhir.questionnaire.answers import RESPONSE
from service.fhir.stamp import new_logical_id
from service.interactions.permission import require_without_limits
from service.interactions.write import WriteRequest, write
from service.loop.reading import seen_episode
from service.massage.cycle.guards.of_work import NOT_STORED, unresolved
from service.massage.cycle.terms import references_in
from service.massage.cycle.view import name_of
from service.massage.screening.mitigation import is_open_absolute

if TYPE_CHECKING:
    from service.fhir.interaction import Context
    from service.fhir.outcome import Issue
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.massage.cycle.view import View

REFUSED_FOR: Final = "guard-safety"
_OF_THE_SERVER: Final = frozenset({"id", "meta"})
_ISSUE: Final = "DetectedIssue"
_KEPT: Final = "The session is not recorded; the answers are kept as {response}."
_LOST: Final = "Nothing was stored: by themselves the answers are refused, too."


class Kept(Struct, frozen=True, kw_only=True):
    """References to the stored answers, and to the contraindications that the session is refused for."""

    response: str
    issues: tuple[str, ...]


def is_of_safety(error: FhirError) -> bool:
    """Whether a session is refused because massage is not safe, or not known to be."""
    return any(issue.code == REFUSED_FOR for issue in error.issues)


async def refusal_with_answers(
    parts: Parts, context: Context, error: FhirError, answers: Content, referral_id: str
) -> FhirError:
    """The refusal of a session, which says what has become of the answers that came with it.

    `answers` name no Encounter that is not stored. FhirError where all may be sent again as it is, a little later.
    """
    try:
        kept = await _kept(parts, context, answers, referral_id, str(error))
    except FhirError as again:
        if again.retry_after_seconds is not None:
            raise
        return FhirError(issues=(*_told(error, None), *again.issues))
    return FhirError(issues=_told(error, kept))


async def _kept(parts: Parts, context: Context, answers: Content, referral_id: str, refused: str) -> Kept:
    """Stores the answers, once however often the session is sent; FhirError where they are refused."""
    before = await _seen(parts, context, referral_id)
    same = (name_of(each) for each in before.of(RESPONSE) if _bare(each) == _bare(answers))
    response = next(same, None) or await _stored(parts, context, answers)
    after = await _seen(parts, context, referral_id)
    issues = (
        name_of(each)
        for each in after.of(_ISSUE)
        if is_open_absolute(each)
        if name_of(each) in refused or response in {after.local(one) for one in references_in(each.get("implicated"))}
    )
    return Kept(response=response, issues=tuple(issues))


async def _stored(parts: Parts, context: Context, answers: Content) -> str:
    create = Create(type=RESPONSE, content=answers)
    require_without_limits(context, create)
    request = WriteRequest(interaction=create, new_id=new_logical_id(context.received_at))
    (written,) = await write(parts, context, [request])
    return f"{RESPONSE}/{written.version.id if written.version else request.new_id}"


async def _seen(parts: Parts, context: Context, referral_id: str) -> View:
    async with parts.store.session() as session:
        return await seen_episode(parts, session, context, referral_id, (_ISSUE, RESPONSE))


def _bare(content: Content) -> Content:
    return {name: value for name, value in content.items() if name not in _OF_THE_SERVER}


def _told(error: FhirError, kept: Kept | None) -> tuple[Issue, ...]:
    """The issues of the refusal, each but once; the first that is of safety comes first and says what is stored."""
    texts: dict[str, Issue] = {}
    for issue in sorted(error.issues, key=lambda each: each.code != REFUSED_FOR):
        texts.setdefault(issue.diagnostics.replace(f" {NOT_STORED}", ""), issue)
    (text, first), *others = texts.items()
    if kept is None:
        told = f"{text} {_LOST}"
    else:
        told = f"{unresolved(kept.issues) if kept.issues else text} {_KEPT.format(response=kept.response)}"
    return (replace(first, diagnostics=told), *(replace(issue, diagnostics=other) for other, issue in others))
