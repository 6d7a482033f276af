"""The documents make a site, and what is wrong in them does not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def build(folder: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Make the site as ``make docs`` does."""
    options = ["--fail-on-warning", "--keep-going", "--quiet"]
    command = [sys.executable, "-m", "sphinx", *options, str(folder), str(target)]
    return subprocess.run(command, capture_output=True, text=True)


def test_make_docs_builds_as_this_does():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "sphinx-build --fail-on-warning --keep-going --quiet docs " in makefile


def test_site_has_every_page_and_loads_nothing_from_elsewhere(tmp_path: Path):
    done = build(ROOT / "docs", tmp_path)
    assert done.returncode == 0, done.stderr
    for page in (ROOT / "docs").rglob("*.md"):
        path = tmp_path / page.relative_to(ROOT / "docs").with_suffix(".html")
        text = path.read_text("utf-8")
        assert 'src="http' not in text
        assert '<link rel="stylesheet" type="text/css" href="http' not in text


PLANTED = {
    "page": ("[x](nowhere.md)", "'nowhere.md'"),
    "heading of a page": ("[x](system.md#nowhere)", "'nowhere'"),
    "heading of the reference": ("[x](reference/api.md#get-nowhere)", "'get-nowhere'"),
    "file": ("[x](../strategies/nowhere.yaml)", "nowhere.yaml"),
}


def test_broken_links_fail_whatever_they_lead_to(tmp_path: Path):
    source = tmp_path / "repository" / "docs"
    shutil.copytree(ROOT / "docs", source)
    (source / "orphan.md").write_text("# A page that nothing names\n")
    with (source / "studies.md").open("a") as page:
        page.writelines(f"\n{link}\n" for link, _ in PLANTED.values())
    shutil.copytree(ROOT / "strategies", source.parent / "strategies")
    done = build(source, tmp_path / "site")
    assert done.returncode == 1
    for what, (_, told) in PLANTED.items():
        assert told in done.stderr, what
    assert "orphan.md: WARNING" in done.stderr
    assert done.stderr.count("WARNING") == len(PLANTED) + 1, done.stderr
