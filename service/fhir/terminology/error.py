"""Why codes cannot be told, for the message to the client; the texts name canonical URLs, never what a client sent.

CannotExpandError     the resources at hand do not suffice
├── NotHeldError      one of them is not here
├── SeveralHeldError  several versions of one are, and none was named
└── TooManyError      the codes are more than are listed at once
"""

from __future__ import annotations


class CannotExpandError(ValueError):
    """The resources at hand do not suffice to tell."""


class NotHeldError(CannotExpandError):
    """A resource is not here."""


class SeveralHeldError(CannotExpandError):
    """Several versions of a resource are here, and it does not follow which is meant."""


class TooManyError(CannotExpandError):
    """There are more codes than may be listed at once."""
