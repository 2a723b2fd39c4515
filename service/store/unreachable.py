"""Where a database is and why it cannot be reached, in words for the operator: never a user, never a password."""

from __future__ import annotations

import os
import re
import socket
import ssl
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

ENDED: Final = (
    OSError,
    asyncpg.PostgresConnectionError,  # class 08
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InternalClientError,
)
"""What only a connection that ends raises: which of them depends on how much of the end has arrived."""

LOST: Final = (*ENDED, asyncpg.InterfaceError)
"""The same with what asyncpg also says of a connection that is used wrongly."""

_DEFAULT_PORT: Final = "5432"
_ERROR_NUMBER: Final = re.compile(r"\[Errno (\d+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What may be told of a postgresql:// URL: its host, or several with commas, each with its port; its database."""

    hosts: str
    address: str
    database: str

    @classmethod
    def of(cls, url: str) -> Self:
        """The place that a URL names, with libpq's defaults where it names none; `ValueError` if it cannot be read."""
        parts = urlsplit(url)
        more = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        listed = unquote(parts.netloc.rpartition("@")[2]) or more.get("host") or os.environ.get("PGHOST", "localhost")
        port = more.get("port") or os.environ.get("PGPORT") or _DEFAULT_PORT
        hosts, addresses = [], []
        for each in listed.split(","):
            found = re.fullmatch(r"(\[[^\]]*\]|[^:]*):(\d+)", each)
            hosts.append(found[1] if found else each)
            addresses.append(each if found or each.startswith("/") else f"{each}:{port}")
        database = unquote(parts.path[1:]) or more.get("database") or more.get("dbname") or "of the user's name"
        return cls(hosts=", ".join(hosts), address=", ".join(addresses), database=database)


def reason(error: Exception, place: Place) -> str:
    """Why connecting failed, or a connection was lost, without the text of the exception, which may quote values."""
    match error:
        case asyncpg.InvalidCatalogNameError():
            return f"there is no database {place.database}"
        case asyncpg.InvalidAuthorizationSpecificationError():
            return "it does not accept the user or the password"
        case asyncpg.CannotConnectNowError() | asyncpg.AdminShutdownError() | asyncpg.CrashShutdownError():
            return "it is starting or stopping"
        case asyncpg.TooManyConnectionsError():
            return "it has no connection left"
        case asyncpg.PostgresConnectionError() | asyncpg.InterfaceError() | asyncpg.InternalClientError():
            return "the connection was closed"
        case socket.gaierror():
            return f"host {place.hosts} is unknown"
        case ssl.SSLError():
            return f"TLS failed ({error.reason})"
        case TimeoutError():
            return "no answer in time"
        case OSError():
            return _of_the_system(error)
    return type(error).__name__


def _of_the_system(error: OSError) -> str:
    """`strerror` of asyncio's errors holds addresses, and of several attempts at once only the text has a number."""
    found = _ERROR_NUMBER.search(str(error))
    number = error.errno or (int(found[1]) if found else None)
    return os.strerror(number).lower() if number else "the connection failed"
