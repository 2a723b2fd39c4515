"""The one statement that writes."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from msgspec.structs import replace

from service.fhir.resource import Version
from service.store.change import Change
from service.store.stored_content import head_of
from service.store.write_statement import write_statement

NOW = datetime(2026, 1, 9, tzinfo=UTC)


def change(number: int, version_id: int = 1, **rows: list[tuple[object, ...]]) -> Change:
    """A change of resource `number`."""
    content = head_of("Patient", str(number), version_id, NOW) + b"}}"
    version = Version(
        type="Patient", id=str(number), version_id=version_id, last_updated=NOW, method="PUT", content=content
    )
    return Change(version=version, rows=rows)


TOKEN = (7, 0, None, "final", None, None)
OTHER = (5, 0, None, "active", None, None)


def test_the_text_does_not_depend_on_how_many_changes_there_are() -> None:
    """One prepared statement for Bundles of any size."""
    few, _ = write_statement([change(number, token=[TOKEN]) for number in range(2)])
    many, _ = write_statement([change(number, token=[TOKEN] * number) for number in range(1, 50)])
    assert few == many


def test_index_tables_without_rows_are_left_out_of_an_insert() -> None:
    """A statement costs what it does."""
    text, arguments = write_statement([change(1, token=[TOKEN])])
    assert "index_token" in text
    assert "index_date" not in text
    assert len(arguments) == text.count("$")


def test_one_change_leaves_index_tables_alone_whose_rows_stay_the_same() -> None:
    """An update that changes no searched value touches no index."""
    same, _ = write_statement([replace(change(1, version_id=2, token=[TOKEN]), stale=frozenset())])
    assert "index_" not in same
    token, _ = write_statement([replace(change(1, version_id=2, token=[TOKEN]), stale=frozenset({"token"}))])
    assert "DELETE FROM index_token" in token
    assert "INSERT INTO index_token" in token
    assert "index_date" not in token


def test_superseding_clears_every_index_table() -> None:
    """The version before may have had rows anywhere."""
    text, _ = write_statement([change(1, version_id=2)])
    for table in ("index_token", "index_reference", "index_string", "index_date", "index_uri", "index_quantity"):
        assert f"FROM {table} USING" in text
    assert "INSERT INTO resource (" not in text


def test_every_index_row_names_its_resource() -> None:
    """By its number; rows of several resources share the arrays."""
    changes = [change(1, token=[TOKEN, OTHER]), change(2, token=[TOKEN])]
    _, arguments = write_statement(changes)
    assert set(zip(arguments[8], arguments[9], strict=True)) == {(1, 7), (1, 5), (2, 7)}


def test_rows_of_one_resource_are_written_together() -> None:
    """They go to one page of the table, which a search that looks at the resource reads."""
    _, arguments = write_statement([change(number, token=[TOKEN, OTHER]) for number in range(3)], {})
    assert arguments[8] == [1, 1, 2, 2, 3, 3]


def test_columns_in_which_all_rows_have_the_default_are_left_out() -> None:
    """The tables have it by themselves."""
    paired = (7, 0, None, "final", UUID(int=5), None)
    plain, _ = write_statement([change(number, token=[TOKEN, OTHER]) for number in range(3)])
    assert "INSERT INTO index_token (resource_key, source, system, code)\n" in plain
    text, arguments = write_statement([change(1, token=[TOKEN, paired]), change(2, token=[TOKEN])])
    assert "INSERT INTO index_token (resource_key, source, system, code, pair)\n" in text
    assert arguments[-1] == [None, UUID(int=5), None]
    text, arguments = write_statement(
        [change(number, token=[(7, number, None, "final", None, None)]) for number in (0, 3)]
    )
    assert "INSERT INTO index_token (resource_key, source, element, system, code)\n" in text
    assert arguments[-3] == [0, 3]


def test_index_rows_that_come_often_in_this_number_are_spelled_out() -> None:
    """Rare numbers of rows share the text that takes any number of them."""
    rows: list[tuple[object, ...]] = [(each, 0, None, f"code-{each}", None, None) for each in range(23)]
    texts = [write_statement([change(1, token=rows)])[0] for _ in range(12)]
    assert "unnest" in texts[0]
    assert "unnest" not in texts[-1]
    text, arguments = write_statement([change(1, token=rows)])
    assert len(arguments) == text.count("$")
    assert arguments[-6:] == list(rows[-1])
    assert "unnest" in write_statement([change(1, token=rows[:7])])[0]


def test_many_index_rows_are_never_spelled_out() -> None:
    """A value set has thousands."""
    rows: list[tuple[object, ...]] = [(each, 0, None, "code", None, None) for each in range(193)]
    assert all("unnest" in write_statement([change(1, token=rows)])[0] for _ in range(12))


def test_a_transaction_that_comes_often_is_spelled_out() -> None:
    """A referral has the same entries every time, with as many values."""
    changes = [change(1, token=[TOKEN, OTHER]), change(2, token=[TOKEN]), change(3)]
    texts = [write_statement(changes, {1: 0})[0] for _ in range(12)]
    assert "VALUES" not in texts[0]
    text, arguments = write_statement(changes, {1: 0})
    assert "unnest" not in text.replace("unnest($1::bigint[], $2::bigint[])", ""), "but for the claims"
    assert text.count("$") == len(arguments) + 1, "the claims are counted, too"
    assert "VALUES (1, $27::" in text
    assert "(2, $39::" in text
    assert arguments[2] == changes[0].identity
    assert arguments[10] == changes[1].identity
    assert arguments[-6:] == list(TOKEN)
    assert all("VALUES" not in write_statement(changes)[0] for _ in range(12)), "creates that only met are not"


def test_what_contains_nothing_is_written_as_if_nothing_ever_did() -> None:
    """By a text that says nothing of it."""
    plain = [change(1, token=[TOKEN]), change(2, version_id=2, token=[TOKEN])]
    for changes in (plain[:1], plain[1:], plain):
        assert "<<" not in write_statement(changes)[0]
    text, arguments = write_statement([*plain, change(3, contained_token=[(1, *TOKEN)])])
    assert "<<" in text
    assert len(arguments) == text.count("$")
