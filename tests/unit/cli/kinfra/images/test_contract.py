"""A table of images that can't be used is refused in words."""

import shutil
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.images.contract import TABLE, load_contract
from ktrdr.errors import InputError, NotFoundError

ROOT = Path(__file__).parents[5]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), "utf-8")


def test_the_table_of_this_checkout_can_be_used():
    assert load_contract(ROOT).image("worker-cpu").accelerator == "cpu"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('cpu = "cpu"', "", "torch.cpu: Field required"),
        ("budget_mb = 290", "budget_mb = 0", r"images\.backend\.budget_mb"),
        ('["linux/amd64", "linux/arm64"]', '["linux/s390x"]', r"images\.backend\.plat"),
        ('"ktrdr-worker-gpu"', '"ktrdr-worker-cpu"', "two images are called"),
        ("[torch]", "[torch", "images.toml is no TOML"),
    ],
)
def test_what_is_wrong_is_named(checkout, before, after, told):
    change(checkout / TABLE, before, after)
    with pytest.raises(InputError, match=told):
        load_contract(checkout)


def test_a_table_in_another_encoding_is_refused(checkout):
    (checkout / TABLE).write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"images.toml is no TOML"):
        load_contract(checkout)


def test_the_release_of_torch_is_asked_for(checkout):
    change(checkout / "pyproject.toml", "torch-version", "torch-release")
    with pytest.raises(InputError, match=r"pyproject.toml lacks torch-version"):
        load_contract(checkout)


def test_an_installation_without_checkout_is_told(tmp_path):
    with pytest.raises(NotFoundError, match="from a checkout"):
        load_contract(tmp_path)
