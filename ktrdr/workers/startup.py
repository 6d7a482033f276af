"""What a training worker needs, checked before it takes any work.

In a child process: the worker itself never loads torch.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Literal

from ktrdr.errors import IncompatibleError, InputError, MissingExtraError

Device = Literal["cpu", "cuda", "mps"]
_IMAGES = {"cpu": "ktrdr-worker-cpu", "cuda": "ktrdr-worker-gpu"}
_BUILDS = {"cpu": "the CPU", "cuda": "CUDA", "mps": "Apple's GPUs"}
# Reading torch from a slow disk takes long, once.
_IMPORT_TIMEOUT_S = 180.0
_MISSING = {"missing": True}
_REPORT = """
import json, sys
try:
    import torch
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    json.dump({"missing": True}, sys.stdout)
else:
    json.dump({
        "version": torch.__version__,
        "cuda": torch.version.cuda,
        "sees_cuda": torch.cuda.is_available(),
        "has_mps": torch.backends.mps.is_built(),
        "sees_mps": torch.backends.mps.is_available(),
    }, sys.stdout)
"""


@dataclass(frozen=True, kw_only=True)
class TorchReport:
    """What torch says of itself.

    Attributes
    ----------
    version : str
    cuda : str or None
        Release of CUDA that it was built for.
    has_mps : bool
        Whether it was built for Apple's GPUs.
    sees_cuda, sees_mps : bool
        Whether there is such a GPU that it can use.
    """

    version: str
    cuda: str | None
    sees_cuda: bool
    has_mps: bool
    sees_mps: bool

    def is_built_for(self, device: Device) -> bool:
        """Return whether this build is meant for ``device``."""
        if device == "cpu":
            return self.cuda is None
        return self.cuda is not None if device == "cuda" else self.has_mps

    def sees(self, device: Device) -> bool:
        """Return whether it can compute there."""
        return {"cpu": True, "cuda": self.sees_cuda, "mps": self.sees_mps}[device]


def validate_ml_dependencies(
    accelerator: Device | None, device: Device | Literal["auto"] = "auto"
) -> Device:
    """Make sure that trainings can run here, and return where they do.

    Parameters
    ----------
    accelerator : str or None
        What the image declares that its torch is built for.
    device : str
        What was asked for; ``auto`` is CUDA where it can be used, else MPS where it
        can be, else the CPU.

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    IncompatibleError
        If torch is broken, or built for something else.
    InputError
        If the device is not there.
    """
    wanted = accelerator if device == "auto" else device
    report = _torch_report(_IMAGES.get(wanted or "cpu"))
    if accelerator is not None and not report.is_built_for(accelerator):
        raise _wrong_build(
            report, accelerator, f"KTRDR_ACCELERATOR declares {accelerator}"
        )
    if device == "auto":
        order: tuple[Device, ...] = ("cuda", "mps", "cpu")
        return next(one for one in order if report.sees(one))
    if device != "cpu" and not report.is_built_for(device):
        raise _wrong_build(report, device, f"the device asked for is {device}")
    if not report.sees(device):
        raise InputError(
            f"device {device} can't be used: torch {report.version} is built for "
            f"{_BUILDS[device]} and sees no such GPU; give this machine or container "
            "one (docker run --gpus all), or start the worker with --device cpu"
        )
    return device


def _torch_report(image: str | None) -> TorchReport:
    command = [sys.executable, "-c", _REPORT]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_IMPORT_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise IncompatibleError(
            f"torch was not loaded within {_IMPORT_TIMEOUT_S:.0f} s; is its disk well?"
        ) from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise IncompatibleError(
            f"torch is installed and can't be loaded ({last}): reinstall ktrdr[ml], "
            f"or use the image {image or _IMAGES['cpu']}"
        )
    # Whatever a library prints while it is loaded comes before.
    report = json.loads(done.stdout.splitlines()[-1])
    if report == _MISSING:
        raise MissingExtraError("torch", "ml", image)
    return TorchReport(**report)


def _wrong_build(report: TorchReport, device: Device, why: str) -> IncompatibleError:
    built = "cuda" if report.cuda else "cpu"
    cuda = f" {report.cuda}" if report.cuda else ""
    image = _IMAGES.get(device)
    advice = (
        f"use the image {image}, or a build of torch for {_BUILDS[device]} with "
        "ktrdr[ml]"
        if image
        else "run the worker on a Mac with Apple's GPU and ktrdr[ml] installed"
    )
    return IncompatibleError(
        f"{why}, and torch {report.version} is built for {_BUILDS[built]}{cuda}: "
        f"{advice}"
    )
