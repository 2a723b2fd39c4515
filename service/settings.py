"""The settings: environment variables, read once into one frozen value that is handed to whoever needs it.

Each setting's description is also its line in the README; a test compares the two.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FilePath,
    PlainValidator,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service import setting_forms as forms
from service.setting_forms import Network, is_loopback

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Texts = tuple[str, ...]


class SettingsError(Exception):
    """The environment does not make valid settings; the message names each variable and never shows a value."""


class Settings(BaseSettings):
    """Every setting of the service. The environment variable is the field's name in capitals."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True, validate_default=True
    )

    database_url: Annotated[SecretStr | None, AfterValidator(forms.database_url)] = Field(
        default=None,
        description="postgresql:// URL of a PostgreSQL server, version 15 or newer; absent: embedded under DATA_DIR",
    )
    data_dir: Path = Field(default=Path(".data"), description="folder of the embedded database")
    host: str = Field(default="127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(default=8000, ge=0, le=65_535, description="port to listen on; 0 takes a free one")
    workers: int = Field(default=1, ge=1, le=256, description="number of worker processes")
    base_url: Annotated[str | None, AfterValidator(forms.base_url)] = Field(
        default=None,
        description="public FHIR base URL, such as https://example.org/fhir; absent: taken from each request's Host",
    )
    allowed_hosts: Annotated[Texts, NoDecode, BeforeValidator(forms.hosts)] = Field(
        default=(),
        description="further hosts that requests may name, with commas; * is any. Known are that of BASE_URL and "
        "loopback",
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(forms.networks)] = Field(
        default=(),
        description="networks such as 10.1.0.0/16 of proxies that say from where, and by which scheme, a request came",
    )
    proxy_headers: Literal["x-forwarded", "forwarded"] = Field(
        default="x-forwarded",
        description="the headers that TRUSTED_PROXIES set: X-Forwarded-For and X-Forwarded-Proto, or Forwarded",
    )
    tls_certificate: FilePath | None = Field(
        default=None, description="file with the certificate chain as PEM, to serve https itself; absent: a proxy does"
    )
    tls_key: FilePath | None = Field(default=None, description="file with the private key of TLS_CERTIFICATE as PEM")
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
    time_zone: Annotated[ZoneInfo, PlainValidator(forms.zone)] = Field(
        default_factory=lambda: ZoneInfo("UTC"),
        description="IANA time zone of days: of the clinics' visits and sessions, and in which dates "
        "without a time are searched",
    )
    cursor_secret: Annotated[SecretStr | None, AfterValidator(forms.secret)] = Field(
        default=None, description="key that seals page cursors, 32 characters or more; absent: kept in the database"
    )
    shutdown_grace_seconds: Seconds = Field(default=20, description="how long a stop waits for requests under way")
    cors_origins: Annotated[Texts, NoDecode, BeforeValidator(forms.origins)] = Field(
        default=("*",), description="origins that browsers may call from, separated by commas; empty list: -"
    )

    auth_mode: Annotated[Texts, NoDecode, BeforeValidator(forms.modes)] = Field(
        default=("open",),
        description="who may use FHIR: open (everybody, on loopback only), smart (clients registered here), "
        "oidc (bearers of tokens of OIDC_ISSUERS) or smart,oidc",
    )
    oidc_issuers: Annotated[Texts, NoDecode, BeforeValidator(forms.issuers)] = Field(
        default=(), description="issuers whose access tokens are accepted, as their tokens name them, with commas"
    )
    oidc_audience: str | None = Field(
        default=None, min_length=1, description="the audience that access tokens of OIDC_ISSUERS must name"
    )
    oidc_algorithms: Annotated[Texts, NoDecode, BeforeValidator(forms.algorithms)] = Field(
        default=("RS256", "PS256", "ES256", "RS384", "ES384"),
        description="signature algorithms that OIDC_ISSUERS may use, with commas",
    )
    cds_issuers: Annotated[Texts, NoDecode, BeforeValidator(forms.key_sets)] = Field(
        default=(),
        description="EHRs that may call CDS Hooks unless AUTH_MODE is open: iss of their tokens, =, URL of their key "
        "set; with commas",
    )
    safety_overrides: FilePath | None = Field(
        default=None, description="TOML file with severities of safety rules that differ from the catalogue's"
    )
    payer_rules: FilePath | None = Field(
        default=None,
        description="TOML file with what payers' plans ask of sessions, visits and reports where it is not the usual",
    )
    smallest_group: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=5, description="fewest referrals of which $outcome-measures tells a number; 1 withholds nothing"
    )
    outcome_period: Literal["month", "quarter", "half-year", "year"] = Field(
        default="half-year", description="the periods that $outcome-measures tells of; they never overlap"
    )
    referral_rules: Literal["on", "off"] = Field(
        default="on",
        description="on: referrals are screened for safety, and they and what hangs on them follow their life cycles; "
        "off: they are plain FHIR",
    )
    audit: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="on: a record of every interaction, without which nothing is answered; auto: on unless AUTH_MODE "
        "is open",
    )
    client_requests_per_minute: Count = Field(
        default=6000, description="most requests of one client in a minute, then 429; each worker allows its share"
    )
    stranger_requests_per_minute: Count = Field(
        default=300,
        description="most requests without valid credentials from one network address in a minute, then 429; each "
        "worker allows its share",
    )
    private_networks: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(forms.networks)] = Field(
        default=(),
        description="networks such as 10.1.0.0/16 in which URLs that clients give may lie, also with http; else none",
    )

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
    def _tls_is_settled(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            missing = "TLS_KEY" if self.tls_key is None else "TLS_CERTIFICATE"
            raise ValueError(f"{missing}: must be set, too; TLS needs the certificate and its private key")
        return self

    @model_validator(mode="after")
    def _access_is_settled(self) -> Self:
        if not is_loopback(self.host):
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
        is_behind_proxy = self.tls_certificate is None and (self.base_url or "").startswith("https://")
        if self.auth_mode != ("open",) and is_behind_proxy and not self.trusted_proxies:
            raise ValueError(
                "TRUSTED_PROXIES: must name the networks of the proxy where TLS ends, because else every request seems "
                "to come from it; or set TLS_CERTIFICATE and TLS_KEY"
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

    @property
    def cds_key_sets(self) -> dict[str, str]:
        """Issuer → URL of its key set, of the EHRs that may call CDS Hooks."""
        return dict(pair.partition("=")[::2] for pair in self.cds_issuers)

    @property
    def known_hosts(self) -> Texts:
        """The hosts that requests may name, besides loopback."""
        own = urlsplit(self.base_url).hostname if self.base_url else None
        return tuple(host for host in (own, *self.allowed_hosts) if host)

    def shown(self) -> dict[str, str]:
        """Environment variable → value as text, with secrets hidden."""
        values = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name.upper(): _text(value) for name, value in values}


def fhir_url(settings: Settings) -> str:
    """The public FHIR base URL: BASE_URL, or where a service on loopback listens."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "https" if settings.tls_certificate else "http"
    return settings.base_url or f"{scheme}://{host}:{settings.port}/fhir"


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
        case "path_not_file" | "path_type":
            return f"{name}must be the path of a file that exists"
        case "literal_error":
            return f"{name}must be {context['expected'].replace(chr(39), '')}"
    return name + problem["msg"].removeprefix("Value error, ")
