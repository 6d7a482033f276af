"""Where the checkpoints of one training are, among those of other trainings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from ktrdr.errors import InputError
from ktrdr.neural import Checkpoint
from ktrdr.progress import Progress
from ktrdr.storage import canonical_json, digest_of

_SUFFIX = ".safetensors"
_NETWORKS = ("linear", "mlp")


class RunCheckpoints:
    """The checkpoints of one training: a file for each of its networks.

    Parameters
    ----------
    folder : Path
        Where they are; it need not exist.
    identity : mapping of str to str
        What decides the weights.
    prefix : str
        What the names of the files begin with.
    """

    def __init__(self, folder: Path, identity: Mapping[str, str], prefix: str) -> None:
        self._folder = folder
        self._identity = identity
        self._prefix = prefix

    @classmethod
    def among_others_in(cls, folder: Path, identity: Mapping[str, str]) -> Self:
        """Return those of a run whose folder other runs of the strategy use too.

        Files are named by the run's identity, so that trainings side by side don't
        overwrite each other's.
        """
        run = digest_of(canonical_json(dict(identity)))[:16]
        return cls(folder, identity, f"{run}.")

    @classmethod
    def alone_in(cls, folder: Path, identity: Mapping[str, str]) -> Self:
        """Return those of an operation, named by their networks alone.

        So whoever keeps them need not know the identity to put them back.
        """
        return cls(folder, identity, "")

    def of(self, network: str) -> Checkpoint:
        """Return the checkpoint of the network of that name."""
        path = self._folder / f"{self._prefix}{network}{_SUFFIX}"
        return Checkpoint(path, self._identity, network)

    def check_resumable(self, progress: Progress, restart_if_unusable: bool) -> None:
        """Make sure that going on is possible, or that there is nothing to go on from.

        With ``restart_if_unusable``, what can't be used is noted and removed.

        Raises
        ------
        ConflictError
            If there are only other runs' checkpoints; it says how they differ.
        InputError
            If the newest of them is damaged.
        """
        own = [one for one in map(self.of, _NETWORKS) if one.path.exists()]
        if restart_if_unusable:
            for checkpoint in own:
                _drop_unusable(checkpoint, progress)
        elif not own:
            self._refuse_others()
        if not own:
            progress.note("there is no checkpoint of this run yet: it starts anew")

    def _refuse_others(self) -> None:
        files = list(self._folder.glob(f"*{_SUFFIX}"))
        if files:
            newest = max(files, key=lambda path: path.stat().st_mtime_ns)
            Checkpoint(newest, self._identity).read()

    def remove(self) -> None:
        """Remove this run's files; those of other runs stay."""
        for network in _NETWORKS:
            name = self.of(network).path.name
            # What a killed process was writing has a suffix more.
            for path in self._folder.glob(f"*{name}*"):
                path.unlink(missing_ok=True)
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()


def _drop_unusable(checkpoint: Checkpoint, progress: Progress) -> None:
    try:
        checkpoint.read()
    except InputError as error:
        reason = str(error).partition("; start anew")[0]
        progress.note(f"the training of {checkpoint.name} begins anew: {reason}")
        checkpoint.remove()
