"""When two JSON values are equal to a patch's `test`. https://www.rfc-editor.org/rfc/rfc6902#section-4.6"""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: objects in any order, numbers by their value.

    Stops at the first difference, so that it costs no more than the smaller of the two.
    """
    if isinstance(one, dict):
        if not isinstance(other, dict) or len(one) != len(other):
            return False
        return all(key in other and same_json(part, other[key]) for key, part in one.items())
    if isinstance(one, list):
        if not isinstance(other, list) or len(one) != len(other):
            return False
        return all(same_json(part, counterpart) for part, counterpart in zip(one, other, strict=True))
    if isinstance(one, int | Decimal) and not isinstance(one, bool):
        return isinstance(other, int | Decimal) and not isinstance(other, bool) and one == other
    return type(one) is type(other) and bool(one == other)
