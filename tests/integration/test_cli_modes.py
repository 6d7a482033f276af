"""Commands do the same without a server, with `ktrdr up` and with a named backend."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).with_name("ktrdr")
STRATEGIES = Path(__file__).parents[2] / "strategies"
SWEEP = (
    "sweep",
    *("--model", "quick@1"),
    *("--set", "backtest.stops.stop_loss=0.002,0.004"),
    *("--set", "decisions.min_signal_separation=1..2"),
)
TRAINING_MEMORY = re.compile(r"in [\d.]+ s|[0-9a-f]{12}")
# What no two runs have in common.
OWN = {
    *("digest", "seconds", "created_at", "weights", "model", "best", "version"),
    *("test", "table", "environment", "operation", "snapshots", "request", "equity"),
}


@dataclass(frozen=True)
class Mode:
    """One way to have work done, with data of its own."""

    name: str
    home: Path
    options: tuple[str, ...] = ()

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [COMMAND, *arguments, *self.options],
            env=environment(self.home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, exit_code: int = 0) -> str:
        return self.output(*arguments, exit_code=exit_code)[0]

    def output(self, *arguments: str, exit_code: int = 0) -> tuple[str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=240)
        assert process.returncode == exit_code, out + err
        return out, err


def environment(home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("KTRDR_")}
    own = {"KTRDR_HOME": str(home), "KTRDR_STRATEGIES": str(strategies_of(home))}
    return {**kept, **own, "COLUMNS": "80"}


def strategies_of(home: Path) -> Path:
    return home.parent / f"strategies-{home.name}"


@pytest.fixture(scope="module")
def modes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Mode]]:
    folder = tmp_path_factory.mktemp("modes")
    quick = yaml.safe_load((STRATEGIES / "minimal.yaml").read_text("utf-8"))
    quick["name"] = "quick"
    quick.setdefault("training", {})["epochs"] = 3
    long = {**quick, "name": "long"}
    long["training"] = {**quick["training"], "epochs": 1_000_000}
    long["training"]["early_stopping"] = None
    homes = [folder / name for name in ("direct", "up", "elsewhere")]
    for home in homes:
        strategies_of(home).mkdir()
        for strategy in (quick, long):
            path = strategies_of(home) / f"{strategy['name']}.yaml"
            path.write_text(yaml.safe_dump(strategy))
    direct, up = Mode("direct", homes[0]), Mode("up", homes[1])
    direct.run("data", "sample")
    direct.run("train", "quick")
    # The same model in all, as no two trainings have the same digest.
    shutil.copytree(direct.home, up.home)
    url = json.loads(up.run("up", "--json", "--backtest-workers", "1"))["url"]
    # A named backend has its own folder: of this one's nothing may be used.
    named = Mode("named", homes[2], ("--url", url))
    try:
        yield {one.name: one for one in (direct, up, named)}
    finally:
        up.run("down")


def normal(text: str) -> str:
    return TRAINING_MEMORY.sub("...", text)


def stripped(value: object) -> object:
    if isinstance(value, dict):
        return {k: stripped(v) for k, v in value.items() if k not in OWN}
    return [stripped(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "command", [("backtest", "quick@1"), SWEEP], ids=lambda c: c[0]
)
def test_output_is_the_same_in_all_modes(modes, command):
    texts = {name: normal(mode.run(*command)) for name, mode in modes.items()}
    assert texts["up"] == texts["direct"]
    assert texts["named"] == texts["direct"]
    assert "Next: ktrdr report" in texts["direct"]


@pytest.mark.parametrize(
    "command", [("backtest", "quick@1"), SWEEP], ids=lambda c: c[0]
)
def test_json_is_the_same_in_all_modes(modes, command):
    direct, named = (
        json.loads(modes[name].run(*command, "--json")) for name in ("direct", "named")
    )
    assert stripped(named) == stripped(direct)
    assert set(named) == set(direct)


def test_trainings_tell_the_same_but_for_their_version(modes):
    texts = [
        re.sub(r"quick@\d+", "quick@N", normal(mode.run("train", "quick")))
        for mode in modes.values()
    ]
    assert texts[0].startswith("Trained quick@N ")
    assert texts[1] == texts[0] == texts[2]


@pytest.mark.parametrize(
    ("command", "exit_code"),
    [
        (("backtest", "nothing"), 6),
        (("train", "nothing"), 6),
        (("backtest", "quick@1", "--start", "2040-01-01"), 2),
        ((*SWEEP, "--metric", "nothing"), 2),
        ((*SWEEP, "--set", "backtest.nothing=1"), 3),
        ((*SWEEP, "--set", "training.epochs=1"), 2),
    ],
    ids=lambda value: " ".join(value)[-30:] if isinstance(value, tuple) else value,
)
def test_failures_have_the_same_exit_code_in_all_modes(modes, command, exit_code):
    for mode in modes.values():
        out, err = mode.output(*command, exit_code=exit_code)
        assert out == ""
        assert "Error: " in err
        assert "Traceback" not in err


def test_what_is_read_is_the_same_wherever_it_lies(modes):
    modes["up"].run("backtest", "quick@1")
    for command in (
        ("models", "list"),
        ("models", "show", "quick@1"),
        ("models", "explain", "quick@1"),
        ("results", "list"),
        ("results", "show"),
        ("studies", "list"),
        ("data", "list"),
        ("data", "show", "EURUSD"),
        ("data", "check", "EURUSD"),
        ("data", "provenance", "EURUSD"),
    ):
        assert modes["named"].run(*command) == modes["up"].run(*command), command
    assert not (modes["named"].home / "store").exists()


def test_bars_are_stored_alike_with_a_named_backend(modes, tmp_path):
    file = tmp_path / "ABCD.csv"
    rows = "\n".join(f"2020-01-{day:02},1,3,1,2,7" for day in range(1, 20))
    file.write_text(f"date,open,high,low,close,volume\n{rows}\n2020-01-05,1,3,1,2,7\n")
    direct, named = modes["direct"], modes["named"]
    for command, exit_code in (
        (("data", "import", str(file), "--calendar", "24/7"), 4),
        (("data", "import", str(file), "--calendar", "24/7", "--repair"), 0),
        (("data", "import", str(file), "--calendar", "24/7", "--repair", "--json"), 0),
        (("data", "resample", "ABCD", "--to", "1w"), 0),
        (("data", "sample"), 0),
        (("data", "import", "nothing.csv"), 6),
    ):
        expected = _without_moment(direct.output(*command, exit_code=exit_code))
        found = _without_moment(named.output(*command, exit_code=exit_code))
        assert found == expected, command


def test_a_strategy_that_a_backend_keeps_is_trained_by_its_name(modes, tmp_path):
    named = modes["named"]
    kept = yaml.safe_load((strategies_of(named.home) / "quick.yaml").read_text())
    file = tmp_path / "any.yaml"
    file.write_text(yaml.safe_dump({**kept, "name": "kept"}))
    assert "ktrdr train kept" in named.run("strategies", "save", str(file))
    assert not (strategies_of(named.home) / "kept.yaml").exists()
    assert "kept@1" in named.run("train", "kept")
    named.run("models", "delete", "kept@1")
    assert "kept@1" not in named.run("models", "list")


def _without_moment(output: tuple[str, str]) -> list[str]:
    moment = re.compile(r"since [-\d]+ [\d:]+|\d{4}-\d\d-\d\dT[\d:.]+Z?")
    return [moment.sub("...", text) for text in output]


def test_detached_work_is_followed_later_to_the_same_end(modes):
    up, named = modes["up"], modes["named"]
    operation = up.run("backtest", "quick@1", "--detach").strip()
    followed, progress = named.output("ops", "follow", operation[:6])
    assert f"Operation {operation}: backtest quick@1 on EURUSD" in progress
    assert normal(followed) == normal(modes["direct"].run("backtest", "quick@1"))
    assert named.run("ops", "result", operation) == followed
    assert operation in up.run("ops", "list")
    assert "completed" in up.run("ops", "show", operation)
    refused = modes["direct"].output("backtest", "quick@1", "--detach", exit_code=2)
    assert "needs a backend" in refused[1]


def test_ctrl_c_leaves_the_operation_to_go_on_then_it_is_cancelled_and_resumed(modes):
    up = modes["up"]
    process = up.start("train", "long")
    operation = _started(process)
    _wait_for(
        lambda: json.loads(up.run("ops", "show", operation, "--json"))["progress"]
    )
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert f"`ktrdr ops follow {operation}`" in err
    assert f"`ktrdr ops cancel {operation}`" in err
    assert "Traceback" not in err
    shown = json.loads(up.run("ops", "show", operation, "--json"))
    assert shown["state"] == "running"
    assert f"ktrdr ops resume {operation}" in up.run("ops", "cancel", operation)
    _, told = up.output("ops", "follow", operation, exit_code=130)
    assert f"ktrdr ops resume {operation}" in told
    resumed = json.loads(up.run("ops", "resume", operation, "--json"))
    assert resumed["state"] in ("pending", "running")
    up.run("ops", "cancel", operation)


def test_following_goes_on_when_the_backend_was_killed_and_started_again(modes):
    up = modes["up"]
    process = up.start("train", "long")
    operation = _started(process)
    (before,) = _backends(up)
    os.kill(before["pid"], signal.SIGKILL)
    _wait_for(lambda: _backends(up)[0]["restarts"] > before["restarts"])
    # Asked once more while the backend comes up; the other one follows all the while.
    up.run("ops", "cancel", operation)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert f"operation {operation} was cancelled" in err


def _backends(up: Mode) -> list[dict[str, int]]:
    document = json.loads((up.home / "run" / "processes.json").read_bytes())
    return [one for one in document["processes"] if one["name"] == "backend"]


def test_ctrl_c_without_a_server_ends_the_work(modes):
    process = modes["direct"].start("train", "long")
    assert process.stderr is not None
    for line in process.stderr:
        if "train linear" in line:
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "ktrdr train long --resume" in err


def test_with_json_what_is_left_is_told_as_a_document(modes):
    process = modes["named"].start("train", "long", "--json")
    up = modes["up"]
    running = ("ops", "list", "--state", "running", "--json")
    _wait_for(lambda: json.loads(up.run(*running)))
    (operation,) = json.loads(up.run(*running))
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    error = json.loads(out)["error"]
    assert error["code"] == "detached"
    assert operation["id"] in error["message"]
    up.run("ops", "cancel", operation["id"])


def _started(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.match(r"Operation (\w+): train long", line)
    assert found, line
    return found[1]


def _wait_for(condition, within_s: float = 60.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.2)
