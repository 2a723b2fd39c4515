"""Files as pieces of text: NDJSON by the line, any other JSON as a whole; gzip is recognised by its first bytes."""

from __future__ import annotations

import gzip
import hashlib
import sys
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from service.store.checkpoint import Checkpoint

STANDARD_INPUT: Final = "-"
PIECE_LINES: Final = 512
"""More saves no time, and keeps others waiting for longer."""
PIECE_BYTES: Final = 4 << 20
_GZIP: Final = b"\x1f\x8b"
_DIGEST_CHARACTERS: Final = 32
_UNREADABLE: Final = (OSError, EOFError, zlib.error)


class LoadError(Exception):
    """The load cannot begin or go on; the message says why."""


class Piece(Struct, frozen=True, kw_only=True):
    """Some texts of a file with the numbers of their lines; `checkpoint` is what holds once they are stored."""

    file: str
    texts: tuple[tuple[int, bytes], ...]
    checkpoint: Checkpoint | None


class Source(Struct, frozen=True, kw_only=True):
    """A file to load, `path` None for standard input; `digest` of its bytes, None where they come only once."""

    name: str
    path: Path | None
    digest: str | None
    size_bytes: int

    @property
    def checkpoint_name(self) -> str:
        """The name of the checkpoint: the content's, so that a file may be moved, and a changed one begins anew."""
        return f"load {self.digest}"

    def pieces(self, begin: Checkpoint, *, read_to: Callable[[int], None]) -> Iterator[Piece]:
        """The pieces from a checkpoint on; the last one's says that the file is finished.

        `read_to` hears how many bytes of the file have been read. LoadError when it cannot be read.
        """
        try:
            with self._opened() as raw:
                file = gzip.GzipFile(fileobj=raw) if raw.peek(2).startswith(_GZIP) else raw
                if begin.position:
                    file.seek(begin.position)
                for piece in self._pieces(cast("BinaryIO", file), begin):
                    read_to(raw.tell() if self.path else 0)
                    yield piece
        except _UNREADABLE as error:
            raise _unreadable(self.name, error) from error

    @contextmanager
    def _opened(self) -> Iterator[io.BufferedReader]:
        if self.path is None:
            yield cast("io.BufferedReader", sys.stdin.buffer)
        else:
            with self.path.open("rb") as file:
                yield file

    def _pieces(self, file: BinaryIO, begin: Checkpoint) -> Iterator[Piece]:
        end, texts, size, held = begin, list[tuple[int, bytes]](), 0, None
        for lines, text in _texts(file, from_the_beginning=begin.position == 0):
            texts.append((end.passed + 1, text))
            size += len(text)
            end = replace(end, position=end.position + len(text), passed=end.passed + lines)
            if len(texts) >= PIECE_LINES or size >= PIECE_BYTES:
                if held:
                    yield held
                held, texts, size = self._piece(texts, end), [], 0
        if held and texts:
            yield held
        yield self._piece(texts or (held.texts if held else ()), replace(end, finished=True))

    def _piece(self, texts: Sequence[tuple[int, bytes]], end: Checkpoint) -> Piece:
        return Piece(file=self.name, texts=tuple(texts), checkpoint=end if self.digest else None)


def source_of(path: Path) -> Source:
    """A file, read once for its digest; LoadError when it cannot be read."""
    if str(path) == STANDARD_INPUT:
        return Source(name="standard input", path=None, digest=None, size_bytes=0)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "blake2b").hexdigest()
            return Source(name=str(path), path=path, digest=digest[:_DIGEST_CHARACTERS], size_bytes=file.tell())
    except OSError as error:
        raise _unreadable(str(path), error) from error


def _texts(file: BinaryIO, *, from_the_beginning: bool) -> Iterator[tuple[int, bytes]]:
    """(lines, text) for every line; for the whole file where its first line does not end an object."""
    blank = from_the_beginning
    for line in file:
        if blank and line.strip():
            blank = False
            if not line.rstrip().endswith(b"}"):
                text = line + file.read()
                yield text.count(b"\n") + (not text.endswith(b"\n")), text
                return
        yield 1, line


def _unreadable(name: str, error: Exception) -> LoadError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "its compressed data are damaged"
    return LoadError(f"{name} cannot be read: {reason}")
