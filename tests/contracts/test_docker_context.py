"""What a build of an image may see of a checkout."""

import subprocess
from pathlib import Path

import pytest

from tests.docker_context import ROOT, context, is_sent

LIMIT_BYTES = 5_000_000
TOP = {"ktrdr", "strategies", "deploy", "pyproject.toml", "README.md", "LICENSE"}


def test_context_is_small_and_from_known_places():
    paths = context()
    assert {path.parts[0] for path in paths} == TOP
    assert sum((ROOT / path).stat().st_size for path in paths) < LIMIT_BYTES


def test_all_that_is_sent_can_be_committed():
    # What git ignores would be in an image built here and in no clone.
    names = "\0".join(map(str, context()))
    command = ["git", "check-ignore", "--stdin", "-z", "--no-index"]
    done = subprocess.run(
        command, cwd=ROOT, input=names, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout.split("\0") or done.stderr


@pytest.mark.parametrize(
    "name",
    [
        ".git/config",
        ".venv/bin/python",
        ".ktrdr/artifacts/a",
        "archive/old.py",
        "deploy/.env",
        "deploy/docker/build/.mypy_cache/a.json",
        "deploy/environments/local/secrets/database-password",
        "deploy/production.env",
        "deploy/tls/server.key",
        "deploy/tls/server.pem",
        "docs/images.md",
        "ktrdr/api/__pycache__/main.cpython-313.pyc",
        "tests/builders.py",
    ],
)
def test_no_build_sees_secrets_caches_or_what_it_does_not_need(name: str):
    assert not is_sent(Path(name))


@pytest.mark.parametrize(
    "name",
    [
        # Hatchling reads both when it builds the wheel.
        "README.md",
        "LICENSE",
        "pyproject.toml",
        "ktrdr/__init__.py",
        "ktrdr/api/main.py",
        "strategies/momentum.yaml",
        "deploy/locks/backend.txt",
        "deploy/docker/build/install.py",
    ],
)
def test_build_sees_what_it_needs(name: str):
    assert (ROOT / name).is_file()
    assert is_sent(Path(name))


def test_last_rule_that_fits_decides():
    rules = "*\n!a/\n**/*.pyc\n"
    assert is_sent(Path("a/b/c.py"), rules)
    assert not is_sent(Path("a/b/c.pyc"), rules)
    assert not is_sent(Path("b/a/c.py"), rules)
