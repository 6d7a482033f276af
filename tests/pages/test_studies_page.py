"""What the page on studies promises, done as it says."""

import re
from pathlib import Path

import pytest

from ktrdr.strategy import with_overrides
from tests.pages.test_readme import commands, run

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)


def test_the_commands_work_in_their_order(tmp_path: Path):
    # The same strategy, trained for a shorter time.
    text = (ROOT / "strategies" / "momentum.yaml").read_text(encoding="utf-8")
    (tmp_path / "strategies").mkdir()
    quick, _ = with_overrides(text, {"training.epochs": 5})
    (tmp_path / "strategies" / "momentum.yaml").write_text(quick, encoding="utf-8")
    all_commands = [command for block in BLOCKS for command in commands(block)]
    assert len(all_commands) == 8
    for command in all_commands:
        done = run(command, tmp_path)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        if command.startswith("ktrdr sweep"):
            assert "no say in the choice" in " ".join(done.stdout.split())
