"""The address that the service listens on: taken by the parent, listened on by each worker with a socket of its own.

Several workers on one socket are woken by the same connections, and who happens to be first takes them all: of sixteen
clients fourteen came to be served by one of two. With SO_REUSEPORT Linux deals connections out among the sockets, and
those of a worker that has died get none. https://man7.org/linux/man-pages/man7/socket.7.html
"""

from __future__ import annotations

import socket
import sys
from typing import Any, Final

_IS_DEALT_OUT: Final = sys.platform == "linux"
"""Elsewhere SO_REUSEPORT is missing, or gives everything to the last one that listens."""


class Shared(socket.socket):
    """A bound socket that does not listen; the process that it is handed to gets another one on the same address."""

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is handed to a worker."""
        return shared, (self.family, self.getsockname())


def listener(host: str, port: int, *, workers: int) -> socket.socket:
    """A bound socket, not yet listening: connections are refused until there is someone to answer.

    `port` 0 takes a free one. OSError where it cannot be had, or another service has it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    alone = socket.socket(family)
    _bind(alone, (host, port))
    if workers == 1 or not _IS_DEALT_OUT:
        alone.set_inheritable(True)
        return alone
    # nobody else has the address: with SO_REUSEPORT alone, two services would share it without a word
    address = alone.getsockname()
    alone.close()
    return shared(family, address)


def shared(family: int, address: tuple[Any, ...]) -> Shared:
    """A socket on an address that may have others; OSError."""
    made = Shared(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    _bind(made, address)
    return made


def _bind(made: socket.socket, address: tuple[Any, ...]) -> None:
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(address)
    except OSError:
        made.close()
        raise
