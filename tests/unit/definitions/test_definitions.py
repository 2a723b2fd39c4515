"""The packaged facts: complete, and what R4 says."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service.fhir.definitions import Definitions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir.definitions import Element


def everything(elements: tuple[Element, ...]) -> Iterator[Element]:
    for element in elements:
        yield element
        yield from everything(element.children)


def element(definitions: Definitions, path: str) -> Element:
    owner = path.partition(".")[0]
    return next(item for item in everything(definitions.type(owner).elements) if item.path == path)


def test_all_types_of_r4_are_known(definitions: Definitions) -> None:
    """R4 has 146 resource types besides the two abstract ones."""
    assert len(definitions.all_type_names) == 146
    assert {"Patient", "Parameters", "OperationOutcome", "Substance"} <= definitions.all_type_names
    assert not {"Resource", "DomainResource", "MetadataResource"} & definitions.all_type_names


def test_served_types_are_sorted_and_part_of_r4(definitions: Definitions) -> None:
    """What is served is a choice out of R4."""
    assert list(definitions.resource_types) == sorted(set(definitions.resource_types))
    assert set(definitions.resource_types) <= definitions.all_type_names


def test_serving_one_more_type_is_one_line(tmp_path: Path) -> None:
    """A name in served.txt is all that a type needs: its facts are there."""
    packaged = Path(str(resources.files("service.fhir.definitions")))
    shutil.copytree(packaged / "facts", tmp_path / "facts")
    (tmp_path / "served.txt").write_text("Patient\nSubstance\n", encoding="utf-8")
    served = Definitions(tmp_path)
    assert served.resource_types == ("Patient", "Substance")
    assert "identifier" in served.search_parameters("Substance")


def test_a_served_type_that_r4_does_not_have_stops_the_start(tmp_path: Path) -> None:
    """A typing error is found before the first request."""
    packaged = Path(str(resources.files("service.fhir.definitions")))
    shutil.copytree(packaged / "facts", tmp_path / "facts")
    (tmp_path / "served.txt").write_text("Pateint\n", encoding="utf-8")
    with pytest.raises(ValueError, match="Pateint"):
        _ = Definitions(tmp_path).resource_types


def test_an_unknown_type_is_a_key_error(definitions: Definitions) -> None:
    """The loader guesses nothing."""
    with pytest.raises(KeyError):
        definitions.type("Pateint")


def test_every_fact_refers_to_facts_that_exist(definitions: Definitions) -> None:
    """Types, targets, value sets and shared contents are all known."""
    for name in definitions.all_type_names | definitions.data_type_names:
        paths = {item.path for item in everything(definitions.type(name).elements)}
        for item in everything(definitions.type(name).elements):
            assert bool(item.types) != bool(item.content), item.path
            assert item.content is None or item.content in paths, item.path
            assert item.binding is None or definitions.code_rule(item.binding) or definitions.codes(item.binding)
            for kind in item.types:
                assert definitions.type(kind.code).name == kind.code
                assert set(kind.targets) <= definitions.all_type_names | {"Resource"}


def test_inherited_elements_come_first_at_their_own_path(definitions: Definitions) -> None:
    """A resource starts with what Resource and DomainResource give it."""
    names = [item.name for item in definitions.type("Patient").elements]
    assert names[:8] == [
        *("id", "meta", "implicitRules", "language"),
        *("text", "contained", "extension", "modifierExtension"),
    ]
    assert {item.path.partition(".")[0] for item in definitions.type("Patient").elements} == {"Patient"}


def test_nested_elements_inherit_from_backbone_element(definitions: Definitions) -> None:
    """Their extensions are there without being written down."""
    names = [item.name for item in element(definitions, "Patient.contact").children]
    assert names[:3] == ["id", "extension", "modifierExtension"]


@pytest.mark.parametrize(
    "path, code",
    [("Patient.id", "id"), ("Patient.contact.id", "string"), ("Extension.url", "uri"), ("Narrative.div", "xhtml")],
)
def test_system_types_are_written_as_fhir_types(path: str, code: str, definitions: Definitions) -> None:
    """FHIRPath's System.String does not leak out of the published definitions."""
    assert [kind.code for kind in element(definitions, path).types] == [code]


def test_a_choice_has_one_property_per_type(definitions: Definitions) -> None:
    """ServiceRequest.occurrence[x] is found under three names."""
    choice = element(definitions, "ServiceRequest.occurrence[x]")
    assert choice.choice
    assert [name for name, _ in choice.json_names()] == ["occurrenceDateTime", "occurrencePeriod", "occurrenceTiming"]


def test_cardinality_targets_and_flags_are_kept(definitions: Definitions) -> None:
    """One element of each kind, as published."""
    subject = element(definitions, "ServiceRequest.subject")
    assert (subject.min, subject.max, subject.summary, subject.modifier) == (1, 1, True, False)
    assert subject.types[0].targets == ("Patient", "Group", "Location", "Device")
    status = element(definitions, "ServiceRequest.status")
    assert (status.modifier, status.binding) == (True, "request-status")
    assert element(definitions, "ServiceRequest.note").max is None
    assert element(definitions, "Questionnaire.item.item").content == "Questionnaire.item"


