import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau, StepLR

from ktrdr.errors import InputError, TrainingError
from ktrdr.neural import Samples, choose_device, fit_network
from ktrdr.neural.network import Network
from ktrdr.progress import NoProgress
from ktrdr.strategy import MlpSpec
from tests.unit.neural.specs import SMALL, class_samples, training_spec, value_samples

EPOCHS = 8
# Less than the gradient's norm in most steps.
CLIP = 0.3


def fit(train=None, validation=None, model=SMALL, n_outputs=3, **keys):
    call = {
        key: keys.pop(key)
        for key in ("class_weights", "threads", "progress")
        if key in keys
    }
    return fit_network(
        class_samples() if train is None else train,
        class_samples(100, seed=1) if validation is None else validation,
        model=model,
        n_outputs=n_outputs,
        spec=training_spec(**keys),
        **call,
    )


def accuracy(fitted, samples) -> float:
    values = samples.features
    for index in range(len(fitted.tensors) // 2):
        weight, bias = (
            fitted.tensors[f"mlp.{index}.{part}"] for part in ("weight", "bias")
        )
        values = values @ weight.T + bias
        if f"mlp.{index + 1}.weight" in fitted.tensors:
            values = np.tanh(values)
    return float((values.argmax(axis=1) == samples.targets).mean())


def obvious_twin(
    train: Samples, make_optimizer, make_scheduler, clip: float
) -> tuple[list[np.ndarray], list[float]]:
    """Torch's own layers in the plainest of loops: weights, and rate of each epoch."""
    start = Network(SMALL, n_features=5, n_outputs=3, seed=42).export()
    layers = [nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3)]
    network = nn.Sequential(*layers)
    for parameter, tensor in zip(network.parameters(), start.values(), strict=True):
        parameter.data.copy_(torch.from_numpy(tensor))
    optimizer = make_optimizer(network.parameters())
    scheduler = make_scheduler(optimizer)
    features, targets = torch.tensor(train.features), torch.tensor(train.targets)
    rng = np.random.default_rng(42)
    rates = []
    for _ in range(EPOCHS):
        order = rng.permutation(len(train))
        for begin in range(0, len(order), 32):
            rows = torch.tensor(order[begin : begin + 32])
            loss = nn.functional.cross_entropy(network(features[rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), clip)
            optimizer.step()
        rates.append(scheduler.get_last_lr()[0])
        if isinstance(scheduler, ReduceLROnPlateau):
            with torch.no_grad():
                scheduler.step(nn.functional.cross_entropy(network(features), targets))
        else:
            scheduler.step()
    return [parameter.detach().numpy() for parameter in network.parameters()], rates


@pytest.mark.parametrize(
    ("spec", "make_optimizer", "make_scheduler"),
    [
        (
            {"optimizer": {"type": "adamw", "weight_decay": 0.1}},
            lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=0.1),
            lambda o: StepLR(o, step_size=EPOCHS),
        ),
        (
            {
                "optimizer": {"type": "adam", "weight_decay": 0.1},
                "scheduler": {"type": "cosine", "minimum": 1e-4},
            },
            lambda p: torch.optim.Adam(p, lr=1e-3, weight_decay=0.1),
            lambda o: CosineAnnealingLR(o, EPOCHS, eta_min=1e-4),
        ),
        (
            {
                "optimizer": {
                    "type": "sgd",
                    "learning_rate": 0.1,
                    "momentum": 0.9,
                    "weight_decay": 0.1,
                },
                "scheduler": {"type": "step", "every_epochs": 3, "factor": 0.2},
            },
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
            lambda o: StepLR(o, step_size=3, gamma=0.2),
        ),
        (
            {
                "optimizer": {"type": "sgd", "learning_rate": 5.0},
                "scheduler": {"type": "plateau", "patience": 0, "factor": 0.5},
            },
            lambda p: torch.optim.SGD(p, lr=5.0),
            lambda o: ReduceLROnPlateau(o, factor=0.5, patience=0),
        ),
    ],
    ids=["adamw", "adam and cosine", "sgd and step", "plateau"],
)
def test_weights_equal_those_of_the_plainest_loop(spec, make_optimizer, make_scheduler):
    train = class_samples(130)
    own = fit(train, train, epochs=EPOCHS, batch_size=32, gradient_clip=CLIP, **spec)
    twin, rates = obvious_twin(train, make_optimizer, make_scheduler, CLIP)
    assert own.learning_rates == tuple(rates)
    assert len(set(rates)) > 1 or "scheduler" not in spec
    for tensor, expected in zip(own.tensors.values(), twin, strict=True):
        np.testing.assert_allclose(tensor, expected, atol=1e-5)


def test_it_learns_what_can_be_learned():
    train = class_samples(2000, noise=0.0)
    test = class_samples(500, seed=9, noise=0.0)
    fitted = fit(train, epochs=40, optimizer={"type": "adam", "learning_rate": 0.01})
    assert accuracy(fitted, test) > 0.95
    assert fitted.train_losses[-1] < fitted.train_losses[0]


def test_a_linear_baseline_is_fitted_by_the_same_loop():
    fitted = fit(model=None, epochs=30, optimizer={"learning_rate": 0.02})
    assert set(fitted.tensors) == {"linear.weight", "linear.bias"}
    logits = class_samples().features @ fitted.tensors["linear.weight"].T
    logits += fitted.tensors["linear.bias"]
    assert (logits.argmax(axis=1) == class_samples().targets).mean() > 0.6


