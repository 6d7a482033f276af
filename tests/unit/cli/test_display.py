"""What a user sees of a job that runs."""

import io

import pytest
from rich.console import Console

from ktrdr.cli import display


@pytest.mark.parametrize("width", [80, 200])
def test_numbers_stay_whole_beside_a_long_message(monkeypatch, width):
    screen = io.StringIO()
    console = Console(file=screen, width=width, force_terminal=True, color_system=None)
    monkeypatch.setattr("ktrdr.cli.output.notes", lambda: console)
    bars = display._progress_bars()
    bars.add_task("start", total=None, unit="", message="")
    message = "loss 0.56257, validation 0.60393"
    task = bars.add_task("train linear", total=4000, unit="epochs", message=message)
    bars.update(task, completed=434)
    console.print(bars.get_renderable())
    start, training = screen.getvalue().splitlines()
    assert "434/4,000" in training
    assert "epochs" in training
    assert "-:--:--" in training
    assert "loss 0.56" in training
    assert "?" not in start
