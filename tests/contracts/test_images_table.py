"""What repeats `deploy/images.toml` says the same as it."""

import re
import subprocess
import sys

import pytest

from ktrdr.cli.kinfra.images import generated
from ktrdr.cli.kinfra.images.contract import Image, load_contract
from ktrdr.cli.kinfra.images.torch_source import pytorch_index

CONTRACT = load_contract()
IMAGES = pytest.mark.parametrize(
    "image", CONTRACT.images, ids=[image.key for image in CONTRACT.images]
)


def defaults(image: Image) -> dict[str, set[str]]:
    """Return the defaults of the build arguments of an image's Dockerfile."""
    text = (CONTRACT.root / image.dockerfile).read_text("utf-8")
    found: dict[str, set[str]] = {}
    for name, value in re.findall(r"^ARG (\w+)(?:=(\S+))?$", text, re.MULTILINE):
        found.setdefault(name, set()).update({value} - {""})
    return found


def test_the_bake_file_and_the_page_are_what_the_table_makes_of_them():
    assert generated.outdated(CONTRACT) == [], "run `kinfra images generate`"


def test_a_change_of_the_table_is_seen(tmp_path):
    for path in generated.FILES:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text((CONTRACT.root / path).read_text("utf-8"))
    for name in ("deploy/images.toml", "pyproject.toml"):
        (tmp_path / name).write_text((CONTRACT.root / name).read_text("utf-8"))
    table = tmp_path / "deploy/images.toml"
    table.write_text(
        table.read_text("utf-8").replace('python = "3.13"', 'python = "3.12"')
    )
    changed = load_contract(tmp_path)
    assert generated.write(changed) == [generated.BAKE_FILE]
    assert generated.outdated(changed) == []


@IMAGES
def test_a_dockerfile_takes_the_arguments_that_builds_give(image):
    expected = {"PYTHON_VERSION", "COMMIT", "SOURCE_DATE_EPOCH"}
    if image.accelerator != "none":
        expected |= {"TORCH_INDEX", "TRIM"}
    assert expected <= set(defaults(image))


@IMAGES
def test_the_defaults_of_a_dockerfile_are_the_tables(image):
    found = defaults(image)
    assert found["PYTHON_VERSION"] == {CONTRACT.python}
    index = pytorch_index(CONTRACT, image)
    assert found.get("TORCH_INDEX", set()) == ({index} if index else set())


def test_asking_for_help_loads_nothing_heavy():
    heavy = ("pydantic", "rich", "numpy", "zstandard", "fastapi")
    code = (
        "import sys, ktrdr.cli.kinfra.main\n"
        f"print({set(heavy)!r} & {{name.split('.')[0] for name in sys.modules}})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
