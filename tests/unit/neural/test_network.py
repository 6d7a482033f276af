import numpy as np
import pytest
import torch
from torch import nn

from ktrdr.neural.network import Network
from ktrdr.strategy import MlpSpec

ACTIVATIONS = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "leaky_relu": nn.LeakyReLU,
}


def network(activation="relu", hidden=(7, 4), dropout=0.0, seed=3) -> Network:
    spec = MlpSpec(
        type="mlp", hidden_layers=hidden, activation=activation, dropout=dropout
    )
    return Network(spec, n_features=5, n_outputs=3, seed=seed)


def module_twin(own: Network, activation: type[nn.Module]) -> nn.Sequential:
    """The same network built from torch's own layers."""
    tensors = own.export()
    layers: list[nn.Module] = []
    for index in range(len(tensors) // 2):
        weight = torch.from_numpy(tensors[f"mlp.{index}.weight"])
        layer = nn.Linear(weight.shape[1], weight.shape[0])
        layer.weight.data.copy_(weight)
        layer.bias.data.copy_(torch.from_numpy(tensors[f"mlp.{index}.bias"]))
        layers += [layer, activation()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_outputs_and_gradients_equal_those_of_torch_layers(name):
    own = network(name)
    twin = module_twin(own, ACTIVATIONS[name])
    features = torch.randn(11, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(own.outputs(features), twin(features))

    own.training_outputs(features).square().sum().backward()
    twin(features).square().sum().backward()
    gradients = [one.grad for one in twin.parameters() if one.grad is not None]
    expected = torch.cat([gradient.reshape(-1) for gradient in gradients])
    torch.testing.assert_close(own.gradient, expected)


def test_a_change_of_the_vector_changes_the_layers():
    own = network()
    before = own.export()
    own.weights.add_(1.0)
    for name, tensor in own.export().items():
        np.testing.assert_array_equal(tensor, before[name] + 1)


def test_exported_tensors_are_copies():
    own = network()
    exported = own.export()
    exported["mlp.0.weight"][:] = 0
    assert np.any(own.export()["mlp.0.weight"] != 0)


def test_names_and_shapes_are_those_of_a_bundle():
    shapes = {name: tensor.shape for name, tensor in network().export().items()}
    assert shapes == {
        "mlp.0.weight": (7, 5),
        "mlp.0.bias": (7,),
        "mlp.1.weight": (4, 7),
        "mlp.1.bias": (4,),
        "mlp.2.weight": (3, 4),
        "mlp.2.bias": (3,),
    }
    linear = Network(None, n_features=5, n_outputs=1, seed=0).export()
    assert {name: tensor.shape for name, tensor in linear.items()} == {
        "linear.weight": (1, 5),
        "linear.bias": (1,),
    }
    assert all(tensor.dtype == np.float32 for tensor in linear.values())


def test_initial_weights_depend_on_the_seed_and_lie_within_their_bound():
    first, again, other = (network(seed=seed).export() for seed in (1, 1, 2))
    for name, tensor in first.items():
        n_in = {"0": 5, "1": 7, "2": 4}[name.split(".")[1]]
        assert np.abs(tensor).max() <= 1 / np.sqrt(n_in)
        np.testing.assert_array_equal(tensor, again[name])
    assert np.any(first["mlp.0.weight"] != other["mlp.0.weight"])


def test_global_random_numbers_are_neither_used_nor_changed():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    network(dropout=0.5).training_outputs(torch.ones(4, 5))
    assert torch.equal(torch.rand(3), expected)


def test_dropout_silences_its_share_and_keeps_the_mean():
    own = network("relu", hidden=(50,), dropout=0.3)
    features = torch.ones(2000, 5)
    silent = own.outputs(features)
    noisy = own.training_outputs(features)
    assert noisy.std(dim=0).min() > 0
    torch.testing.assert_close(noisy.mean(dim=0), silent[0], atol=0.05, rtol=0)
    assert torch.equal(own.outputs(features), silent)
