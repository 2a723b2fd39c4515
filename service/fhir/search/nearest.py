"""What somebody may have meant who sent a name that is not known."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMPARED: Final = 64
"""Characters of a name that are compared; no name is longer."""


def hint_of(name: str, accepted: Sequence[str]) -> str:
    """How a sentence ends that refuses a name: with the nearest of the accepted ones, if one is near.

    Upper and lower case are far apart for difflib, and near for who writes them.
    """
    name = name[:_COMPARED]
    alike = [each for each in accepted if each.casefold() == name.casefold()]
    near = alike or difflib.get_close_matches(name, accepted, n=1)
    return f'; did you mean "{near[0]}"?' if near else "."
