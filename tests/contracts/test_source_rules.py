"""Rules that hold for every source file."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "ktrdr").rglob("*.py"))
FORBIDDEN = {
    "executes code on load": re.compile(
        r"^\s*(import|from)\s+(pickle|joblib|cloudpickle|dill|marshal|shelve)\b"
        r"|\btorch\.(load|save)\(|\byaml\.(load|unsafe_load|full_load)\("
        r"|allow_pickle\s*=\s*True",
        re.MULTILINE,
    ),
    "runs a shell": re.compile(r"shell\s*=\s*True|\bos\.system\("),
}


@pytest.mark.parametrize(
    "source", SOURCES, ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_source_does_what_is_forbidden(source: Path):
    text = source.read_text(encoding="utf-8")
    found = {what: rule.findall(text) for what, rule in FORBIDDEN.items()}
    assert not any(found.values()), found


def test_forbidden_patterns_recognise_what_they_are_for():
    assert FORBIDDEN["executes code on load"].search("import pickle\n")
    assert FORBIDDEN["executes code on load"].search("x = torch.load(path)")
    assert FORBIDDEN["runs a shell"].search("run('ls', shell=True)")


def test_base_dependencies_hold_no_unwanted_library():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = {
        re.split(r"[<>=\[;~! ]", line)[0].lower()
        for line in project["project"]["dependencies"]
    }
    unwanted = {
        "torch", "scikit-learn", "pandas", "sqlalchemy", "matplotlib", "streamlit",
        "plotly", "redis", "openai", "aiohttp", "requests",
    }  # fmt: skip
    assert not names & unwanted


def test_no_tracked_text_names_a_package_registry_host():
    hosts = re.compile(r"(pypi|pythonhosted|npmjs|debian)[.](org|io|com)")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    assert paths
    for path in filter(Path.is_file, paths):
        text = path.read_bytes().decode("utf-8", errors="replace")
        assert not hosts.search(text), path
