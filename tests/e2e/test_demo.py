"""The main job, as `make demo` does it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_demo_trains_backtests_and_writes_a_report(tmp_path: Path):
    done = subprocess.run(
        [Path(sys.executable).with_name("ktrdr"), "demo"],
        cwd=tmp_path,
        env={**os.environ, "KTRDR_HOME": str(tmp_path / "home"), "COLUMNS": "100"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "6,225 bars of EURUSD 1h" in done.stdout
    assert "Out of sample" in done.stdout
    assert "train mlp" in done.stderr
    paths = dict(re.findall(r"^(Page|Picture|Numbers) +(\S+)$", done.stdout, re.M))
    assert Path(paths["Picture"]).read_bytes().startswith(b"\x89PNG")
    assert "<svg" in Path(paths["Page"]).read_text(encoding="utf-8")
    numbers = json.loads(Path(paths["Numbers"]).read_text(encoding="utf-8"))
    assert numbers["measures"]["n_trades"]["value"] > 0
    assert numbers["seen"]["train"] == numbers["seen"]["validation"] == 0
