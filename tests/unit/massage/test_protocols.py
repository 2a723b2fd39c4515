"""The protocols as rows of the catalogue's words with sources, and as resources that are valid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from service.fhir.codec import decode, encode
from service.massage import protocol
from service.massage.protocol.rows import LONGEST_MINUTES, SHORTEST_MINUTES
from tests.builders.protocol import ROWS, Json

if TYPE_CHECKING:
    from pathlib import Path

    from service.fhir.validation import Validator
    from service.massage.protocol import Protocol
    from service.massage.protocol.rows import Statement, TechniqueUse

NAMED: Final = {
    "low-back-pain", "neck-pain", "tension-type-headache", "migraine", "fibromyalgia", "lymphedema",
    "post-surgical-rehabilitation", "tmj-disorder", "plantar-fasciitis", "whiplash", "carpal-tunnel-syndrome",
    "sciatica", "herniated-disc", "arthritis", "tinnitus", "multiple-sclerosis", "parkinsons-disease",
}  # fmt: skip

SEEDS: Final = {"S-0", "S-1", "S-2", "S-3", "S-4"}


def test_every_condition_that_is_named_has_a_protocol() -> None:
    """Those of the order of work, and those that the documents name beside them."""
    assert {code for each in ROWS for code in each.conditions} >= NAMED


@pytest.mark.parametrize("each", ROWS, ids=lambda each: str(each.id))
def test_a_row_claims_no_more_than_its_sources(each: Protocol) -> None:
    """What is not of design cites somebody else; what nobody says is of design; nothing is from memory."""
    statements: list[Statement | TechniqueUse] = [each.why, *each.techniques, *each.cautions]
    for said in statements:
        assert "memory" not in said.sources
        assert (said.confidence == "design") or (set(said.sources) - {"design"})
        assert said.confidence != "A" or not set(said.sources) <= SEEDS | {"design", "W"}
        assert said.sources != ("design",) or said.confidence == "design"
    assert SHORTEST_MINUTES <= each.minutes <= LONGEST_MINUTES
    assert each.every_weeks == 1


@pytest.mark.parametrize("word", ["toxi", "detox", "hormone", "cortisol", "serotonin", "cure"])
def test_no_marketing_is_told(word: str) -> None:
    """Of detoxification, hormones and the like."""
    assert word not in encode(protocol.resources()).decode().casefold()


@pytest.mark.parametrize("content", protocol.resources(), ids=lambda each: f"{each['resourceType']}/{each['id']}")
def test_what_is_shipped_is_valid(validator: Validator, content: Json) -> None:
    """Without even a warning, and marked as not signed off."""
    decoded = decode(encode(content))
    assert validator.issues(decoded, decoded["resourceType"], warnings=True) == []
    assert (decoded["status"], decoded["experimental"]) == ("draft", True)


def test_what_plan_definitions_refer_to_is_shipped() -> None:
    """Every ActivityDefinition, by its canonical URL and version; every goal of an action."""
    contents = protocol.resources()
    there = {f"{each['url']}|{each['version']}" for each in contents}
    for content in contents:
        if content["resourceType"] == "PlanDefinition":
            inner, *others = content["action"]
            assert {each["definitionCanonical"] for each in (*inner["action"], *others)} <= there
            assert inner["goalId"] == [each["id"] for each in content["goal"]]


def test_a_code_that_the_catalogue_has_not_stops_the_start(tmp_path: Path) -> None:
    """The message says which one."""
    for name in ("protocols.toml", "statements.toml"):
        text = (protocol.rows.FOLDER / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace('goals = ["nprs", "odi", "rom-lumbar"]', 'goals = ["no-such"]'))
    with pytest.raises(ValueError, match="no-such"):
        protocol.load(tmp_path)
