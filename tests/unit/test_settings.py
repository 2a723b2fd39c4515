"""The settings: read from the environment, refused with a sentence, shown without secrets, all of them documented."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import Settings, SettingsError, fhir_url, read_settings

README = Path(__file__).parents[2] / "README.md"

BAD = [
    ("PORT", "eighty"),
    ("PORT", "70000"),
    ("WORKERS", "0"),
    ("BASE_URL", "fhir.example.org"),
    ("BASE_URL", "https://example.org/fhir?x=1"),
    ("DATABASE_URL", "mysql://user:the-secret@host/db"),
    ("TIME_ZONE", "Middle/Earth"),
    ("CURSOR_SECRET", "the-secret"),
    ("LOG_LEVEL", "loud"),
    ("CORS_ORIGINS", "example.org"),
    ("STATEMENT_TIMEOUT_SECONDS", "-1"),
    ("REFERENTIAL_INTEGRITY", "perhaps"),
    ("AUTH_MODE", "closed"),
    ("AUTH_MODE", "open,smart"),
    ("OIDC_ISSUERS", "login.example.org"),
    ("OIDC_ISSUERS", "http://login.example.org"),
    ("OIDC_ALGORITHMS", "none"),
    ("OIDC_ALGORITHMS", "HS256"),
    ("PRIVATE_NETWORKS", "10.0.0.0/99"),
    ("CDS_ISSUERS", "https://ehr.example.org"),
    ("CDS_ISSUERS", "https://ehr.example.org=http://ehr.example.org/jwks"),
    ("SAFETY_OVERRIDES", "/the-secret/nowhere.toml"),
    ("PAYER_RULES", "/the-secret/nowhere.toml"),
    ("CLIENT_REQUESTS_PER_MINUTE", "0"),
    ("STRANGER_REQUESTS_PER_MINUTE", "0"),
    ("TRUSTED_PROXIES", "10.0.0.1/8"),
    ("TRUSTED_PROXIES", "proxy"),
    ("PROXY_HEADERS", "x-real-ip"),
    ("ALLOWED_HOSTS", "https://fhir.example.org"),
    ("ALLOWED_HOSTS", "fhir.example.org:8443"),
    ("TLS_CERTIFICATE", "/the-secret/nowhere.pem"),
    ("TLS_KEY", "/the-secret/nowhere.pem"),
]


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_an_empty_environment_serves_locally_on_an_embedded_database() -> None:
    settings = read_settings()
    assert (settings.host, settings.port, settings.database_url) == ("127.0.0.1", 8000, None)


@pytest.mark.parametrize("name,value", BAD)
def test_a_bad_value_is_refused_by_the_name_of_its_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        read_settings()
    assert str(refused.value).startswith(f"{name}: ")
    assert "the-secret" not in str(refused.value)


def test_all_bad_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("WORKERS", "y")
    with pytest.raises(SettingsError, match=r"(?s)PORT: .*WORKERS: "):
        read_settings()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:the-secret/ss@host/db",
        "postgresql://u:the-secret#wd@host/db",
        "postgresql://u:the-secret?wd@host/db",
        "postgresql://u:the@secret@host/db",
        "postgresql://h:the-secret/x",
        "postgresql://u:the-secret@[::1/db",
        "postgresql://u:1/the-secret@host/db",
        "postgresql://u:1#the-secret@host/db",
        "postgresql://u:1?the-secret=x@host/db",
        "postgresql://u:the-secret@host:70000/db",
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_database_url_that_would_be_misread_is_refused_without_any_part_of_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(SettingsError) as refused:
        read_settings()
    assert str(refused.value) == "DATABASE_URL: cannot be read; percent-encode / ? # @ : in the password"
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///db",
        "postgresql://u:p%2Fss%40@host/db?sslmode=require&application_name=x",
        "postgresql://u:p:w@one:5432,two:5433,127.0.0.1:5434/db",
        "postgresql://u:p@[::1]:5434/db",
        "postgresql://postgres@/postgres?host=/run/postgresql",
    ],
)
def test_a_database_url_may_name_several_hosts_a_socket_or_none(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    read = read_settings().database_url
    assert read is not None
    assert read.get_secret_value() == url


@pytest.mark.parametrize("hosts", ["one:5432,[::1]:5434", "[::1]:5434,one", "[::1],one", "[::1],[::2]"])
def test_an_ipv6_address_among_several_hosts_is_refused_by_every_python(
    hosts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:the-secret@{hosts}/db")
    with pytest.raises(SettingsError) as refused:
        read_settings()
    told = "an IPv6 address cannot stand among several hosts; list their names or IPv4 addresses"
    assert str(refused.value) == f"DATABASE_URL: {told}"


def test_an_unknown_sslmode_is_refused_with_those_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:the-secret@host/db?sslmode=foo")
    with pytest.raises(SettingsError) as refused:
        read_settings()
    known = "disable, allow, prefer, require, verify-ca or verify-full"
    assert str(refused.value) == f"DATABASE_URL: its parameter sslmode must be {known}"


@pytest.mark.parametrize(
    "name,value,line",
    [
        ("PORT", "eighty", "PORT: must be a whole number"),
        ("PORT", "8000.5", "PORT: must be a whole number"),
        ("PORT", "70000", "PORT: must be 65535 or less"),
        ("WORKERS", "0", "WORKERS: must be 1 or more"),
        ("DATABASE_WAIT_SECONDS", "soon", "DATABASE_WAIT_SECONDS: must be a number"),
        ("DATABASE_WAIT_SECONDS", "0", "DATABASE_WAIT_SECONDS: must be more than 0"),
        ("ACCESS_LOG", "perhaps", "ACCESS_LOG: must be true or false"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL: must be debug, info, warning or error"),
        ("POOL_MIN_SIZE", "9", "POOL_MIN_SIZE: must not be larger than POOL_MAX_SIZE"),
        ("DEFAULT_PAGE_SIZE", "1001", "DEFAULT_PAGE_SIZE: must not be larger than MAX_PAGE_SIZE"),
    ],
)
def test_a_refusal_says_what_would_be_accepted(
    name: str, value: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        read_settings()
    assert str(refused.value) == line


def test_defaults_follow_a_smaller_maximum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_PAGE_SIZE", "20")
    monkeypatch.setenv("POOL_MAX_SIZE", "1")
    assert (read_settings().default_page_size, read_settings().pool_min_size) == (20, 1)


def test_sizes_that_contradict_each_other_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOL_MIN_SIZE", "9")
    with pytest.raises(SettingsError, match="POOL_MIN_SIZE"):
        read_settings()


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("BASE_URL", "")
    assert read_settings().database_url is None
    assert read_settings().base_url is None


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_every_common_spelling_of_a_database_url_is_understood(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://user@host/db?sslmode=require")
    url = read_settings().database_url
    assert url is not None
    assert url.get_secret_value() == "postgresql://user@host/db?sslmode=require"


def test_the_base_url_has_no_trailing_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASE_URL", "https://example.org/fhir/")
    assert read_settings().base_url == "https://example.org/fhir"


@pytest.mark.parametrize(
    "text,origins",
    [("*", ("*",)), ("-", ()), ("https://a.example, https://b.example/", ("https://a.example", "https://b.example"))],
)
def test_origins_are_a_list_with_commas(text: str, origins: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", text)
    assert read_settings().cors_origins == origins


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read_settings().port = 1


def test_settings_reach_a_worker_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIME_ZONE", "Europe/Berlin")
    settings = read_settings()
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301 - our own bytes


def test_secrets_are_hidden_wherever_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:the-secret@host/db")
    monkeypatch.setenv("CURSOR_SECRET", "the-secret" * 4)
    settings = read_settings()
    for shown in (str(settings.shown()), repr(settings), str(settings)):
        assert "the-secret" not in shown


def test_every_setting_has_a_description() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("name", [name.upper() for name in Settings.model_fields])
def test_every_setting_is_in_the_readme(name: str) -> None:
    assert f"`{name}`" in README.read_text("utf-8")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "fhir.example.org"])  # noqa: S104 - to be refused
def test_without_access_control_only_this_machine_is_served(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", host)
    with pytest.raises(SettingsError, match=r"AUTH_MODE: open .* loopback"):
        read_settings()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_may_be_served_in_every_mode(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", host)
    assert read_settings().auth_mode == ("open",)
    monkeypatch.setenv("AUTH_MODE", "smart")
    assert read_settings().auth_mode == ("smart",)


@pytest.mark.parametrize("base_url", ["", "http://fhir.example.org/fhir"])
def test_tokens_are_sent_over_tls_only(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So whoever serves others needs the URL that they know, with https."""
    monkeypatch.setenv("HOST", "0.0.0.0")  # noqa: S104 - as the image has it
    monkeypatch.setenv("AUTH_MODE", "smart")
    monkeypatch.setenv("BASE_URL", base_url)
    with pytest.raises(SettingsError, match=r"BASE_URL: .*https"):
        read_settings()
    monkeypatch.setenv("BASE_URL", "https://fhir.example.org/fhir")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8")
    assert read_settings().auth_mode == ("smart",)


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])  # noqa: S104 - as the image has it
def test_who_has_tls_end_elsewhere_names_the_proxy(host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Else all requests seem to come from it: on record, and where strangers are counted by their address."""
    monkeypatch.setenv("HOST", host)
    monkeypatch.setenv("AUTH_MODE", "smart")
    monkeypatch.setenv("BASE_URL", "https://fhir.example.org/fhir")
    with pytest.raises(SettingsError, match=r"TRUSTED_PROXIES: .*TLS_CERTIFICATE"):
        read_settings()
    pem = tmp_path / "x.pem"
    pem.touch()
    monkeypatch.setenv("TLS_CERTIFICATE", str(pem))
    monkeypatch.setenv("TLS_KEY", str(pem))
    assert read_settings().tls_key == pem


def test_a_certificate_needs_its_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pem = tmp_path / "x.pem"
    pem.touch()
    monkeypatch.setenv("TLS_CERTIFICATE", str(pem))
    with pytest.raises(SettingsError, match="TLS_KEY: must be set"):
        read_settings()


def test_a_service_that_has_a_certificate_is_called_by_https(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pem = tmp_path / "x.pem"
    pem.touch()
    monkeypatch.setenv("TLS_CERTIFICATE", str(pem))
    monkeypatch.setenv("TLS_KEY", str(pem))
    assert fhir_url(read_settings()) == "https://127.0.0.1:8000/fhir"


def test_a_service_with_tokens_needs_a_port_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_MODE", "smart")
    monkeypatch.setenv("PORT", "0")
    with pytest.raises(SettingsError, match="PORT: "):
        read_settings()


def test_other_issuers_need_a_name_and_an_audience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token for somebody else is not for us."""
    monkeypatch.setenv("AUTH_MODE", "oidc, smart")
    with pytest.raises(SettingsError, match="OIDC_ISSUERS: "):
        read_settings()
    monkeypatch.setenv("OIDC_ISSUERS", "https://login.example.org/realms/clinic")
    with pytest.raises(SettingsError, match="OIDC_AUDIENCE: "):
        read_settings()
    monkeypatch.setenv("OIDC_AUDIENCE", "https://fhir.example.org")
    assert read_settings().auth_mode == ("smart", "oidc")


@pytest.mark.parametrize(
    "host,base_url,expected",
    [
        ("127.0.0.1", "", "http://127.0.0.1:8000/fhir"),
        ("::1", "", "http://[::1]:8000/fhir"),
        ("127.0.0.1", "https://fhir.example.org/r4", "https://fhir.example.org/r4"),
    ],
)
def test_the_url_that_tokens_are_for_comes_from_the_settings(
    host: str, base_url: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never from a request, whose Host anybody can choose."""
    monkeypatch.setenv("HOST", host)
    monkeypatch.setenv("BASE_URL", base_url)
    assert fhir_url(read_settings()) == expected
