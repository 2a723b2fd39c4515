"""What screening says as a whole."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import to_builtins

from service.fhir.code_systems import SNOMED
from service.massage.screening.record import record_of
from service.massage.screening.screen import screen
from tests.builders.resources import concept
from tests.builders.screening import NOW, condition, diagnosis, medication, observation, order, rules, screened
from tests.spent import spent

MOST_MILLISECONDS = 20


def test_a_patient_about_whom_nothing_is_known_is_unscreened() -> None:
    """Nothing found is not the same as safe."""
    screening = screened()
    assert (screening.basis, screening.findings) == ("unscreened", ())


def test_conditions_that_cannot_be_judged_do_not_screen_a_patient() -> None:
    """They are in words, or in codes that the rules do not know; each is named."""
    in_words, unknown = condition({"text": "blood clot"}, 1), condition(concept(SNOMED, "999999990"), 2)
    screening = screened(in_words, unknown)
    assert screening.basis == "unscreened"
    assert screening.unjudged == ("Condition/c1", "Condition/c2")


def test_a_diagnosis_that_icd10cm_does_not_have_is_not_judged() -> None:
    """A mistyped code, or one of a later edition, says nothing about safety."""
    screening = screened(diagnosis("M54.99", 1))
    assert (screening.basis, screening.unjudged) == ("unscreened", ("Condition/c1",))


def test_a_diagnosis_without_its_last_character_is_judged() -> None:
    """What it begins with says enough."""
    screening = screened(diagnosis("S13.4XX", 1))
    assert (screening.basis, screening.unjudged) == ("screened", ())


def test_of_a_code_without_end_only_the_beginning_is_remembered() -> None:
    """Codes are remembered between calls: nobody can fill the memory with them."""
    index = rules().index
    screened(diagnosis("M54.50" + "x" * 100_000))
    remembered = index.judged.cache_info().currsize
    screened(diagnosis("M54.50" + "x" * 200_000))
    assert index.judged.cache_info().currsize == remembered


def test_what_cannot_be_judged_is_told_without_an_id_too() -> None:
    """By its type; nothing is dropped."""
    nameless = condition({"text": "blood clot"})
    del nameless["id"]
    assert screened(nameless).unjudged == ("Condition",)


def test_a_medicine_without_a_name_cannot_be_judged() -> None:
    """A code of a system that the rules do not know says nothing."""
    nameless = medication(medicationCodeableConcept=concept("http://www.nlm.nih.gov/research/umls/rxnorm", "855332"))
    assert screened(nameless).unjudged == ("MedicationRequest/m1",)


def test_one_condition_that_can_be_judged_screens_a_patient() -> None:
    """Also one that is over: somebody has looked. What could not be judged is named all the same."""
    screening = screened(diagnosis("M54.50", 1, status="resolved"), condition({"text": "?"}, 2))
    assert (screening.basis, screening.unjudged) == ("screened", ("Condition/c2",))


def test_other_knowledge_finds_but_does_not_screen() -> None:
    """A fever is found; that nothing else is says nothing as long as no condition is known."""
    screening = screened(observation("8310-5", 39, "Cel"))
    assert [each.rule for each in screening.findings] == ["fever"]
    assert screening.basis == "unscreened"


def test_a_patient_whose_conditions_could_not_all_be_read_is_unscreened() -> None:
    """And what could not be read is told; other types do not matter so much."""
    screening = screened(diagnosis("M54.50"), unread=("Condition",))
    assert (screening.basis, screening.unread) == ("unscreened", ("Condition",))
    assert screened(diagnosis("M54.50"), unread=("Observation",)).basis == "screened"


def test_findings_come_gravest_first() -> None:
    """In the table's order where they are equally grave."""
    screening = screened(
        diagnosis("I83.90", 1), diagnosis("Z79.01", 2), diagnosis("I26.99", 3), diagnosis("I82.402", 4)
    )
    assert [each.rule for each in screening.findings] == [
        *("dvt", "pulmonary-embolism"),
        *("anticoagulant-therapy", "varicose-veins"),
    ]
    assert [each.rule for each in screening.absolute] == ["dvt", "pulmonary-embolism"]


def test_red_flags_are_marked() -> None:
    """Those of which the referrer must hear at once."""
    screening = screened(diagnosis("G83.4", 1), diagnosis("A41.9", 2), diagnosis("I82.4Y9", 3))
    assert {each.rule for each in screening.red_flags} == {"cauda-equina", "dvt"}
    assert len(screening.findings) == 3


def test_a_finding_says_what_was_found_and_what_follows() -> None:
    """By reference, code and date: the words of every card and every issue."""
    (finding,) = screened(diagnosis("I82.402", onsetDateTime="2026-01-03")).findings
    assert finding.detail == (
        "Condition/c1 (ICD-10-CM I82.402, 2026-01-03). No massage until it is cleared. "
        "Refer urgently. No massage by any technique until it is resolved."
    )


def test_many_pieces_of_evidence_are_counted_in_words() -> None:
    """The first five are told, all are evidence."""
    (finding,) = screened(*(diagnosis("I82.402", number) for number in range(8))).findings
    assert "and 3 more." in finding.detail
    assert len(finding.evidence) == 8


@pytest.mark.parametrize("made_up", ["<b>1</b>", "1](https://example.org)", "1 2", "x" * 257])
def test_a_finding_repeats_nothing_that_was_not_understood(made_up: str) -> None:
    """An id or a code that is none stays out of the words, which may be shown as Markdown."""
    (finding,) = screened(diagnosis(f"I82.4{made_up}") | {"id": made_up}).findings
    assert made_up not in finding.detail
    assert finding.evidence == ()


@pytest.mark.parametrize(
    "junk", [None, 1, "text", [], ["a"], {}, [{"coding": 1}], [[]], {"coding": [None, {"code": []}]}]
)
@pytest.mark.parametrize("element", ["code", "clinicalStatus", "bodySite", "onsetDateTime", "status", "valueQuantity"])
def test_content_of_any_shape_is_read(element: str, junk: Any) -> None:
    """An EHR's prefetch is not validated; what is malformed is not there."""
    resources = (diagnosis("I82.402"), medication("warfarin"), observation("8310-5", 39, "Cel"))
    broken = [each | {element: junk} for each in resources]
    screening = screened(*broken, referral=order() | {element: junk, "reasonCode": junk, "orderDetail": junk})
    assert to_builtins(screening)


def test_two_hundred_conditions_take_little_time() -> None:
    """All of them with something to be found, the best of ten, in milliseconds of this process."""
    codes = ("M54.50", "I82.402", "S72.001A", "L03.115", "C50.911", "E11.42", "I50.9", "K74.60", "G40.909", "O09.91")
    record = record_of([diagnosis(code, number) for number, code in enumerate(codes * 20)])
    taken = []
    found = 0
    for _ in range(10):
        with spent() as one:
            found = len(screen(order("lymphatic-drainage", site="52612000"), record, rules(), NOW).findings)
        taken.append(one.milliseconds)
    assert found == 9
    assert min(taken) <= MOST_MILLISECONDS
