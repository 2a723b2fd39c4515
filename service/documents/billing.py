"""By which CPT codes a session may be billed: codes only, as their descriptors belong to the AMA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.massage.catalogue.published import CPT, canonical
from service.massage.cycle.terms import codings, references_in
from service.massage.cycle.view import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.documents.case import Case
    from service.fhir.resource import Content
    from service.massage.visits import SessionEntry

_TECHNIQUE = canonical("CodeSystem", "massage-technique")


def cpt_codes(case: Case, entry: SessionEntry) -> tuple[str, ...]:
    """The codes that the session and its techniques carry; without any, those of the catalogue for its techniques."""
    procedures = [each for each in case.view.of("Procedure") if _is_of(case, each, entry.session)]
    said = dict.fromkeys(code for each in procedures for code in _coded(each))
    if said:
        return tuple(said)
    rows = [case.techniques.get(each.code) for each in entry.techniques if each.system == _TECHNIQUE]
    return tuple(dict.fromkeys(code for row in rows if row is not None for code in row.cpt))


def _is_of(case: Case, procedure: Content, session: str) -> bool:
    parts = (case.view.local(each) for each in references_in(procedure.get("partOf")))
    return name_of(procedure) == session or session in parts


def _coded(procedure: Content) -> Iterator[str]:
    for each in codings(procedure.get("code")):
        if each.get("system") == CPT and "code" in each:
            yield each["code"]
