import pytest

from ktrdr.errors import InputError
from ktrdr.workers.options import WorkerOptions, queues_of


@pytest.mark.parametrize(
    ("device", "queues"),
    [
        ("cpu", ("training-cpu",)),
        ("cuda", ("training-gpu", "training-cpu")),
        ("mps", ("training-mps", "training-cpu")),
    ],
)
def test_a_training_worker_takes_what_its_device_can_do(device, queues):
    assert queues_of(WorkerOptions(kind="training"), device) == queues


def test_a_queue_may_be_chosen():
    options = WorkerOptions(kind="training", queues=("training-gpu", "training-gpu"))
    assert queues_of(options, "cuda") == ("training-gpu",)


@pytest.mark.parametrize(
    ("kind", "queue"),
    [("training", "training-gpu"), ("training", "backtest"), ("backtest", "training")],
)
def test_what_a_worker_cannot_do_it_does_not_take(kind, queue):
    options = WorkerOptions(kind=kind, queues=(queue,))
    with pytest.raises(InputError, match=f"can't do the work of the queue {queue}"):
        queues_of(options, "cpu")
