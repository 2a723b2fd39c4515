"""The patients whom JSON of this service names: those that it holds, and those that its references lead to.

Looked for in the bytes, because an answer is sent as it is stored, and decoding it would cost more than reading it.
The service writes compact JSON in which a resource begins with its type and its id.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_ID: Final = rb"([A-Za-z0-9\-.]{1,64})"


def patients_in(body: bytes | None, base: str) -> tuple[str, ...]:
    """The logical ids of the patients, in their order, each once; absolute references count below `base`."""
    found = _pattern(base).findall(body) if body else ()
    return tuple(sorted(set(map(bytes.decode, found))))


@lru_cache(maxsize=64)
def _pattern(base: str) -> re.Pattern[bytes]:
    here = re.escape(base.encode())
    # what both begin with stands before the alternatives, so that the rest of the body is skipped quickly
    return re.compile(rb'"re(?:sourceType":"Patient","id":"|ference":"(?:%s/)?Patient/)%s[/"#]' % (here, _ID))
