"""Files come in pieces, whatever their form, and from any checkpoint on."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from service.load import source as module
from service.load.source import LoadError, Piece, source_of
from service.store.checkpoint import Checkpoint

if TYPE_CHECKING:
    from pathlib import Path

LINES = b"".join(b'{"line":%d}\n' % number for number in range(1, 8))


@pytest.fixture(autouse=True)
def _short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE_LINES", 3)


def pieces(path: Path, begin: Checkpoint | None = None) -> list[Piece]:
    source = source_of(path)
    return list(source.pieces(begin or Checkpoint(name=source.checkpoint_name), read_to=lambda _: None))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_lines_come_with_their_numbers(tmp_path: Path, *, packed: bool, end: bytes) -> None:
    """Whether or not the file is compressed, and whether or not it ends with a line end."""
    path = tmp_path / "file"
    text = LINES.rstrip(b"\n") + end
    path.write_bytes(gzip.compress(text) if packed else text)
    found = pieces(path)
    assert [len(piece.texts) for piece in found] == [3, 3, 1]
    assert [(number, text.strip()) for piece in found for number, text in piece.texts] == [
        (number, b'{"line":%d}' % number) for number in range(1, 8)
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_what_follows_a_checkpoint_is_the_rest(tmp_path: Path, *, packed: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(LINES) if packed else LINES)
    whole = pieces(path)
    assert whole[0].checkpoint
    assert pieces(path, whole[0].checkpoint) == whole[1:]


@pytest.mark.parametrize("count,expected", [(0, 1), (1, 1), (3, 1), (4, 2), (6, 2)])
def test_the_last_piece_alone_finishes_the_file(tmp_path: Path, count: int, expected: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"{}\n" * count)
    finished = [piece.checkpoint and piece.checkpoint.finished for piece in pieces(path)]
    assert finished == [False] * (expected - 1) + [True]


def test_json_over_several_lines_is_one_text(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b'\n{\n "resourceType": "Patient"\n}\n')
    (piece,) = pieces(path)
    assert piece.texts == ((1, b"\n"), (2, b'{\n "resourceType": "Patient"\n}\n'))
    assert piece.checkpoint == Checkpoint(
        name=source_of(path).checkpoint_name, position=path.stat().st_size, passed=4, finished=True
    )


def test_a_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    one, moved, changed = (tmp_path / name for name in ("one", "moved", "changed"))
    one.write_bytes(LINES)
    moved.write_bytes(LINES)
    changed.write_bytes(LINES + b"\n")
    assert source_of(one).digest == source_of(moved).digest != source_of(changed).digest


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"nosuch cannot be read: No such file or directory"):
        source_of(tmp_path / "nosuch")


def test_a_file_that_was_cut_off_is_named(tmp_path: Path) -> None:
    path = tmp_path / "short.gz"
    path.write_bytes(gzip.compress(LINES)[:-9])
    with pytest.raises(LoadError, match=r"short\.gz cannot be read: its compressed data are damaged"):
        pieces(path)


def test_a_text_that_comes_once_has_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(LINES)
    once = replace(source_of(path), digest=None)
    assert all(piece.checkpoint is None for piece in once.pieces(Checkpoint(name=""), read_to=lambda _: None))
