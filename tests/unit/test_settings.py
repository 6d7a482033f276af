from pathlib import Path

import pytest

from ktrdr.errors import InputError
from ktrdr.settings import settings


@pytest.fixture(autouse=True)
def read_anew():
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_settings_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("KTRDR_HOME", str(tmp_path))
    monkeypatch.setenv("KTRDR_THREADS", "2")
    assert settings().threads == 2
    assert settings().store_path == tmp_path / "store"
    assert settings().strategies == Path("strategies")


def test_what_a_setting_can_not_be_is_told_with_its_variable(monkeypatch):
    monkeypatch.setenv("KTRDR_THREADS", "none")
    with pytest.raises(InputError, match=r"KTRDR_THREADS is 'none': .*valid integer"):
        settings()


def test_an_empty_variable_counts_as_none(monkeypatch):
    monkeypatch.delenv("KTRDR_HOME", raising=False)
    default = settings().home
    settings.cache_clear()
    monkeypatch.setenv("KTRDR_HOME", "")
    assert settings().home == default


def test_a_tilde_means_the_users_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KTRDR_HOME", "~/research")
    assert settings().home == tmp_path / "research"


def test_the_password_of_the_database_may_lie_in_a_file(monkeypatch, tmp_path):
    file = tmp_path / "password"
    file.write_text("p@ss/word:1\n")
    monkeypatch.setenv("KTRDR_DATABASE_URL", "postgresql://me@db:1/x?sslmode=require")
    monkeypatch.setenv("KTRDR_DATABASE_PASSWORD_FILE", str(file))
    url = settings().database_url
    assert url is not None
    assert url.get_secret_value() == (
        "postgresql://me:p%40ss%2Fword%3A1@db:1/x?sslmode=require"
    )


@pytest.mark.parametrize(
    ("url", "content", "told"),
    [
        (None, "secret", "needs KTRDR_DATABASE_URL"),
        ("postgresql://db/x", "secret", "names a user and no password"),
        ("postgresql://me:seen@db/x", "secret", "names a user and no password"),
        ("postgresql://me@db/x", "\n", "is empty"),
        ("postgresql://me@db/x", None, "can't be read"),
    ],
)
def test_a_password_that_can_not_be_used_is_told_and_not_shown(
    monkeypatch, tmp_path, url, content, told
):
    file = tmp_path / "password"
    if content is not None:
        file.write_text(content)
    monkeypatch.delenv("KTRDR_DATABASE_URL", raising=False)
    if url is not None:
        monkeypatch.setenv("KTRDR_DATABASE_URL", url)
    monkeypatch.setenv("KTRDR_DATABASE_PASSWORD_FILE", str(file))
    with pytest.raises(InputError, match=told) as refused:
        settings()
    assert "seen" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_collector_is_ours_or_that_of_all_programs(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4318")
    assert settings().otlp_endpoint == "http://all:4318"
    settings.cache_clear()
    monkeypatch.setenv("KTRDR_OTLP_ENDPOINT", "http://ours:4318")
    assert settings().otlp_endpoint == "http://ours:4318"
    settings.cache_clear()
    monkeypatch.setenv("KTRDR_OTLP_ENDPOINT", "ours:4318")
    with pytest.raises(InputError, match=r"^[^:]*: KTRDR_OTLP_ENDPOINT is 'ours:4318'"):
        settings()
