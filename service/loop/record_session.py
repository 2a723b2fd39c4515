"""CarePlan/{id}/$record-session: one session in one call and one commit.

It makes a transaction of what it is told and hands it to the interaction of that name: what the rules of the loop,
scopes and sight say of it is what they say to a client that posts the pieces by itself.

| what is wrong                                                      | status and error code                           |
| ------------------------------------------------------------------ | ----------------------------------------------- |
| a parameter is missing, unknown, or has not its form               | 400 `parameter-required`, `parameter-value` ... |
| a rating of pain is none                                           | 422 `outcome-invalid`                           |
| plan, encounter or appointment are not there, or not seen          | 404 `not-found`                                 |
| they belong to another referral, or the plan to none               | 422 `guard-plan`, `guard-visits`                |
| the scopes do not let the caller write one of the pieces           | 403 `forbidden`                                 |
| the session lies in the future                                     | 422 `time-ahead`                                |
| the life cycles refuse it: too many, too long, at the same time as | 422 `guard-visits`, `guard-plan`,               |
| another, no licence, no goal, an open contraindication ...         | `guard-safety`, `guard-therapist` ...           |
| the same for reasons of safety, with answers to a check            | 422 `guard-safety`; the answers are stored      |
| the identifier is that of a session that says something else       | 409 `duplicate`                                 |
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from service.fhir import codec
from service.fhir.bundle_plan import bundle_entries
from service.fhir.interaction import Answer, Read
from service.fhir.outcome import Category, FhirError, Result, failure
from service.fhir.reference import parse_local
from service.fhir.sight import REFERRAL
from service.fhir.stamp import new_logical_id
from service.interactions.read import read
from service.loop.door import stored_by
from service.loop.episode import decoded
from service.loop.kept import is_of_safety, refusal_with_answers
from service.loop.reading import seen_episode
from service.loop.recorded import answer_of, parameters_of, same_session, translated
from service.loop.session_given import TAKEN, Telling
from service.massage.cycle.terms import references_in
from service.massage.session import Surrounding, drafts
from service.operations.parameters import sent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.interaction import Context, Operation
    from service.fhir.resource import Content, Version
    from service.interactions.parts import Parts
    from service.loop.referrals import Referrals
    from service.massage.catalogue.rows import Catalogue
    from service.massage.session import Drafts, Given
    from service.operations.parameters import Sent
    from service.store.store import Session

    Name = tuple[str, str]

_TYPE: Final = "CarePlan"
_VISITS: Final = {"encounter": "Encounter", "appointment": "Appointment"}
_OF_SESSIONS: Final = ("Appointment", "Encounter", "Observation", "Procedure", "QuestionnaireResponse")
_REFUSED: Final = frozenset({Category.CONFLICT, Category.PRECONDITION, Category.RULE})
"""What a session may be refused with because it is recorded already."""
_NO_RULES: Final = "Sessions are recorded where the rules for referrals are on; post the pieces as plain FHIR instead."


class RecordSession:
    """The operation, by the codes of a catalogue."""

    def __init__(self, catalogue: Catalogue, referrals: Referrals) -> None:
        self._telling = Telling(catalogue, (*_VISITS.values(), "Practitioner", "PractitionerRole"))
        self._referrals = referrals

    async def __call__(self, parts: Parts, context: Context, operation: Operation) -> Answer:
        """Parameters that name what was made; FhirError as the table above says."""
        if operation.type != _TYPE or operation.id is None:
            raise failure("operation-unknown", f"$record-session works on an instance of {_TYPE}.")
        if operation.method != "POST":
            told = "$record-session writes: POST its parameters in a Parameters resource."
            raise failure("not-allowed", told, "http.method", allowed_methods=("POST",))
        if parts.rules is None:
            raise failure("not-supported", _NO_RULES)
        asked = sent(operation, TAKEN, parts.validator)
        given = self._telling.given(asked, context.base)
        around, versions = await self._around(parts, context, operation.id, asked)
        drafted = drafts(given, around)
        bundle, parts_played = drafted.bundle(
            lambda: f"urn:uuid:{new_logical_id(context.received_at)}", partial(_etag, versions)
        )
        try:
            made = await stored_by(parts, context, operation, bundle)
        except FhirError as error:
            refused = error.category in _REFUSED
            before = await _recorded(parts, context, given, around, drafted) if refused else None
            if before is not None:
                return before
            refusal = translated(error, bundle_entries(bundle, most=len(bundle["entry"])))
            answers = drafted.answers(around)
            if answers is not None and is_of_safety(refusal):
                named = around.referral.partition("/")[2]
                refusal = await refusal_with_answers(parts, context, refusal, answers, named)
            raise refusal from error
        return Answer(result=Result.OK, body=codec.encode(answer_of(made, parts_played)))

    async def _around(
        self, parts: Parts, context: Context, plan_id: str, asked: Sent
    ) -> tuple[Surrounding, Mapping[Name, Version]]:
        """What the session belongs to, as the caller sees it; FhirError not-found, guard-plan, guard-visits."""
        async with parts.store.session() as session:
            version = (await read(session, Read(type=_TYPE, id=plan_id))).version
            plan: Content = decoded(version) if version else {}
            types = parts.definitions.resource_types
            targets = [parse_local(one, context.base, types) for one in references_in(plan.get("supportingInfo"))]
            orders = [(one.type, one.id) for one in targets if one is not None and one.type == REFERRAL]
            named = {each: _named(asked.one(each), each, context.base) for each in _VISITS if asked.one(each)}
            found = await _current(session, [*orders, *named.values()])
        for parameter, name in named.items():
            if name not in found:
                raise failure("not-found", f"There is no such {name[0]}.", f"http.{parameter}")
        stored = {each: decoded(found[name]) for each, name in named.items()}
        referrals = [name for name in orders if name in found and self._referrals.has(decoded(found[name]))]
        if len(referrals) != 1:
            told = "The plan must name one referral to massage, in supportingInfo."
            raise failure("guard-plan", told, "CarePlan.supportingInfo")
        referral = "/".join(referrals[0])
        for each, content in stored.items():
            local = {one.removeprefix(f"{context.base}/") for one in references_in(content.get("basedOn"))}
            if referral not in local:
                told = f"The {each} is not of the plan's referral (basedOn)."
                raise failure("guard-visits", told, f"http.{each}")
        around = Surrounding(
            plan=plan, referral=referral, encounter=stored.get("encounter"), appointment=stored.get("appointment")
        )
        return around, found


def _named(reference: str, parameter: str, base: str) -> Name:
    target = parse_local(reference, base, (_VISITS[parameter],))
    if target is None:
        told = f"{parameter} takes a reference such as {_VISITS[parameter]}/1."
        raise failure("parameter-value", told, f"http.{parameter}")
    return target.type, target.id


async def _current(session: Session, names: list[Name]) -> dict[Name, Version]:
    found = await session.current(list(dict.fromkeys(names)), lock=False) if names else {}
    return {name: version for name, version in found.items() if version.content is not None}


def _etag(versions: Mapping[Name, Version], content: Content) -> str:
    return versions[content["resourceType"], content["id"]].etag


async def _recorded(
    parts: Parts, context: Context, given: Given, around: Surrounding, drafted: Drafts
) -> Answer | None:
    """The answer to a session that was recorded before under the identifier, None where there is none.

    FhirError duplicate where that one says something else.
    """
    if given.identifier is None:
        return None
    async with parts.store.session() as session:
        view = await seen_episode(parts, session, context, around.referral.partition("/")[2], _OF_SESSIONS)
    known: dict[str, Any] = given.identifier
    wanted = (known["system"], known["value"])
    for stored in view.sessions():
        names = {(one.get("system"), one.get("value")) for one in stored.get("identifier", ())}
        if wanted not in names or stored.get("status") == "entered-in-error":
            continue
        if not same_session(view, stored, drafted, around):
            told = "A session with this identifier is recorded already, and says something else; correct that one."
            raise failure("duplicate", told, "http.identifier")
        return Answer(result=Result.OK, body=codec.encode(parameters_of(view, stored)))
    return None
