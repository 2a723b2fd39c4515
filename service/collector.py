"""When Python looks for circles of objects that nothing else refers to, which a service leaves few of."""

from __future__ import annotations

import gc
from typing import Final

_THRESHOLDS: Final = (10_000, 20, 1000)
"""Of the generations.

Requests leave few circles behind, and those go with the younger generations. Going through the oldest takes a tenth of
a second once all types are compiled, in which nobody is answered. A start makes a quarter of a million objects, and
none of them is to be thrown away.
"""


def seldom() -> None:
    """Look seldom, from now on."""
    gc.set_threshold(*_THRESHOLDS)


def leave_alone() -> None:
    """Look no more at what there is now: what R4 compiles to lives as long as the worker."""
    gc.freeze()
