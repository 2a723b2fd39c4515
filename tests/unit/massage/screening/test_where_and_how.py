"""What the referral asks for decides how grave a finding is."""

from __future__ import annotations

import pytest

from service.fhir.code_systems import SNOMED
from tests.builders.resources import concept
from tests.builders.screening import FOOT, LUMBAR, NECK, TRUNK, condition, diagnosis, found, order

FOREARM_FRACTURE = "S52.501A"


@pytest.mark.parametrize(
    "code, site, severity",
    [
        (FOREARM_FRACTURE, "14975008", "absolute"),
        (FOREARM_FRACTURE, "53120007", "absolute"),
        (FOREARM_FRACTURE, None, "absolute"),
        (FOREARM_FRACTURE, "12345678", "absolute"),
        (FOREARM_FRACTURE, FOOT, "relative"),
        ("I71.4", LUMBAR, "absolute"),
        ("I71.4", FOOT, "relative"),
        ("I82.402", NECK, "absolute"),
    ],
)
def test_regional_findings_are_absolute_where_they_are(code: str, site: str | None, severity: str) -> None:
    """Elsewhere with clearance; what is not known may be anywhere, and the whole body is everywhere."""
    findings = found(diagnosis(code), referral=order(site=site))
    assert {each.severity for each in findings.values()} == {severity}


def test_a_local_finding_is_none_elsewhere() -> None:
    """A burnt foot says nothing about the neck, and much about the foot."""
    burn = diagnosis("T25.021A", bodySite=[concept(SNOMED, FOOT)])
    assert "burn" not in found(burn, referral=order(site=NECK))
    assert found(burn, referral=order(site=FOOT))["burn"].severity == "local"
    assert found(burn, referral=order())["burn"].severity == "local"


def test_a_site_in_words_may_be_anywhere() -> None:
    """Of the condition as of the order."""
    burn = diagnosis("T25.021A", bodySite=[{"text": "left foot"}])
    assert "burn" in found(burn, referral=order(site=NECK))
    known = diagnosis("T25.021A", bodySite=[concept(SNOMED, FOOT)])
    assert "burn" in found(known, referral=order(bodySite=[concept(SNOMED, NECK), {"text": "and where it hurts"}]))


def test_a_technique_is_forbidden_in_the_region_alone() -> None:
    """No lymphatic drainage of a limb with an infected skin; of another one it is a matter of the area."""
    cellulitis = condition(concept(SNOMED, "128045006"), bodySite=[concept(SNOMED, FOOT)])
    drainage = "lymphatic-drainage"
    assert found(cellulitis, referral=order(drainage, site=FOOT))["skin-infection"].severity == "absolute"
    assert found(cellulitis, referral=order(drainage))["skin-infection"].severity == "absolute"
    assert found(cellulitis, referral=order("deep-tissue", site=FOOT))["skin-infection"].severity == "local"
    assert "skin-infection" not in found(cellulitis, referral=order(drainage, site=NECK))


def test_the_gravest_evidence_decides() -> None:
    """A fracture where the order is for outweighs one elsewhere; both are named."""
    findings = found(diagnosis(FOREARM_FRACTURE, 1), diagnosis("S22.41XA", 2), referral=order(site=TRUNK))
    finding = findings["fracture-unhealed"]
    assert (finding.severity, finding.evidence) == ("absolute", ("Condition/c1", "Condition/c2"))


def test_evidence_that_does_not_bear_on_the_order_is_left_out() -> None:
    """Of two burns, the one elsewhere is not told."""
    burns = [diagnosis("T25.021A", n, bodySite=[concept(SNOMED, site)]) for n, site in ((1, FOOT), (2, NECK))]
    assert found(*burns, referral=order(site=NECK))["burn"].evidence == ("Condition/c2",)


def test_the_words_say_that_the_order_is_for_another_region() -> None:
    """Where that is why it is not absolute."""
    told = found(diagnosis(FOREARM_FRACTURE), referral=order(site=FOOT))["fracture-unhealed"].detail
    assert "The order is for another region." in told
