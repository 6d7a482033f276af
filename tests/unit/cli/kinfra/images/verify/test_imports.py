"""What can be imported, and which torch it is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.images.verify.check import Fault, NotChecked
from ktrdr.cli.kinfra.images.verify.facts import ImportFacts, TorchFacts
from ktrdr.cli.kinfra.images.verify.imports import (
    imports,
    non_imports,
    torch_build,
    torch_problem,
)
from ktrdr.cli.kinfra.images.verify.probes import imports as probe
from tests.unit.cli.kinfra.images.verify.subjects import CONTRACT, subject

RELEASE = CONTRACT.torch_release
REQUEST = {
    "wanted": ["ktrdr.api"],
    "unwanted": ["torch", "pandas"],
    "package": "ktrdr",
    "without": ["ktrdr.neural"],
}


def facts(**changes) -> ImportFacts:
    whole = {"failed": {}, "present": [], "reached": [], "n_imported": 400}
    return ImportFacts(**{**whole, **changes})


def with_imports(**changes):
    found = subject()
    found.__dict__["imports"] = facts(**changes)
    return found


def test_imports_that_all_succeed_pass():
    assert imports(with_imports()) == "400 modules"
    assert non_imports(with_imports())


@pytest.mark.parametrize(
    ("judge", "change", "told"),
    [
        (imports, {"failed": {"talib": "ImportError: no"}}, r"talib \(ImportError: no"),
        (non_imports, {"present": ["torch"]}, "are there that must not be: torch"),
        (non_imports, {"reached": ["torch (by ktrdr.api)"]}, r"torch \(by ktrdr\.api"),
    ],
)
def test_wrong_imports_fail(judge, change, told):
    with pytest.raises(Fault, match=told):
        judge(with_imports(**change))


def write_package(folder: Path, **sources: str) -> None:
    """Write a package that stands for ktrdr in an image, and a library."""
    room = folder / "ktrdr"
    for name in ("", "api", "neural"):
        (room / name).mkdir(parents=True, exist_ok=True)
        (room / name / "__init__.py").touch()
    (room / "neural" / "__init__.py").write_text("import torch")
    for name, source in sources.items():
        (room / "api" / f"{name}.py").write_text(source)
    (folder / "library.py").write_text("try: import pandas\nexcept ImportError: pass")


def probed(folder: Path) -> ImportFacts:
    done = subprocess.run(
        [sys.executable, "-", json.dumps(REQUEST)],
        input=Path(probe.__file__).read_text("utf-8"),
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(folder)},
        # The interpreter looks for modules there first.
        cwd=folder,
    )
    return ImportFacts.model_validate_json(done.stdout.splitlines()[-1])


@pytest.fixture
def package(tmp_path):
    # Whatever is installed here must not be found there.
    for name in REQUEST["unwanted"]:
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError({name!r})")
    return tmp_path


def test_probe_imports_every_module_but_those_left_out(package):
    write_package(package, main="import json", other="")
    found = probed(package)
    assert found.failed == {}
    assert found.reached == []
    # ktrdr.api, .api.main and .api.other.
    assert found.n_imported == 3


def test_probe_tells_an_import_of_torch_that_fails(package):
    write_package(package, main="import torch")
    found = probed(package)
    assert list(found.failed) == ["ktrdr.api.main"]
    assert found.reached == ["torch (by ktrdr.api.main)"]


def test_probe_tells_an_import_of_torch_that_is_caught(package):
    source = "def _look():\n  try: import torch\n  except ImportError: pass\n_look()"
    write_package(package, main=source)
    found = probed(package)
    assert found.failed == {}
    assert found.reached == ["torch (by ktrdr.api.main)"]


def test_library_may_look_whether_another_is_there(package):
    write_package(package, main="import library")
    found = probed(package)
    assert found.failed == {}
    assert found.reached == []


def test_probe_tells_an_unwanted_module_that_is_there(package):
    write_package(package)
    assert probed(package).present == REQUEST["unwanted"]


def torch(**changes) -> TorchFacts:
    whole = {"version": RELEASE, "cuda": None, "hip": None}
    return TorchFacts(has_driver=False, sees_gpu=False, **{**whole, **changes})


def cuda_release() -> str:
    digits = CONTRACT.torch_builds["cuda"].removeprefix("cu")
    return f"{digits[:-1]}.{digits[-1]}"


def test_right_torch_has_no_problem():
    assert torch_problem(torch(version=f"{RELEASE}+cpu"), "cpu", CONTRACT) is None
    assert torch_problem(torch(cuda=cuda_release()), "cuda", CONTRACT) is None


@pytest.mark.parametrize(
    ("changes", "accelerator", "told"),
    [
        ({"version": "2.8.0+cpu"}, "cpu", "torch 2.8.0, expected"),
        ({"cuda": "12.6"}, "cpu", "built for CUDA 12.6, expected the CPU"),
        ({"hip": "6.3"}, "cpu", "ROCm 6.3"),
        ({"cuda": "12.6"}, "cuda", "built for cu126, expected"),
        ({}, "cuda", "built for the CPU, expected"),
    ],
)
def test_wrong_torch_is_told(changes, accelerator, told):
    assert told in str(torch_problem(torch(**changes), accelerator, CONTRACT))


def test_image_without_torch_has_none_to_check():
    with pytest.raises(NotChecked):
        torch_build(subject())
