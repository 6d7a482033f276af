"""``ktrdr demo``: its steps work on what the steps before them made."""

from ktrdr.cli.demo import demo
from ktrdr.settings import settings


def test_each_step_takes_what_the_one_before_made(tmp_path, monkeypatch):
    monkeypatch.setenv("KTRDR_HOME", str(tmp_path))
    settings.cache_clear()
    taken = []
    made = {"train": "momentum@2", "backtest": "0123", "report": None}
    for name, result in made.items():

        def step(what: str, result: str | None = result) -> str | None:
            taken.append(what)
            return result

        monkeypatch.setattr(f"ktrdr.cli.{name}.{name}", step)
    demo("momentum")
    settings.cache_clear()
    assert taken == ["momentum", "momentum@2", "0123"]
