"""Answers that stand for a contraindication: which questions they are answers to, by the rows of forms.toml."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from service.fhir.questionnaire.enabled import given_answers
from service.massage.assessment.rows import FOLDER
from service.massage.catalogue.published import canonical
from service.massage.data_files import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.fhir.resource import Content

_ANSWERED: Final = frozenset({"amended", "completed", "in-progress", "stopped"})
"""The states of a response in which what is answered stands."""


@cache
def flagged_questions() -> Mapping[str, Mapping[str, str]]:
    """Canonical URL of a form → linkId → the contraindication that "yes" stands for."""
    forms = read(FOLDER / "forms.toml")
    found = {canonical("Questionnaire", name): dict(_flags(row)) for name, row in forms.items()}
    return {url: flags for url, flags in found.items() if flags}


def red_flags(response: Content) -> Iterator[tuple[str, str]]:
    """(contraindication, linkId) of each question of a response that is answered with yes."""
    flags = flagged_questions().get(str(response.get("questionnaire", "")).partition("|")[0], {})
    if not flags or response.get("status") not in _ANSWERED:
        return
    for link_id, answers in given_answers(response.get("item", ())).items():
        if link_id in flags and any(each.get("valueBoolean") is True for each in answers):
            yield flags[link_id], link_id


def _flags(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for item in row.get("item", ()):
        if "flag" in item:
            yield item["id"], item["flag"]
        yield from _flags(item)
