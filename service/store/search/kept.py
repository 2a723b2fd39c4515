"""Texts that were written before: as many as are worth it, and none that is long, so that they take bounded memory."""

from __future__ import annotations

from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Final, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sized

_TEXTS: Final = 1024
_LONGEST: Final = 20_000
"""The most characters of a text that is kept; usual searches need a third of it."""

_A = TypeVarTuple("_A")
_T = TypeVar("_T", bound="Sized")


class _TooLongError(Exception):
    """Carries a text past the cache, which keeps no exceptions."""

    def __init__(self, text: Sized) -> None:
        super().__init__()
        self.text = text


def kept(write: Callable[[*_A], _T]) -> Callable[[*_A], _T]:
    """Write each text once, as long as it is kept: the most recent ones are."""

    @lru_cache(maxsize=_TEXTS)
    def recent(*args: *_A) -> _T:
        text = write(*args)
        if len(text) > _LONGEST:
            raise _TooLongError(text)
        return text

    @wraps(write)
    def found(*args: *_A) -> _T:
        try:
            return recent(*args)
        except _TooLongError as error:
            return error.text  # type: ignore[return-value]

    return found
