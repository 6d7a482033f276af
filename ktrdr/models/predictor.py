"""Predictors: trained networks computed in numpy, without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ktrdr.errors import BundleError, InputError
from ktrdr.models.activations import Activation, activation_named
from ktrdr.typing import FloatArray

Tensors = Mapping[str, NDArray[np.float32]]

CLASSES = ("short", "flat", "long")
RETURN = ("return",)

# Multiplications up to which OpenBLAS computes a product in one thread. Beyond, its
# threads wait for each other by spinning: 20 times slower on a busy machine.
_ONE_THREAD = 2**18
_LEAST_BLOCK, _LARGEST_BLOCK = 64, 1024


class Predictor(Protocol):
    """What a backtest needs of a trained network."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """``short, flat, long`` or ``return``."""

    def predict(self, features: FloatArray) -> FloatArray:
        """Return the outputs of each row.

        Parameters
        ----------
        features : ndarray of shape (n_bars, n_features)

        Returns
        -------
        ndarray of shape (n_bars, n_outputs)
            Class probabilities, or the predicted return; NaN in rows that hold NaN.
        """


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """One affine layer, ``inputs @ weight + bias``, in float64.

    Attributes
    ----------
    weight : ndarray of shape (n_in, n_out)
    bias : ndarray of shape (n_out,)
    """

    weight: FloatArray
    bias: FloatArray


class DensePredictor:
    """Affine layers with an activation between them."""

    def __init__(
        self,
        layers: tuple[Layer, ...],
        activation: Activation,
        outputs: tuple[str, ...],
    ) -> None:
        self.layers = layers
        self.activation = activation
        self._outputs = outputs

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return self._outputs

    @property
    def n_features(self) -> int:
        """Number of features that a row holds."""
        return len(self.layers[0].weight)

    def predict(self, features: FloatArray) -> FloatArray:
        """Return class probabilities or the predicted return; see Predictor."""
        logits = self.logits(features)
        return logits if self._outputs == RETURN else softmax(logits)

    def logits(self, features: FloatArray) -> FloatArray:
        """Return the last layer's values, shape (n_bars, n_outputs).

        Raises
        ------
        InputError
            If the rows hold another number of features than the network takes.
        """
        if features.ndim != 2 or features.shape[1] != self.n_features:
            raise InputError(
                f"features have shape {features.shape}, "
                f"expected (n_bars, {self.n_features})"
            )
        result = np.full((len(features), len(self._outputs)), np.nan)
        known = np.flatnonzero(~np.isnan(features).any(axis=1))
        # Blocks of one shape, the last one padded: a row's result then depends on
        # the row alone, not on how many follow it, because a matrix product may
        # round differently at another height.
        height = self._block_height
        block = np.zeros((height, self.n_features))
        for start in range(0, len(known), height):
            rows = known[start : start + height]
            block[: len(rows)] = features[rows]
            result[rows] = self._forward(block)[: len(rows)]
        return result

    @property
    def _block_height(self) -> int:
        largest = max(layer.weight.size for layer in self.layers)
        return min(max(_ONE_THREAD // largest, _LEAST_BLOCK), _LARGEST_BLOCK)

    def _forward(self, values: FloatArray) -> FloatArray:
        for layer in self.layers[:-1]:
            values = self.activation.value(values @ layer.weight + layer.bias)
        last: FloatArray = values @ self.layers[-1].weight + self.layers[-1].bias
        return last


class MlpPredictor(DensePredictor):
    """The trained multilayer perceptron.

    Parameters
    ----------
    tensors : mapping of str to ndarray of float32
        ``mlp.{i}.weight`` of shape (n_out, n_in) and ``mlp.{i}.bias``, i from 0.
    activation : str
        Between layers, as a strategy names it.
    outputs : tuple of str
        ``short, flat, long``, or ``return``.

    Notes
    -----
    Computed in float64, equal to torch's float32 within 1e-6. Dropout has no
    part in it.
    """

    def __init__(
        self, tensors: Tensors, *, activation: str, outputs: tuple[str, ...]
    ) -> None:
        n_layers = sum(
            name.startswith("mlp.") and name.endswith(".weight") for name in tensors
        )
        layers = tuple(_layer(tensors, f"mlp.{i}") for i in range(n_layers))
        if not layers:
            raise BundleError("the weights hold no layer named mlp.0")
        super().__init__(layers, activation_named(activation), outputs)


class LinearPredictor(DensePredictor):
    """The linear baseline.

    Parameters
    ----------
    tensors : mapping of str to ndarray of float32
        ``linear.weight`` of shape (n_outputs, n_features) and ``linear.bias``.
    outputs : tuple of str
        ``short, flat, long``, or ``return``.
    """

    def __init__(self, tensors: Tensors, *, outputs: tuple[str, ...]) -> None:
        # A single layer has nothing between layers: any activation will do.
        super().__init__(
            (_layer(tensors, "linear"),), activation_named("relu"), outputs
        )


def softmax(logits: FloatArray) -> FloatArray:
    """Return probabilities, shape (n, n_classes); the largest logit is taken off first.

    NaN in a row gives NaN in all of that row.
    """
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: FloatArray = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def _layer(tensors: Tensors, name: str) -> Layer:
    try:
        weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
    except KeyError as error:
        raise BundleError(f"the weights lack {error.args[0]}") from None
    return Layer(
        weight=np.ascontiguousarray(weight.T, np.float64),
        bias=np.asarray(bias, np.float64),
    )
