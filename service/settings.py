"""The settings: environment variables, read once into one frozen value that is handed to whoever needs it.

Each setting's description is also its line in the README; a test compares the two.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, PlainValidator, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Network = IPv4Network | IPv6Network
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]

_DATABASE_SCHEMES: Final = ("postgresql", "postgres")
_DATABASE_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(:(?P<port>[0-9]{1,5}))?")
_DATABASE_HIGHEST_PORT: Final = 65_535
_MODES: Final = ("open", "smart", "oidc")
_ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
)
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


class SettingsError(Exception):
    """The environment does not make valid settings; the message names each variable and never shows a value."""


def _zone(value: object) -> ZoneInfo:
    try:
        return value if isinstance(value, ZoneInfo) else ZoneInfo(str(value))
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("must be an IANA time zone such as Europe/Berlin or UTC") from error


def _check_database_url(url: str) -> None:
    """Refuse what would be read as another host than was meant: a part of the password would be tried as one."""
    try:
        parts = urlsplit(url)
        parameters = parse_qs(parts.query, strict_parsing=bool(parts.query))
        # several hosts may be listed, which `urlsplit` takes for one
        hosts = [_DATABASE_HOST.fullmatch(host) for host in parts.netloc.rpartition("@")[2].split(",")]
    except ValueError:
        parts, parameters, hosts = urlsplit(""), {}, [None]
    has_hosts = all(host and 0 < int(host["port"] or 1) <= _DATABASE_HIGHEST_PORT for host in hosts)
    is_split = parts.netloc.count("@") > 1 or "@" in parts.path + parts.query or "#" in url
    if is_split or not has_hosts:
        raise ValueError("cannot be read; percent-encode / ? # @ : in the password")
    if not set(parameters.get("sslmode", [])) <= set(_SSL_MODES):
        raise ValueError(f"its parameter sslmode must be {_alternatives(_SSL_MODES)}")


def _alternatives(values: tuple[str, ...]) -> str:
    return f"{', '.join(values[:-1])} or {values[-1]}"


class Settings(BaseSettings):
    """Every setting of the service. The environment variable is the field's name in capitals."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True, validate_default=True
    )

    database_url: SecretStr | None = Field(
        default=None,
        description="postgresql:// URL of a PostgreSQL server, version 15 or newer; absent: embedded under DATA_DIR",
    )
    data_dir: Path = Field(default=Path(".data"), description="folder of the embedded database")
    host: str = Field(default="127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(default=8000, ge=0, le=65_535, description="port to listen on; 0 takes a free one")
    workers: int = Field(default=1, ge=1, le=256, description="number of worker processes")
    base_url: str | None = Field(
        default=None,
        description="public FHIR base URL, such as https://example.org/fhir; absent: taken from each request's Host",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least severity logged")
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="one JSON object or key=value text per line; auto: text on a terminal"
    )
    access_log: bool = Field(default=True, description="one log line per request, without query string or ids")
    referential_integrity: bool = Field(
        default=False,
        description="refuse references to local resources that do not exist, and deletion of what is referred to",
    )
    require_if_match: bool = Field(
        default=False, description="refuse to update, patch or delete a resource without If-Match, with 428"
    )
    pool_min_size: Count = Field(default=2, description="database connections that each worker opens at start")
    pool_max_size: Count = Field(default=8, description="most database connections per worker")
    acquire_timeout_seconds: Seconds = Field(default=5, description="longest wait for a database connection, then 503")
    statement_timeout_seconds: Seconds = Field(default=30, description="longest run of a database statement, then 503")
    database_wait_seconds: Seconds = Field(default=30, description="how long a start waits for the database to answer")
    max_body_bytes: int = Field(default=16 << 20, ge=1024, description="largest request body, also once decompressed")
    body_timeout_seconds: Seconds = Field(default=30, description="longest wait for a whole request body, then 408")
    max_bundle_entries: Count = Field(default=1000, description="most entries of a batch or transaction")
    default_page_size: Count = Field(default=50, description="entries on a page when _count is not sent")
    max_page_size: Count = Field(default=1000, description="most entries on a page, whatever _count says")
    max_search_values: Count = Field(
        default=1000, description="most values of one search parameter, separated by commas"
    )
    max_search_criteria: Count = Field(default=50, description="most criteria of one search")
    max_chain_links: Count = Field(default=6, description="most links of a chained parameter, forwards and backwards")
    max_sort_keys: Count = Field(default=5, description="most keys of _sort")
    max_includes: Count = Field(default=20, description="most _include and _revinclude of one search, together")
    max_included: Count = Field(default=1000, description="most resources included with one page; beyond it 400")
    max_include_rounds: Count = Field(
        default=5, description="how often _include:iterate and _revinclude:iterate follow what they included"
    )
    max_value_set_codes: Count = Field(
        default=10_000, description="most codes that a value set or a hierarchy may come to in a search"
    )
    time_zone: Annotated[ZoneInfo, PlainValidator(_zone)] = Field(
        default_factory=lambda: ZoneInfo("UTC"), description="IANA time zone in which dates without a time are searched"
    )
    cursor_secret: SecretStr | None = Field(
        default=None, description="key that seals page cursors, 32 characters or more; absent: kept in the database"
    )
    shutdown_grace_seconds: Seconds = Field(default=20, description="how long a stop waits for requests under way")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("*",), description="origins that browsers may call from, separated by commas; empty list: -"
    )

    auth_mode: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("open",),
        description="who may use FHIR: open (everybody, on loopback only), smart (clients registered here), "
        "oidc (bearers of tokens of OIDC_ISSUERS) or smart,oidc",
    )
    oidc_issuers: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="issuers whose access tokens are accepted, as their tokens name them, with commas"
    )
    oidc_audience: str | None = Field(
        default=None, min_length=1, description="the audience that access tokens of OIDC_ISSUERS must name"
    )
    oidc_algorithms: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("RS256", "PS256", "ES256", "RS384", "ES384"),
        description="signature algorithms that OIDC_ISSUERS may use, with commas",
    )
    audit: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="on: a record of every interaction, without which nothing is answered; auto: on unless AUTH_MODE "
        "is open",
    )
    client_requests_per_minute: Count = Field(
        default=6000, description="most requests of one client in a minute, then 429; each worker allows its share"
    )
    private_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        default=(),
        description="networks such as 10.1.0.0/16 in which URLs that clients give may lie, also with http; else none",
    )

    @field_validator("auth_mode", mode="before")
    @classmethod
    def _auth_mode(cls, value: object) -> object:
        modes = _listed(value)
        if not modes or not set(modes) <= set(_MODES) or (len(modes) > 1 and "open" in modes):
            raise ValueError("must be open, smart, oidc or smart,oidc")
        return tuple(mode for mode in _MODES if mode in modes)

    @field_validator("oidc_issuers", mode="before")
    @classmethod
    def _oidc_issuers(cls, value: object) -> object:
        issuers = _listed(value)
        for issuer in issuers:
            parts = urlsplit(issuer)
            is_plain = parts.scheme == "http" and parts.hostname in _LOOPBACK_NAMES
            if not (parts.scheme == "https" or is_plain) or not parts.hostname or parts.query or parts.fragment:
                raise ValueError("must be https URLs such as https://login.example.org/realms/clinic, with commas")
        return issuers

    @field_validator("oidc_algorithms", mode="before")
    @classmethod
    def _oidc_algorithms(cls, value: object) -> object:
        algorithms = _listed(value)
        if not algorithms or not set(algorithms) <= set(_ALGORITHMS):
            raise ValueError(f"must be out of {', '.join(_ALGORITHMS)}, separated by commas")
        return algorithms

    @field_validator("private_networks", mode="before")
    @classmethod
    def _private_networks(cls, value: object) -> object:
        try:
            return tuple(ip_network(each) for each in _listed(value))
        except ValueError as error:
            raise ValueError("must be networks such as 10.1.0.0/16, separated by commas") from error

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        scheme, separator, rest = value.get_secret_value().partition("://")
        scheme = scheme.removesuffix("+asyncpg")
        if not separator or scheme not in _DATABASE_SCHEMES:
            raise ValueError("must begin with postgresql://")
        url = f"postgresql://{rest}"
        _check_database_url(url)
        return SecretStr(url)

    @field_validator("base_url")
    @classmethod
    def _base_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
            raise ValueError("must be an absolute http or https URL without query, such as https://example.org/fhir")
        return value.rstrip("/")

    @field_validator("cursor_secret")
    @classmethod
    def _cursor_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("must have 32 characters or more")
        return value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _cors_origins(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        origins = tuple(origin.strip().rstrip("/") for origin in value.split(",") if origin.strip() not in {"", "-"})
        for origin in origins:
            if origin != "*" and not re.fullmatch(r"https?://[^/?#\s]+", origin):
                raise ValueError("must be * or origins such as https://app.example.org, separated by commas")
        return origins

    @model_validator(mode="after")
    def _sizes_agree(self) -> Self:
        for smaller, larger in (("pool_min_size", "pool_max_size"), ("default_page_size", "max_page_size")):
            if getattr(self, smaller) <= getattr(self, larger):
                continue
            if smaller in self.model_fields_set:
                raise ValueError(f"{smaller.upper()}: must not be larger than {larger.upper()}")
            # a default follows the maximum that was chosen; the model is frozen only once it is made
            self.__dict__[smaller] = getattr(self, larger)
        return self

    @model_validator(mode="after")
    def _access_is_settled(self) -> Self:
        if not _is_loopback(self.host):
            if self.auth_mode == ("open",):
                raise ValueError(
                    "AUTH_MODE: open lets everybody read and change everything, and serves loopback addresses only; "
                    "set AUTH_MODE=smart and BASE_URL, or HOST=127.0.0.1"
                )
            if self.base_url is None or not self.base_url.startswith("https://"):
                raise ValueError(
                    "BASE_URL: must be the https:// URL by which clients reach the service (TLS may end at a proxy), "
                    "because tokens are sent to it and assertions name it"
                )
        if self.auth_mode != ("open",) and self.port == 0 and self.base_url is None:
            raise ValueError("PORT: must be named, or BASE_URL, because assertions name the URL that they are sent to")
        if "oidc" in self.auth_mode:
            if not self.oidc_issuers:
                raise ValueError("OIDC_ISSUERS: must name an issuer when AUTH_MODE has oidc")
            if self.oidc_audience is None:
                raise ValueError("OIDC_AUDIENCE: must be set when AUTH_MODE has oidc")
        return self

    @property
    def is_audited(self) -> bool:
        """Whether interactions are put on record."""
        return self.audit == "on" or (self.audit == "auto" and self.auth_mode != ("open",))

    def shown(self) -> dict[str, str]:
        """Environment variable → value as text, with secrets hidden."""
        values = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name.upper(): _text(value) for name, value in values}


