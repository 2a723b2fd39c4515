"""Which techniques a plan has: those of the protocol and those asked for, without what is not safe or not certified."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.concept import codings
from service.fhir.outcome import failure
from service.massage.cycle.moment import end_of, start_of
from service.massage.protocol.rows import TechniqueUse

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.protocol.case import Case
    from service.massage.protocol.rows import Protocol, Protocols

_GENERIC: Final = "medical-massage"


class Chosen(Struct, frozen=True, kw_only=True):
    """The techniques of a plan in their order, and what is said of those that are left out or need something."""

    uses: tuple[TechniqueUse, ...]
    notes: tuple[str, ...]


def chosen(protocols: Protocols, row: Protocol, case: Case) -> Chosen:
    """The techniques for a patient; FhirError guard-safety or guard-therapist where none is left."""
    kept: list[TechniqueUse] = []
    notes: list[str] = []
    unsafe: list[str] = []
    for use in _wanted(protocols, row, case):
        name = protocols.catalogue.techniques[use.code].display
        why = _contraindicated(use.code, case)
        needed = case.policy.certificates.get(use.code)
        if why:
            unsafe.append(use.code)
            notes.append(f"{name} is left out until a physician clears it: {why}.")
        elif needed and case.therapist is not None and not _holds(case.therapist, needed, case):
            qualification = protocols.catalogue.qualifications.get(needed)
            notes.append(f"{name} is left out: it takes {qualification.display if qualification else needed}.")
        else:
            kept.append(use)
            if needed and case.therapist is None:
                notes.append(f"{name} takes a therapist with the qualification {needed}.")
    if not kept:
        code = "guard-safety" if unsafe else "guard-therapist"
        raise failure(code, f"No technique of {row.id} is left for this patient. {' '.join(notes)}", "http.subject")
    return Chosen(uses=tuple(kept), notes=tuple(notes))


def is_licensed(therapist: Content, case: Case) -> bool:
    """Whether any qualification of a Practitioner is in force today."""
    return any(_in_force(each, case) for each in therapist.get("qualification", ()))


def _wanted(protocols: Protocols, row: Protocol, case: Case) -> list[TechniqueUse]:
    """Those that the referral names first, then the protocol's own."""
    own = {use.code: use for use in row.techniques}
    known = protocols.catalogue.techniques
    asked = [each for each in case.asked_for() if each in known and known[each].parent is not None]
    added = {code: own.get(code, _asked(code)) for code in asked}
    return [*added.values(), *(use for code, use in own.items() if code not in added)]


def _asked(code: str) -> TechniqueUse:
    return TechniqueUse(
        code=code, says="Asked for by the referrer; not of the protocol.", sources=("design",), confidence="design"
    )


def _contraindicated(code: str, case: Case) -> str:
    """Why screening leaves a technique out; empty where it does not. What excludes all work excludes the generic."""
    found = [each for each in case.screening.findings if each.rule not in case.cleared and code in each.techniques]
    return "; ".join(f"{each.title} ({each.rule}, {each.severity})" for each in found) if code != _GENERIC else ""


def _holds(therapist: Content, needed: str, case: Case) -> bool:
    return any(
        _in_force(each, case) and any(coding.get("code") == needed for coding in codings(each.get("code")))
        for each in therapist.get("qualification", ())
    )


def _in_force(qualification: Content, case: Case) -> bool:
    day = datetime.combine(case.today, time(12), UTC)
    period = qualification.get("period", {})
    from_, until = start_of(period.get("start")), end_of(period)
    return (from_ is None or from_ <= day) and (until is None or day < until)
