"""What the shell offers: names of what exists, quickly, and never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.backtesting.stored_models import filled_store

COMMAND = Path(sys.executable).with_name("ktrdr")


@pytest.fixture
def home(tmp_path):
    store = filled_store(tmp_path / "store")
    store.put_record("results", ("20200101T000000", "ab" * 32), {"any": "thing"})
    store.put_record("studies", ("20200101T000000", "cd" * 32), {"any": "thing"})
    return tmp_path


def complete(home, *words: str, **environment: str) -> list[str]:
    line = ["ktrdr", *words]
    done = subprocess.run(
        [COMMAND],
        env={
            **os.environ,
            "KTRDR_HOME": str(home),
            "_KTRDR_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(line),
            "COMP_CWORD": str(len(line) - 1),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_commands_and_options(home):
    assert {"train", "sweep", "walk-forward"} <= set(complete(home, ""))
    assert "--detach" in complete(home, "train", "--de")


def test_names_of_what_exists(home):
    assert complete(home, "backtest", "two") == ["two_timeframes", "two_timeframes@1"]
    assert complete(home, "results", "show", "") == ["latest", "ab" * 6]
    assert complete(home, "studies", "show", "c") == ["cd" * 6]
    assert "momentum" in complete(home, "train", "mom")


def test_where_nothing_can_be_found_nothing_is_offered(home, tmp_path):
    assert complete(home, "backtest", "nothing") == []
    assert complete(home, "ops", "show", "") == []
    there_is_nobody = {"KTRDR_API_URL": "http://127.0.0.1:9"}
    assert complete(home, "ops", "show", "", **there_is_nobody) == []
    assert complete(home, "backtest", "", KTRDR_STORE_URL="no://store") == []


def test_the_script_for_a_shell_is_shown(home):
    done = subprocess.run(
        [COMMAND, "--show-completion", "bash"],
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "complete_bash" in done.stdout