@pytest.mark.parametrize("loss", [{"type": "mse"}, {"type": "huber", "delta": 0.5}])
def test_values_are_learned(loss):
    fitted = fit(
        value_samples(),
        value_samples(seed=1),
        n_outputs=1,
        epochs=60,
        loss=loss,
        optimizer={"learning_rate": 0.02},
    )
    assert fitted.validation_losses[-1] < 0.1 * fitted.validation_losses[0]


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not():
    dropout = MlpSpec(type="mlp", hidden_layers=(6,), dropout=0.2)
    first, again, other = (fit(model=dropout, seed=seed) for seed in (1, 1, 2))
    for name, tensor in first.tensors.items():
        assert tensor.tobytes() == again.tensors[name].tobytes()
    assert first.train_losses == again.train_losses
    assert (
        other.tensors["mlp.0.weight"].tobytes()
        != first.tensors["mlp.0.weight"].tobytes()
    )


def test_the_best_epoch_is_kept_when_patience_ends():
    noisy = class_samples(60, noise=3.0)
    fitted = fit(
        noisy,
        class_samples(60, seed=5, noise=3.0),
        epochs=300,
        early_stopping={"patience": 5},
        optimizer={"learning_rate": 0.05},
    )
    assert fitted.is_stopped_early
    assert fitted.n_epochs == fitted.best_epoch + 5 < 300
    assert fitted.best_epoch == int(np.argmin(fitted.validation_losses)) + 1
    shorter = fit(noisy, epochs=fitted.best_epoch, optimizer={"learning_rate": 0.05})
    for name, tensor in fitted.tensors.items():
        assert tensor.tobytes() == shorter.tensors[name].tobytes()


def test_the_last_partial_batch_counts():
    train = class_samples(65)
    whole = fit(train, epochs=1, batch_size=64)
    cut = fit(
        Samples(features=train.features[:64], targets=train.targets[:64]),
        epochs=1,
        batch_size=64,
    )
    changes = np.abs(whole.tensors["mlp.0.weight"] - cut.tensors["mlp.0.weight"])
    # AdamW moves every weight by about the learning rate in each step.
    assert changes.max() > 5e-4


def test_a_class_weight_turns_decisions_towards_its_class():
    train = class_samples(400, noise=3.0)
    plain = fit(train, epochs=20)
    tilted = fit(train, epochs=20, class_weights=[1.0, 1.0, 50.0])
    last = "mlp.2.bias"
    assert tilted.tensors[last][2] > plain.tensors[last][2]


def test_the_learning_rate_follows_the_scheduler():
    fitted = fit(scheduler={"type": "step", "every_epochs": 2, "factor": 0.1})
    assert fitted.learning_rates == pytest.approx((1e-3, 1e-3, 1e-4, 1e-4))


def test_a_loss_that_explodes_is_an_error_with_advice():
    with pytest.raises(TrainingError, match=r"epoch \d+.*learning_rate.*gradient_clip"):
        fit(
            value_samples(),
            value_samples(),
            n_outputs=1,
            model=None,
            epochs=500,
            loss={"type": "mse"},
            optimizer={"type": "sgd", "learning_rate": 10.0},
        )


def test_gradient_clipping_keeps_it_from_exploding():
    fitted = fit(
        value_samples(),
        value_samples(),
        n_outputs=1,
        model=None,
        epochs=50,
        loss={"type": "mse"},
        optimizer={"type": "sgd", "learning_rate": 10.0},
        gradient_clip=1e-3,
    )
    assert np.isfinite(fitted.train_losses).all()


def test_torchs_settings_are_put_back():
    threads = torch.get_num_threads()
    torch.use_deterministic_algorithms(False)
    seen = []

    class Look(NoProgress):
        def advance(self, done, message=""):
            seen.append(
                (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
            )

    fitted = fit(threads=1, progress=Look())
    assert set(seen) == {(1, True)}
    assert fitted.kernels.threads == 1
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": np.empty((0, 5), np.float32)}, "there are none"),
        ({"features": np.full((200, 5), np.nan, np.float32)}, "not finite"),
        ({"features": np.ones((200, 5))}, "float64"),
        ({"features": np.ones((199, 5), np.float32)}, "differ"),
        ({"targets": np.full(200, 3)}, "outside 0 to 2"),
        ({"targets": np.full(200, -1)}, "outside 0 to 2"),
    ],
)
def test_unsuitable_samples_are_refused(change, message):
    whole = class_samples()
    columns = {"features": whole.features, "targets": whole.targets, **change}
    if not len(columns["features"]):
        columns["targets"] = whole.targets[:0]
    with pytest.raises(InputError, match=message):
        fit(Samples(**columns))


def test_read_only_and_strided_arrays_are_taken():
    whole = class_samples()
    wide = np.repeat(whole.features, 2, axis=1)
    targets = whole.targets.copy()
    targets.flags.writeable = False
    same = Samples(features=wide[:, ::2], targets=targets)
    first, second = fit(whole), fit(same)
    for name, tensor in first.tensors.items():
        assert tensor.tobytes() == second.tensors[name].tobytes()


def test_validation_with_other_features_is_refused():
    other = Samples(features=np.ones((9, 4), np.float32), targets=np.zeros(9, np.int64))
    with pytest.raises(InputError, match="validation samples"):
        fit(validation=other)


def test_a_loss_for_values_takes_one_output():
    with pytest.raises(InputError, match="takes 1 output"):
        fit(value_samples(), value_samples(), n_outputs=3, loss={"type": "mse"})


def test_devices_are_chosen_by_what_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device() == "cpu"
    assert choose_device("mps") == "mps"
    with pytest.raises(InputError, match="cuda is not there"):
        choose_device("cuda")
    with pytest.raises(InputError, match="expected auto"):
        choose_device("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device() == "cuda"


def test_without_torch_the_extra_is_named():
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from ktrdr.errors import MissingExtraError\n"
        "try:\n"
        "    import ktrdr.neural\n"
        "except MissingExtraError as error:\n"
        "    print(error.extra, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("ml torch is not installed")
