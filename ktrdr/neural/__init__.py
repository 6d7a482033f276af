"""Neural networks, fitted with torch: the only room that imports it.

Networks leave as plain arrays; nobody outside needs torch to use them.
"""

from importlib import import_module

from ktrdr.errors import MissingExtraError

try:
    import_module("torch")
except ModuleNotFoundError as error:
    raise MissingExtraError("torch", "ml") from error

from ktrdr.neural.checkpoint import Checkpoint
from ktrdr.neural.device import Kernels, choose_device
from ktrdr.neural.fit import Fit, Samples, fit_network

__all__ = [
    "Checkpoint",
    "Fit",
    "Kernels",
    "Samples",
    "choose_device",
    "fit_network",
]
