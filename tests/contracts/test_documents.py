"""Paths and links in the documents lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path):
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    missing = [link for link in links if not (document.parent / link).exists()]
    assert not missing


def test_code_tables_name_files_that_exist():
    """A bare file name stands in the folder of the path before it."""
    missing = []
    for document in sorted((ROOT / "docs" / "architecture").glob("*.md")):
        for row in re.findall(r"^\|.*\|$", document.read_text("utf-8"), re.MULTILINE):
            folder = ROOT
            for name in re.findall(r"`([\w./]+(?:\.py|/))`", row):
                path = ROOT / name if "/" in name else folder / name
                folder = path.parent if path.suffix else path
                if not path.exists():
                    missing.append(f"{document.name}: {name}")
    assert not missing
