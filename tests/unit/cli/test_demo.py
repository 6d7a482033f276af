"""``ktrdr demo``: its steps work on what the steps before them made."""

from contextlib import nullcontext

import pytest

from ktrdr.cli import demo as module
from ktrdr.cli.demo import demo
from ktrdr.errors import InputError
from ktrdr.settings import settings


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("KTRDR_HOME", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_each_step_takes_what_the_one_before_made(monkeypatch):
    taken = []
    made = {"train": "momentum@2", "backtest": "0123", "report": None}
    for name, result in made.items():

        def step(what: str, result: str | None = result) -> str | None:
            taken.append(what)
            return result

        monkeypatch.setattr(f"ktrdr.cli.{name}.{name}", step)
    # The system itself is started by tests/integration/test_local_system.py.
    monkeypatch.setattr(module, "_system", lambda keep: nullcontext())
    demo("momentum")
    assert taken == ["momentum", "momentum@2", "0123"]


def test_refuses_to_run_beside_a_named_backend(monkeypatch):
    monkeypatch.setenv("KTRDR_API_URL", "http://127.0.0.1:1")
    settings.cache_clear()
    with pytest.raises(InputError, match="unset it"):
        demo("momentum")
