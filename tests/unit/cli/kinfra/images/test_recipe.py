"""What a build is called with."""

from pathlib import Path
from typing import Any

import pytest

from ktrdr.cli.kinfra.images import torch_source
from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.recipe import Recipe, Wishes, make_recipe
from ktrdr.errors import InputError

CONTRACT = load_contract()
IDENTITY = {"COMMIT": "abc", "SOURCE_DATE_EPOCH": "7"}
AMD64, ARM64 = "linux/amd64", "linux/arm64"


@pytest.fixture(autouse=True)
def no_configured_folders(monkeypatch):
    monkeypatch.setattr(torch_source, "configured_folders", list)


def recipe(key: str, **wishes: Any) -> Recipe:
    wanted = Wishes(**{"platform": AMD64, **wishes})
    return make_recipe(CONTRACT, CONTRACT.image(key), wanted, IDENTITY)


def test_the_backend_is_built_from_the_table_and_the_commit():
    made = recipe("backend")
    assert made.options == [
        *("--file", "deploy/docker/Dockerfile.backend", "--platform", AMD64),
        *("--build-arg", f"PYTHON_VERSION={CONTRACT.python}"),
        *("--build-arg", "COMMIT=abc", "--build-arg", "SOURCE_DATE_EPOCH=7"),
    ]
    assert made.references == ("ktrdr-backend:prod", "ktrdr-backend:test")
    assert made.budget_mb == CONTRACT.image("backend").budget_mb


def test_torch_comes_from_the_index_of_the_variant():
    made = recipe("worker-cpu", platform=ARM64)
    assert made.arguments["TORCH_INDEX"] == "https://download.pytorch.org/whl/cpu"
    assert recipe("worker-cpu", torch_index="default").arguments["TORCH_INDEX"] == (
        "default"
    )


def test_torch_from_a_folder_needs_no_index_and_decides_python(tmp_path):
    name = f"torch-{CONTRACT.torch_release}+cpu-cp311-cp311-manylinux_2_28_x86_64.whl"
    (tmp_path / name).touch()
    made = recipe("worker-cpu", wheels=tmp_path)
    assert f"wheels={tmp_path}" in made.options
    assert made.arguments == {"PYTHON_VERSION": "3.11", **IDENTITY}


def test_the_slim_target_has_names_and_a_budget_of_its_own():
    made = recipe("backend", is_slim=True)
    assert made.options[4:6] == ["--target", "slim"]
    assert made.references == ("ktrdr-backend:prod-slim", "ktrdr-backend:test-slim")
    assert made.budget_mb == CONTRACT.image("backend").slim_budget_mb


def test_an_untrimmed_image_has_names_of_its_own_and_no_budget():
    made = recipe("worker-cpu", is_trimmed=False)
    assert made.arguments["TRIM"] == "no"
    assert made.references[0] == "ktrdr-worker-cpu:prod-untrimmed"
    assert made.budget_mb is None


def test_a_build_without_cache_says_so():
    assert "--no-cache" in recipe("backend", uses_cache=False).options


@pytest.mark.parametrize(
    ("key", "wishes", "said"),
    [
        ("worker-gpu", {"platform": ARM64}, "not made for linux/arm64"),
        ("dev", {"is_slim": True}, "no target slim"),
        ("backend", {"wheels": Path("wheels")}, "holds no torch"),
        ("backend", {"torch_index": "default"}, "holds no torch"),
        ("backend", {"is_trimmed": False}, "holds no torch"),
    ],
)
def test_wishes_that_contradict_the_table_are_refused(key, wishes, said):
    with pytest.raises(InputError, match=said):
        recipe(key, **wishes)
