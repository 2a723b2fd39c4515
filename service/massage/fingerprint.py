"""Whether what is made of files may have changed, told from the files alone."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def fingerprint_of(files: Iterable[Path]) -> str:
    """A digest of the names and bytes of files, in whatever order they come: 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(files):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
