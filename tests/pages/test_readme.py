"""What the README promises, done as it says."""

import gzip
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import ktrdr
from ktrdr.strategy import with_overrides
from tests.pages.reader import Reader

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
SAMPLE = Path(ktrdr.__file__).parent / "data/samples/EURUSD_1h_2017_ask.csv.gz"


def commands(block: str) -> list[str]:
    return [line.split("#")[0].strip() for line in block.splitlines()]


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would, with this environment's programs on the path."""
    programs = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "KTRDR_HOME": str(folder / "home"),
        "PATH": os.pathsep.join([programs, os.environ["PATH"]]),
        "COLUMNS": "100",
    }
    arguments = shlex.split(command)
    return subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True
    )


def test_the_first_block_is_the_two_commands_and_make_knows_them():
    assert commands(BLOCKS[0]) == ["make demo", "make test"]
    for command in commands(BLOCKS[0]):
        done = subprocess.run(
            [*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


def test_the_commands_for_your_own_data_work_in_order(tmp_path: Path):
    file = tmp_path / "EURUSD_H1.csv"
    file.write_bytes(gzip.decompress(SAMPLE.read_bytes()))
    own = [line for line in commands(BLOCKS[1]) if not line.startswith("source")]
    assert len(own) == 7
    for command in own:
        done = run(command, tmp_path)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    assert list((tmp_path / "home" / "reports").glob("mine-*.html"))


def test_the_system_does_the_same_strategy(tmp_path: Path):
    with Reader(tmp_path, {}) as reader:
        reader.do("ktrdr data sample")
        reader.do("ktrdr strategies new mine")
        # Trained for a shorter time: all of it is what the block before this does.
        mine = tmp_path / "strategies" / "mine.yaml"
        quick, _ = with_overrides(mine.read_text("utf-8"), {"training.epochs": 5})
        mine.write_text(quick, encoding="utf-8")
        for command in commands(BLOCKS[2]):
            reader.do(command)