def test_a_constraint_stands_where_it_is_declared_and_nowhere_else(definitions: Definitions) -> None:
    """The snapshots repeat ele-1 on every element; the facts have it once, on Element."""
    keys = {item.key for part in everything(definitions.type("Observation").elements) for item in part.constraints}
    assert "obs-3" in keys
    assert not keys & {"ele-1", "ext-1", "obs-6", "dom-2"}
    assert {"dom-2", "dom-6", "obs-6", "obs-7"} <= {item.key for item in definitions.type("Observation").constraints}


def test_a_simple_quantity_carries_its_profiles_constraint(definitions: Definitions) -> None:
    """SimpleQuantity is a Quantity without comparator."""
    assert [item.key for item in element(definitions, "Range.low").constraints] == ["sqty-1"]


def test_specialised_types_are_known_as_such(definitions: Definitions) -> None:
    """An Age is a Quantity, a code is a string, a Patient a DomainResource."""
    assert definitions.is_a("Age", "Quantity")
    assert definitions.is_a("code", "string")
    assert definitions.is_a("Patient", "DomainResource")
    assert not definitions.is_a("Quantity", "Age")


@pytest.mark.parametrize(
    "path, codes",
    [
        ("Task.status", {"draft", "requested", "in-progress", "entered-in-error"}),
        ("Observation.status", {"registered", "preliminary", "final", "amended", "corrected", "entered-in-error"}),
        ("Encounter.status", {"planned", "arrived", "triaged", "in-progress", "onleave", "finished"}),
        ("DiagnosticReport.status", {"partial", "preliminary", "final", "amended", "corrected", "appended"}),
        ("Quantity.comparator", {"<", "<=", ">=", ">"}),
        ("Money.currency", {"EUR", "USD", "CHF", "SLE"}),
        ("SearchParameter.base", {"Patient", "Resource", "DomainResource"}),
        ("Condition.verificationStatus", {"unconfirmed", "provisional", "differential", "confirmed", "refuted"}),
    ],
)
def test_a_required_value_set_has_its_whole_hierarchy(path: str, codes: set[str], definitions: Definitions) -> None:
    """Codes below other codes are codes too."""
    assert codes <= definitions.codes(str(element(definitions, path).binding))


def test_codes_that_only_group_others_are_left_out(definitions: Definitions) -> None:
    """`question` of the item types is abstract; an item cannot have it."""
    assert "question" not in definitions.codes("item-type")
    assert {"string", "choice", "open-choice"} <= definitions.codes("item-type")


def test_open_ended_value_sets_have_a_rule_instead(definitions: Definitions) -> None:
    """Languages and media types cannot be listed."""
    assert definitions.code_rule(str(element(definitions, "Patient.language").binding)) == "language"
    assert definitions.code_rule(str(element(definitions, "Attachment.contentType").binding)) == "media-type"
    assert definitions.codes("language") == frozenset()


def test_search_parameters_are_those_of_the_type_and_of_all_types(definitions: Definitions) -> None:
    """Each expression starts at the type; the parameters of Resource are among them."""
    found = definitions.search_parameters("ServiceRequest")
    assert found["_id"].expression == "ServiceRequest.id"
    assert found["_lastUpdated"].kind == "date"
    assert found["patient"].expression == "ServiceRequest.subject.where(resolve() is Patient)"
    assert found["occurrence"].expression == "ServiceRequest.occurrence"
    assert found["_content"].expression == ""


def test_every_search_expression_starts_at_its_type(definitions: Definitions) -> None:
    """No part of another type's union is left in it."""
    for name in definitions.resource_types:
        for fact in definitions.search_parameters(name).values():
            for part in filter(None, fact.expression.split(" | ")):
                assert part.lstrip("(").startswith(name), (name, fact.code, part)
                assert " as " not in part
                assert ".as(" not in part


def test_a_composite_names_its_components(definitions: Definitions) -> None:
    """Components are the codes of parameters of the same type, with a path from the composite's own."""
    fact = definitions.search_parameters("Observation")["component-code-value-quantity"]
    assert fact.expression == "Observation.component"
    assert fact.components == (
        ("component-code", "code"),
        ("component-value-quantity", "value.ofType(Quantity)"),
    )


def test_a_shared_parameter_is_described_for_its_type(definitions: Definitions) -> None:
    """The registry describes thirty types in one text."""
    description = definitions.search_parameters("Condition")["code"].description
    assert description == "Code for the condition"


def test_parameters_of_extensions_and_examples_are_left_out(definitions: Definitions) -> None:
    """Only R4's own registry counts."""
    assert "mothersMaidenName" not in definitions.search_parameters("Patient")
    assert "_filter" not in definitions.search_parameters("Patient")


def test_the_compartments_are_the_five_of_r4(definitions: Definitions) -> None:
    """Each says by which parameters a resource belongs to it."""
    assert definitions.compartments == ("Device", "Encounter", "Patient", "Practitioner", "RelatedPerson")
    assert definitions.compartment("Patient")["Observation"] == ("subject", "performer")
    assert "Location" not in definitions.compartment("Patient")
