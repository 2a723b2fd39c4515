"""By which CPT codes a session may be billed: codes only, as their descriptors belong to the AMA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.code_systems import CPT
from service.fhir.concept import codings
from service.massage.cycle.terms import references_in
from service.massage.cycle.view import name_of
from service.massage.systems import TECHNIQUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.documents.case import Case
    from service.fhir.resource import Content
    from service.massage.visits import SessionEntry


def cpt_codes(case: Case) -> dict[str, tuple[str, ...]]:
    """Session → the codes that it and its techniques carry; without any, those of the catalogue for its techniques."""
    said: dict[str, dict[str, None]] = {}
    for procedure in case.view.of("Procedure"):
        codes = dict.fromkeys(_coded(procedure))
        parts = (case.view.local(each) for each in references_in(procedure.get("partOf")))
        for name in (name_of(procedure), *parts) if codes else ():
            said.setdefault(name, {}).update(codes)
    return {each.session: tuple(said.get(each.session, ())) or _usual(case, each) for each in case.log}


def _usual(case: Case, entry: SessionEntry) -> tuple[str, ...]:
    rows = [case.techniques.get(each.code) for each in entry.techniques if each.system == TECHNIQUE]
    return tuple(dict.fromkeys(code for row in rows if row is not None for code in row.cpt))


def _coded(procedure: Content) -> Iterator[str]:
    for each in codings(procedure.get("code")):
        if each.get("system") == CPT and "code" in each:
            yield each["code"]
