"""The forms of settings: what a text of the environment must look like, and the value that it becomes.

Each function raises ValueError with what would be accepted; `service.settings` puts the variable's name before it.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretStr

Network = IPv4Network | IPv6Network

MODES: Final = ("open", "smart", "oidc")
NOTHING: Final = "-"
"""An empty list, where a variable that is absent or empty stands for something else."""

_DATABASE_SCHEMES: Final = ("postgresql", "postgres")
_DATABASE_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(:(?P<port>[0-9]{1,5}))?")
_BRACKET_AMONG_SEVERAL: Final = re.compile(r"://[^/?#]*(,\[|\](:[0-9]*)?,)")
_DATABASE_HIGHEST_PORT: Final = 65_535
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
)
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
_HOST: Final = re.compile(r"\*|[A-Za-z0-9._\-]+|\[?[0-9A-Fa-f:.]+\]?")
_SECRET_CHARACTERS: Final = 32


def listed(value: object) -> tuple[str, ...]:
    """The parts of a text separated by commas, each once; what is listed already stays so."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, tuple | list) else ()
    return tuple(dict.fromkeys(str(part).strip() for part in parts if str(part).strip()))


def zone(value: object) -> ZoneInfo:
    """A time zone by its IANA name."""
    try:
        return value if isinstance(value, ZoneInfo) else ZoneInfo(str(value))
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("must be an IANA time zone such as Europe/Berlin or UTC") from error


def modes(value: object) -> tuple[str, ...]:
    """Ways of access control, in the order of `MODES`."""
    chosen = listed(value)
    if not chosen or not set(chosen) <= set(MODES) or (len(chosen) > 1 and "open" in chosen):
        raise ValueError("must be open, smart, oidc or smart,oidc")
    return tuple(mode for mode in MODES if mode in chosen)


def issuers(value: object) -> tuple[str, ...]:
    """URLs of issuers; plain http on loopback only."""
    urls = listed(value)
    for issuer in urls:
        parts = urlsplit(issuer)
        is_plain = parts.scheme == "http" and parts.hostname in _LOOPBACK_NAMES
        if not (parts.scheme == "https" or is_plain) or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be https URLs such as https://login.example.org/realms/clinic, with commas")
    return urls


def key_sets(value: object) -> tuple[str, ...]:
    """Issuers, each with the URL of its key set behind ``=``."""
    pairs = listed(value)
    for pair in pairs:
        issuer, _, url = pair.partition("=")
        parts = urlsplit(url)
        is_plain = parts.scheme == "http" and parts.hostname in _LOOPBACK_NAMES
        if not issuer or not (parts.scheme == "https" or is_plain) or not parts.hostname or parts.fragment:
            raise ValueError(
                "must be issuer=URL such as https://ehr.example.org=https://ehr.example.org/jwks, with commas"
            )
    return pairs


def algorithms(value: object) -> tuple[str, ...]:
    """Asymmetric signature algorithms."""
    named = listed(value)
    if not named or not set(named) <= set(_ALGORITHMS):
        raise ValueError(f"must be out of {', '.join(_ALGORITHMS)}, separated by commas")
    return named


def networks(value: object) -> tuple[Network, ...]:
    """Networks in CIDR notation; an address is a network of one."""
    try:
        return tuple(ip_network(each) for each in listed(value))
    except ValueError as error:
        raise ValueError("must be networks such as 10.1.0.0/16, separated by commas") from error


def hosts(value: object) -> tuple[str, ...]:
    """Names and addresses of hosts, without ports; ``*`` is any."""
    names = listed(value)
    if not all(map(_HOST.fullmatch, names)):
        raise ValueError("must be host names such as fhir.example.org, without port, separated by commas, or *")
    return names


def origins(value: object) -> object:
    """Origins of pages; ``*`` is any."""
    if not isinstance(value, str):
        return value
    named = tuple(origin.strip().rstrip("/") for origin in value.split(",") if origin.strip() not in {"", NOTHING})
    for origin in named:
        if origin != "*" and not re.fullmatch(r"https?://[^/?#\s]+", origin):
            raise ValueError("must be * or origins such as https://app.example.org, separated by commas")
    return named


def base_url(value: str | None) -> str | None:
    """A base URL without a trailing slash."""
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be an absolute http or https URL without query, such as https://example.org/fhir")
    return value.rstrip("/")


def secret(value: SecretStr | None) -> SecretStr | None:
    """A key that is long enough."""
    if value is not None and len(value.get_secret_value()) < _SECRET_CHARACTERS:
        raise ValueError(f"must have {_SECRET_CHARACTERS} characters or more")
    return value


def database_url(value: SecretStr | None) -> SecretStr | None:
    """A URL of PostgreSQL in one spelling; no part of it is ever quoted."""
    if value is None:
        return None
    scheme, separator, rest = value.get_secret_value().partition("://")
    if not separator or scheme.removesuffix("+asyncpg") not in _DATABASE_SCHEMES:
        raise ValueError("must begin with postgresql://")
    url = f"postgresql://{rest}"
    _check_database_url(url)
    return SecretStr(url)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the host."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _check_database_url(url: str) -> None:
    """Refuse what would be read as another host than was meant: a part of the password would be tried as one."""
    if _BRACKET_AMONG_SEVERAL.search(url):
        # whether it can be read depends on the release of Python
        raise ValueError("an IPv6 address cannot stand among several hosts; list their names or IPv4 addresses")
    try:
        parts = urlsplit(url)
        parameters = parse_qs(parts.query, strict_parsing=bool(parts.query))
        # several hosts may be listed, which `urlsplit` takes for one
        named = [_DATABASE_HOST.fullmatch(host) for host in parts.netloc.rpartition("@")[2].split(",")]
    except ValueError:
        parts, parameters, named = urlsplit(""), {}, [None]
    has_hosts = all(host and 0 < int(host["port"] or 1) <= _DATABASE_HIGHEST_PORT for host in named)
    is_split = parts.netloc.count("@") > 1 or "@" in parts.path + parts.query or "#" in url
    if is_split or not has_hosts:
        raise ValueError("cannot be read; percent-encode / ? # @ : in the password")
    if not set(parameters.get("sslmode", [])) <= set(_SSL_MODES):
        raise ValueError(f"its parameter sslmode must be {', '.join(_SSL_MODES[:-1])} or {_SSL_MODES[-1]}")
