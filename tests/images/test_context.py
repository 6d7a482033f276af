"""The engine is sent what the tests of ``.dockerignore`` believe it is."""

import subprocess
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.images.engine import Engine
from tests.docker_context import is_sent

PROBES = (
    ".env",
    ".git/config",
    "README.md",
    "archive/old.py",
    "deploy/.env",
    "deploy/.mypy_cache/a.json",
    "deploy/.env.local",
    "deploy/production.env",
    "deploy/locks/backend.txt",
    "deploy/tls/server.key",
    "ktrdr/api/main.py",
    "ktrdr/api/__pycache__/main.pyc",
    "ktrdr/left.pyc",
    "tests/builders.py",
)


def test_engine_reads_dockerignore_as_the_tests_do(tmp_path: Path):
    engine = Engine.find()
    if engine.name != "docker":
        pytest.skip("only docker's builder writes what it built into a folder")
    root = Path(__file__).parents[2]
    context, out = tmp_path / "context", tmp_path / "out"
    for name in PROBES:
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).write_text("")
    (context / ".dockerignore").write_bytes((root / ".dockerignore").read_bytes())
    subprocess.run(
        ["docker", "buildx", "build", "--file", "-", "--output", out, context],
        input=b"FROM scratch\nCOPY . /\n",
        check=True,
    )
    sent = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert sent == {name for name in PROBES if is_sent(Path(name))}
