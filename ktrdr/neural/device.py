"""Where a network is trained, and how torch is kept deterministic meanwhile."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from ktrdr.errors import InputError

_CUBLAS_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


@dataclass(frozen=True, kw_only=True)
class Kernels:
    """What decides the last bits of a training's sums.

    Attributes
    ----------
    device : str
        ``cpu``, ``cuda`` or ``mps``.
    cpu : str
        Vector instructions that torch uses, such as ``AVX512``.
    threads : int
        Threads that share one operation.
    """

    device: str
    cpu: str
    threads: int

    def __str__(self) -> str:
        return f"{self.device} ({self.cpu}, {self.threads} threads)"


def choose_device(name: str = "auto") -> str:
    """Return the device to train on: ``cpu``, ``cuda`` or ``mps``.

    ``auto`` takes CUDA where there is any, else the CPU. It never takes Apple's
    ``mps``, which is slower than the CPU on networks of this size and has no
    deterministic mode; who wants it says so.

    Raises
    ------
    InputError
        If the device is unknown or not there.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    is_there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name not in is_there:
        raise InputError(f"unknown device {name!r}: expected auto, cpu, cuda or mps")
    if not is_there[name]:
        raise InputError(
            f"device {name} is not there: torch {torch.__version__} sees none; "
            "use auto or cpu, or a build of torch and a machine that have it"
        )
    return name


@contextmanager
def deterministic(device: str, threads: int) -> Iterator[Kernels]:
    """Make torch repeatable with ``threads`` threads until the block ends.

    On the CPU and on CUDA every operation is then deterministic; torch promises no
    such thing for ``mps``.
    """
    was_enabled = torch.are_deterministic_algorithms_enabled()
    warned_only = torch.is_deterministic_algorithms_warn_only_enabled()
    threads_before = torch.get_num_threads()
    if device == "cuda":
        # cuBLAS repeats itself only with a workspace of fixed size.
        os.environ.setdefault(_CUBLAS_WORKSPACE, ":4096:8")
    torch.use_deterministic_algorithms(device != "mps")
    torch.set_num_threads(threads)
    try:
        cpu = torch.backends.cpu.get_cpu_capability()
        yield Kernels(device=device, cpu=cpu, threads=threads)
    finally:
        torch.use_deterministic_algorithms(was_enabled, warn_only=warned_only)
        torch.set_num_threads(threads_before)
