"""The one statement that writes."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from service.fhir.resource import Version
from service.store.change import Change
from service.store.write_statement import write_statement

NOW = datetime(2026, 1, 9, tzinfo=UTC)


def change(number: int, version_id: int = 1, **rows: list[tuple[object, ...]]) -> Change:
    """A change of resource `number`."""
    version = Version(
        type="Patient", id=str(number), version_id=version_id, last_updated=NOW, method="PUT", content=b"{}"
    )
    return Change(version=version, rows=rows)


TOKEN = (7, None, "final")


def test_the_text_does_not_depend_on_how_many_changes_there_are() -> None:
    """One text, one prepared statement, for a create and for a Bundle of any size."""
    one, _ = write_statement([change(1, token=[TOKEN])])
    many, _ = write_statement([change(number, token=[TOKEN] * number) for number in range(1, 50)])
    assert one == many


def test_index_tables_without_rows_are_left_out_of_an_insert() -> None:
    """A statement costs what it does."""
    text, arguments = write_statement([change(1, token=[TOKEN])])
    assert "index_token" in text
    assert "index_date" not in text
    assert len(arguments) == text.count("$")


def test_superseding_clears_every_index_table() -> None:
    """The version before may have had rows anywhere."""
    text, _ = write_statement([change(1, version_id=2)])
    for table in ("index_token", "index_reference", "index_string", "index_date", "index_uri"):
        assert f"DELETE FROM {table}" in text
    assert "INSERT INTO resource (" not in text


def test_every_index_row_names_its_resource() -> None:
    """Rows of several resources share the arrays."""
    changes = [change(1, token=[TOKEN]), change(2, token=[TOKEN, TOKEN])]
    _, arguments = write_statement(changes)
    identities: list[UUID] = arguments[7]
    assert identities == [changes[0].identity, changes[1].identity, changes[1].identity]
