"""The networks: a multilayer perceptron, or one linear layer as its baseline."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ktrdr.strategy import MlpSpec

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "gelu": F.gelu,
    "silu": F.silu,
    "leaky_relu": F.leaky_relu,
}


class Network:
    """Linear layers with an activation and dropout between them.

    All weights and biases lie in one vector, ``weights``, and their gradients in
    another, ``gradient``, which is ``weights.grad``; layers hold views. So an
    optimizer's step, a gradient's norm, a copy of the best weights and a checkpoint
    deal with one tensor, whatever the number of layers.

    Parameters
    ----------
    model : MlpSpec or None
        Hidden layers; None is the linear baseline, which has none.
    n_features, n_outputs : int
        Width of the first and of the last layer.
    seed : int
        Of the initial weights and of dropout.
    device : str
        Where the weights live.
    """

    def __init__(
        self,
        model: MlpSpec | None,
        *,
        n_features: int,
        n_outputs: int,
        seed: int,
        device: str = "cpu",
    ) -> None:
        hidden = model.hidden_layers if model else ()
        self._is_mlp = model is not None
        self._activation = _ACTIVATIONS[model.activation if model else "relu"]
        self._dropout = model.dropout if model else 0.0
        shapes = list(pairwise((n_features, *hidden, n_outputs)))
        self.weights = _initial_weights(shapes, seed).to(device)
        self.gradient = torch.zeros_like(self.weights)
        self.weights.grad = self.gradient
        self._layers = _layer_views(self.weights, self.gradient, shapes)
        # Its own stream of random numbers: nothing outside can disturb it, and a
        # checkpoint can hold its state.
        self.dropout_generator = torch.Generator(device=device).manual_seed(seed)

    def outputs(self, features: Tensor) -> Tensor:
        """Return the outputs, shape (n, n_outputs), without dropout."""
        return self._forward(features, 0.0)

    def training_outputs(self, features: Tensor) -> Tensor:
        """Return the outputs, shape (n, n_outputs), with dropout."""
        return self._forward(features, self._dropout)

    def _forward(self, values: Tensor, dropout: float) -> Tensor:
        *hidden, last = self._layers
        for weight, bias in hidden:
            values = self._activation(F.linear(values, weight, bias))
            if dropout:
                mask = torch.empty_like(values).bernoulli_(
                    1 - dropout, generator=self.dropout_generator
                )
                values = values * mask.div_(1 - dropout)
        return F.linear(values, *last)

    def export(self) -> dict[str, NDArray[np.float32]]:
        """Return copies of the weights and biases, named as bundles name them."""
        names = (
            [f"mlp.{layer}" for layer in range(len(self._layers))]
            if self._is_mlp
            else ["linear"]
        )
        return {
            f"{name}.{part}": values.detach().cpu().numpy().copy()
            for name, layer in zip(names, self._layers, strict=True)
            for part, values in zip(("weight", "bias"), layer, strict=True)
        }


def _initial_weights(shapes: list[tuple[int, int]], seed: int) -> Tensor:
    # Uniform within 1 / sqrt(inputs), as torch.nn.Linear begins. Drawn on the CPU,
    # so that all devices begin alike.
    generator = torch.Generator().manual_seed(seed)
    layers = [
        torch.empty((n_in + 1) * n_out).uniform_(
            -1 / math.sqrt(n_in), 1 / math.sqrt(n_in), generator=generator
        )
        for n_in, n_out in shapes
    ]
    return torch.cat(layers)


def _layer_views(
    weights: Tensor, gradient: Tensor, shapes: list[tuple[int, int]]
) -> list[tuple[Tensor, Tensor]]:
    # Each part is a leaf of its own: a backward pass adds its gradient into the
    # same part of the gradient vector.
    def leaf(start: int, end: int, *shape: int) -> Tensor:
        view = weights[start:end].view(shape).requires_grad_()
        view.grad = gradient[start:end].view(shape)
        return view

    layers, start = [], 0
    for n_in, n_out in shapes:
        middle, end = start + n_in * n_out, start + (n_in + 1) * n_out
        layers.append((leaf(start, middle, n_out, n_in), leaf(middle, end, n_out)))
        start = end
    return layers
