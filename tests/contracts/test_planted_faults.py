"""What must never get into an image is found before one is built."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.images.contract import load_contract
from tests.contracts.test_locks import entries, unwanted

ROOT = Path(__file__).parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")
# Ways to reach torch that differ: at once, when called, and by a room that may.
PLANTS = {
    "ktrdr/api/main.py": "import torch",
    "ktrdr/backtesting/run.py": "def _planted():\n    import torch",
    "ktrdr/workers/service.py": "import ktrdr.neural",
    "ktrdr/report/__init__.py": "import pandas",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "ktrdr", tmp_path / "ktrdr", ignore=without)
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LINTER), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_import_of_torch_anywhere_in_the_backend_breaks_the_boundaries(source: Path):
    assert lint(source).returncode == 0
    for name, lines in PLANTS.items():
        module = source / name
        module.write_text(f"{module.read_text('utf-8')}\n\n{lines}\n", "utf-8")
    done = lint(source)
    assert done.returncode != 0
    for name in PLANTS:
        module_name = name.removesuffix(".py").removesuffix("/__init__")
        assert module_name.replace("/", ".") in done.stdout


def test_cuda_package_in_the_lock_for_the_cpu_is_found():
    contract = load_contract(ROOT)
    image = contract.image("worker-cpu")
    gpu = (ROOT / contract.image("worker-gpu").lock).read_text("utf-8")
    (planted, *_) = re.findall(
        r"^nvidia-[a-z0-9-]+==.*?(?=^[a-z0-9])", gpu, re.MULTILINE | re.DOTALL
    )
    lock = (ROOT / image.lock).read_text("utf-8")
    assert not unwanted(image, {entry.name for entry in entries(lock)})
    names = {entry.name for entry in entries(f"{lock}\n{planted}")}
    assert unwanted(image, names) == {planted.partition("==")[0]}
