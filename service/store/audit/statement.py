"""The statements that add audit records: by themselves, or within the one that writes what they are about."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.store.audit.chain import Row

_COLUMNS: Final = (
    ("chain", "integer"),
    ("number", "bigint"),
    ("recorded", "timestamptz"),
    ("entity", "bigint"),
    ("client", "bigint"),
    ("organisation", "bigint"),
    ("person", "bigint"),
    ("outcome", "smallint"),
    ("action", "text"),
    ("interaction", "text"),
    ("record", "bytea"),
    ("hash", "bytea"),
)
_PATIENT_COLUMNS: Final = (
    ("patient", "bigint"),
    ("recorded", "timestamptz"),
    ("chain", "integer"),
    ("number", "bigint"),
)
_ADD: Final = "INSERT INTO {table} ({columns}) SELECT * FROM {rows}{go}"
_ROWS: Final = {"audit_event": _COLUMNS, "audit_patient": _PATIENT_COLUMNS}
_WRITTEN: Final = "\nSELECT count(*) FROM written"


def record_statement(rows: Sequence[Row]) -> tuple[str, list[Any]]:
    """The text and the arguments that add the rows."""
    arguments: list[Any] = []
    has_patients = _add_arguments(arguments, rows)
    return _text(1, single=len(rows) == 1, has_patients=has_patients), arguments


def with_records(text: str, arguments: list[Any], rows: Sequence[Row], *, written: int) -> tuple[str, list[Any]]:
    """A statement of `store.write_statement` that also adds the rows, provided that it writes `written` resources."""
    first = len(arguments) + 2
    both = [*arguments, written]
    has_patients = _add_arguments(both, rows)
    return _joined(text, first, single=len(rows) == 1, has_patients=has_patients), both


def _add_arguments(arguments: list[Any], rows: Sequence[Row]) -> bool:
    """Add the values of the rows, and of their patients where there are any."""
    width = len(_COLUMNS)
    values = [_values(row) for row in rows]
    if len(rows) == 1:
        arguments.extend(values[0])
    else:
        arguments.extend([row[index] for row in values] for index in range(width))
    patients = [(each, row.recorded, row.chain, row.number) for row in rows for each in row.patients]
    if not patients:
        return False
    arguments.extend(list(column) for column in zip(*patients, strict=True))
    return True


def _values(row: Row) -> tuple[Any, ...]:
    return (
        row.chain,
        row.number,
        row.recorded,
        row.entity,
        row.client,
        row.organisation,
        row.person,
        row.outcome,
        row.action,
        row.interaction,
        row.record,
        row.hash,
    )


@lru_cache(maxsize=8)
def _text(first: int, *, single: bool, has_patients: bool) -> str:
    events, patients = _parts(first, "", single=single)
    return f"WITH patients AS ({patients})\n{events}" if has_patients else events


@lru_cache(maxsize=1024)
def _joined(text: str, first: int, *, single: bool, has_patients: bool) -> str:
    go = f" WHERE (SELECT count(*) FROM written) = ${first - 1}::bigint"  # noqa: S608 - a number
    events, patients = _parts(first, go, single=single)
    begin, end = text[: -len(_WRITTEN)], text[-len(_WRITTEN) :]
    if end != _WRITTEN:
        raise ValueError("the statement does not end by counting what it wrote")
    added = f",\nrecorded AS ({events})"
    return f"{begin}{added},\nrecorded_patients AS ({patients}){end}" if has_patients else f"{begin}{added}{end}"


def _parts(first: int, go: str, *, single: bool) -> tuple[str, str]:
    """The inserts of both tables; their parameters begin with `first`."""
    events = [f"${first + index}::{kind}" for index, (_, kind) in enumerate(_COLUMNS)]
    after = first + len(_COLUMNS)
    patients = [f"${after + index}::{kind}[]" for index, (_, kind) in enumerate(_PATIENT_COLUMNS)]
    rows = f"(VALUES ({', '.join(events)})) AS v" if single else f"unnest({', '.join(f'{each}[]' for each in events)})"
    of_patients = f"unnest({', '.join(patients)})"
    return (
        _ADD.format(table="audit_event", columns=_names("audit_event"), rows=rows, go=go),
        _ADD.format(table="audit_patient", columns=_names("audit_patient"), rows=of_patients, go=go),
    )


def _names(table: str) -> str:
    return ", ".join(name for name, _ in _ROWS[table])
