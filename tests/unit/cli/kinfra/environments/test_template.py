"""An environment of the template has variables and secrets of its own."""

import stat
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.compose import read_variables
from ktrdr.cli.kinfra.environments.secret_files import (
    keep_token,
    kept_token,
    make_secrets,
)
from ktrdr.cli.kinfra.environments.template import (
    change_variables,
    templated,
    write_variables,
)
from ktrdr.cli.kinfra.images.engine import Engine

DEFAULTS = Path("ktrdr/cli/kinfra/templates/.env.sandbox")


def test_variables_are_the_templates_with_changes(tmp_path):
    write_variables(tmp_path, 3, {"KTRDR_SOURCE": "/somewhere"})
    before = read_variables(Path(__file__).parents[5] / DEFAULTS)
    after = read_variables(tmp_path / ".env.sandbox")
    assert before.keys() == after.keys()
    assert {name: after[name] for name in after if after[name] != before[name]} == {
        "KTRDR_API_PORT": "8003",
        "KTRDR_DATABASE_PORT": "5435",
        "KTRDR_SECRETS": str(tmp_path / "secrets"),
        "KTRDR_SOURCE": "/somewhere",
    }


def test_variables_are_changed_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    write_variables(tmp_path, 0, {})
    file = tmp_path / ".env.sandbox"
    file.chmod(0o600)
    before = file.read_text()
    change_variables(tmp_path, {"KTRDR_BACKEND_IMAGE": "r/b:2"})
    after = before.replace("BACKEND_IMAGE=ktrdr-backend:dev", "BACKEND_IMAGE=r/b:2")
    assert file.read_text() == after
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def no_space(path, text, **options):
        path.open("w").close()
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_text", no_space)
    with pytest.raises(OSError, match="No space"):
        change_variables(tmp_path, {"KTRDR_BACKEND_IMAGE": "r/b:3"})
    assert file.read_text() == after


def test_the_templates_images_are_the_development_image():
    found = read_variables(Path(__file__).parents[5] / DEFAULTS)
    assert found["KTRDR_BACKEND_IMAGE"] == "ktrdr-backend:dev"
    assert found["KTRDR_WORKER_IMAGE"] == "ktrdr-backend:dev"


def test_source_is_mounted_only_where_there_is_one(tmp_path):
    def files(source: str) -> list[str]:
        write_variables(tmp_path, 1, {"KTRDR_SOURCE": source})
        found = templated(Engine("docker"), tmp_path, "x", "kinfra sandbox ... x")
        return [path.name for path in found.compose.project.files]

    base = "docker-compose.base.yml"
    assert files("/somewhere") == [base, "docker-compose.source.yml"]
    assert files("") == [base]


def test_secrets_are_made_once_and_only_we_reach_them(tmp_path):
    folder = tmp_path / "secrets"
    make_secrets(folder, ["a", "b"])
    first = (folder / "a").read_text()
    make_secrets(folder, ["a", "b"])
    assert (folder / "a").read_text() == first
    assert first != (folder / "b").read_text()
    assert len(first.strip()) >= 43
    # Containers read the files as users of their own; nobody else gets that far.
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "a").stat().st_mode) == 0o444


def test_a_token_is_for_us_alone_and_replaces_the_one_before(tmp_path):
    make_secrets(tmp_path, [])
    assert kept_token(tmp_path) is None
    keep_token(tmp_path, "first")
    keep_token(tmp_path, "second")
    assert kept_token(tmp_path) == "second"
    assert stat.S_IMODE((tmp_path / "api-token").stat().st_mode) == 0o600