def _listed(value: object) -> tuple[str, ...]:
    """The parts of a text separated by commas, each once; what is listed already stays so."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, tuple | list) else ()
    return tuple(dict.fromkeys(str(part).strip() for part in parts if str(part).strip()))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def fhir_url(settings: Settings) -> str:
    """The public FHIR base URL: BASE_URL, or where a service on loopback listens."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.base_url or f"http://{host}:{settings.port}/fhir"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def read_settings(**given: object) -> Settings:
    """The settings of this process's environment, but for those `given`.

    `SettingsError` with one line per variable that is wrong.
    """
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise SettingsError("\n".join(map(_line, problems))) from None


def _line(problem: ErrorDetails) -> str:
    """``VARIABLE: what would be accepted``; a rule over several variables begins with the first of them itself."""
    name = f"{str(problem['loc'][0]).upper()}: " if problem["loc"] else ""
    context = problem.get("ctx", {})
    match problem["type"]:
        case "int_parsing" | "int_parsing_size" | "int_from_float" | "int_type":
            return f"{name}must be a whole number"
        case "float_parsing" | "float_type" | "finite_number":
            return f"{name}must be a number"
        case "bool_parsing" | "bool_type":
            return f"{name}must be true or false"
        case "greater_than":
            return f"{name}must be more than {context['gt']:g}"
        case "greater_than_equal":
            return f"{name}must be {context['ge']} or more"
        case "less_than_equal":
            return f"{name}must be {context['le']} or less"
        case "literal_error":
            return f"{name}must be {context['expected'].replace(chr(39), '')}"
    return name + problem["msg"].removeprefix("Value error, ")
