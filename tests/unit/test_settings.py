"""The settings: read from the environment, refused with a sentence, shown without secrets, all of them documented."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import Settings, SettingsError, read_settings

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
