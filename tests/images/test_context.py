"""The engine is sent what the tests of ``.dockerignore`` believe it is."""

from pathlib import Path

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
    root = Path(__file__).parents[2]
    context, out = tmp_path / "context", tmp_path / "out"
    for name in PROBES:
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).write_text("")
    (context / ".dockerignore").write_bytes((root / ".dockerignore").read_bytes())
    dockerfile = "FROM scratch\nCOPY . /\n"
    output = f"--output=type=local,dest={out}"
    engine.run("build", "--file", "-", output, str(context), stdin=dockerfile)
    sent = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert sent == {name for name in PROBES if is_sent(Path(name))}
