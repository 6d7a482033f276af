"""Checkpoints: an unfinished training on disk, whole or not at all."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, cast

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ktrdr.errors import ConflictError, InputError
from ktrdr.neural.stopping import StoppingState

_FORMAT = "1"
_METADATA_KEYS = frozenset({"format", "identity", "state", "sha256"})


class KernelState(TypedDict):
    """``Kernels`` as plain values."""

    device: str
    cpu: str
    threads: int


class FitState(TypedDict):
    """What a checkpoint keeps beside its tensors.

    ``order`` is the state of the random numbers from which the epoch's order of
    rows was drawn, before it was; ``batch`` counts the batches done since.
    ``optimizer`` is torch's param_groups, ``scheduler`` torch's state.
    """

    epoch: int
    batch: int
    order: Any
    optimizer: list[dict[str, Any]]
    scheduler: dict[str, Any]
    stopping: StoppingState
    train_losses: list[float]
    validation_losses: list[float]
    learning_rates: list[float]
    kernels: KernelState
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A training at one moment: numbers as ``state``, arrays as ``tensors``."""

    state: FitState
    tensors: dict[str, Tensor]


class Checkpoint:
    """One file that always holds the last snapshot written, whole.

    Parameters
    ----------
    path : Path
        The file; it need not exist, nor its folder.
    identity : mapping of str to str
        What makes this run this run, such as digests of strategy and data. A file
        with another identity is refused.
    name : str
        Of the network, to tell those of one run apart.
    """

    def __init__(
        self, path: Path, identity: Mapping[str, str], name: str = "network"
    ) -> None:
        self.path = path
        self.name = name
        self._identity = dict(identity)

    def write(self, snapshot: Snapshot) -> None:
        """Replace the file: a crash at any moment leaves the old or the new one."""
        state = json.dumps(snapshot.state)
        tensors = {name: each.cpu() for name, each in snapshot.tensors.items()}
        identity = json.dumps(self._identity)
        metadata = {
            "format": _FORMAT,
            "identity": identity,
            "state": state,
            "sha256": _digest(identity, state, tensors),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with temporary.open("wb") as file:
                file.write(save(tensors, metadata))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(self.path.parent)

    def read(self) -> Snapshot | None:
        """Return the snapshot, or None if the file does not exist.

        Raises
        ------
        ConflictError
            If the file belongs to another run.
        InputError
            If the file is damaged.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                metadata = file.metadata() or {}
                # Clones, as the tensors are a map of the file, which the next
                # snapshot replaces.
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}
        except (SafetensorError, OSError) as error:
            raise self._damaged(str(error)) from None
        if not _METADATA_KEYS <= metadata.keys() or metadata["format"] != _FORMAT:
            raise self._damaged("it is no checkpoint of this version of ktrdr")
        identity, state = metadata["identity"], metadata["state"]
        if metadata["sha256"] != _digest(identity, state, tensors):
            raise self._damaged("its content does not match its hash")
        self._check_identity(json.loads(identity))
        return Snapshot(state=cast("FitState", json.loads(state)), tensors=tensors)

    def remove(self) -> None:
        """Remove the file, if it exists."""
        self.path.unlink(missing_ok=True)

    def _damaged(self, what: str) -> InputError:
        return InputError(
            f"checkpoint {self.path} can't be read ({what}); "
            "start anew without --resume"
        )

    def _check_identity(self, found: dict[str, str]) -> None:
        keys = sorted(found.keys() | self._identity.keys())
        differences = [
            f"{key} was {found.get(key, 'not given')}, "
            f"is {self._identity.get(key, 'not given')}"
            for key in keys
            if found.get(key) != self._identity.get(key)
        ]
        if differences:
            raise ConflictError(
                f"checkpoint {self.path} belongs to another run "
                f"({'; '.join(differences)}); start anew without --resume, "
                "or ask for the same run again"
            )


def _digest(identity: str, state: str, tensors: Mapping[str, Tensor]) -> str:
    hashed = hashlib.sha256(f"{identity}\n{state}".encode())
    for name in sorted(tensors):
        hashed.update(name.encode())
        hashed.update(tensors[name].contiguous().numpy().tobytes())
    return hashed.hexdigest()


def _sync_folder(folder: Path) -> None:
    # A rename lasts only once its folder is on disk. Windows can't open folders,
    # and keeps renames in its journal.
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
