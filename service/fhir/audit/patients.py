"""The patients whom JSON of this service names: those that it holds, and those that its references lead to.

Looked for in the bytes, because an answer is sent as it is stored, and decoding it would cost more than reading it.
The service writes compact JSON in which a resource begins with its type and its id.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_ID: Final = rb"([A-Za-z0-9\-.]{1,64})"
_LITTLE: Final = b"Patient"


def patients_in(body: bytes | None, base: str) -> tuple[str, ...]:
    """The logical ids of the patients, in their order, each once; absolute references count below `base`."""
    if not body or _LITTLE not in body:
        return ()
    found = [one or other for one, other in _pattern(base).findall(body)]
    return tuple(sorted({each.decode() for each in found}))


@lru_cache(maxsize=64)
def _pattern(base: str) -> re.Pattern[bytes]:
    here = re.escape(base.encode())
    return re.compile(
        rb'"resourceType":"Patient","id":"%s"|"reference":"(?:%s/)?Patient/%s[/"#]' % (_ID, here, _ID),
    )
