"""Work in containers: what their answers are read as, and when a GPU is missed."""

import json

import pytest

from ktrdr.cli.kinfra.images.verify import serving, work
from ktrdr.cli.kinfra.images.verify.answers import TokenAnswer
from ktrdr.cli.kinfra.images.verify.check import Fault, NotChecked, check
from ktrdr.cli.kinfra.images.verify.facts import TorchFacts
from ktrdr.cli.kinfra.images.verify.subject import Subject
from ktrdr.cli.kinfra.images.verify.system import System
from tests.unit.cli.kinfra.images.verify.subjects import subject

TRAINED = {
    "n_epochs": 3,
    "metrics": {"test": {"model": {"loss": 0.5, "accuracy": 0.6}}},
    "weights": "0123456789abcdef",
    "model": "minimal",
}
TESTED = {
    "digest": "0123456789abcdef",
    "manifest": {"measures": {"n_trades": {"value": 7}}},
}


def system(key: str = "worker-cpu") -> System:
    return System(subject=subject(key), name="s", password="p")


def test_answers_are_read(docker):
    docker.answer("run", out=json.dumps(TRAINED | TESTED))
    assert work.training(system()).startswith("3 epochs on cpu, test loss 0.500")
    assert work.backtest(system()).startswith("7 trades with the trained model")


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("", "Invalid JSON"),
        ("hello\n" + json.dumps(TRAINED | TESTED), "Invalid JSON"),
        ("[]", "object"),
        ("{}", "Field required"),
        (json.dumps({"manifest": {"measures": {}}, "digest": "0"}), "n_trades: Field"),
    ],
    ids=["nothing", "a line before", "a list", "nothing in it", "no measure"],
)
@pytest.mark.parametrize("judge", [serving.schema, work.training, work.backtest])
def test_unexpected_answer_is_the_images_fault(docker, judge, out, told):
    docker.answer("run", out=out)
    came_out = check("work", lambda: judge(system()))
    assert came_out.outcome == "failed"
    assert "which can't be read" in came_out.detail
    if judge is work.backtest:
        assert told in came_out.detail


def test_token_is_the_backends_answer(docker):
    docker.answer("run", out='{"token": 5}')
    with pytest.raises(Fault, match="token: Input should be a valid string"):
        system().do_json(TokenAnswer, "ktrdr", "auth", "create", "verify")


def test_backtest_without_a_trade_fails(docker):
    nothing = {"digest": "0", "manifest": {"measures": {"n_trades": {"value": 0}}}}
    docker.answer("run", out=json.dumps(nothing))
    with pytest.raises(Fault, match="no trade"):
        work.backtest(system())


def seen(monkeypatch, *, has_driver: bool, sees_gpu: bool) -> list[tuple[str, ...]]:
    """Say what torch finds; return the options that it was asked with."""
    asked = []

    def ask(self, probe, kind, *, options):
        asked.append(options)
        return TorchFacts(
            version="2", cuda="13.0", hip=None, has_driver=has_driver, sees_gpu=sees_gpu
        )

    monkeypatch.setattr(Subject, "ask", ask)
    return asked


def test_training_on_a_gpu_is_a_training_with_it(docker, monkeypatch):
    asked = seen(monkeypatch, has_driver=True, sees_gpu=True)
    docker.answer("run", out=json.dumps(TRAINED))
    told = work.gpu_training(system("worker-gpu"), is_wanted=True)
    assert told.startswith("3 epochs on cuda")
    assert "--gpus=all" in asked[0]
    trained = [call for call in docker.calls if "train" in call]
    assert [("--gpus=all" in call, "cuda" in call) for call in trained] == [(1, 1)]


@pytest.mark.parametrize(
    ("has_driver", "told"),
    [(True, "can't use it"), (False, r"neither /dev/nvidiactl nor libcuda\.so\.1")],
)
def test_gpu_that_the_engine_gave_and_torch_does_not_see_is_a_fault(
    docker, monkeypatch, has_driver, told
):
    seen(monkeypatch, has_driver=has_driver, sees_gpu=False)
    with pytest.raises(Fault, match=told):
        work.gpu_training(system("worker-gpu"), is_wanted=True)


@pytest.mark.parametrize("code", [125, 126, 127, 128])
def test_where_the_engine_gives_no_gpu_nothing_is_told_of_one(docker, code):
    docker.answer("run", code=code, err="could not select device driver")
    with pytest.raises(NotChecked, match="gives none: could not select"):
        work.gpu_training(system("worker-gpu"), is_wanted=True)


def test_image_that_does_not_run_is_not_a_missing_gpu(docker):
    docker.answer("run", code=1, err="no module encodings")
    with pytest.raises(Fault, match="no module encodings"):
        work.gpu_training(system("worker-gpu"), is_wanted=True)
