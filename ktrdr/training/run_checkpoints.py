"""Where the checkpoints of one training are, among those of other trainings."""

from collections.abc import Mapping
from pathlib import Path

from ktrdr.neural import Checkpoint
from ktrdr.progress import Progress
from ktrdr.storage import canonical_json, digest_of

_SUFFIX = ".safetensors"


class RunCheckpoints:
    """The checkpoints of one training: a file for each of its networks.

    Parameters
    ----------
    folder : Path
        Of all trainings of the strategy; files are named by the run's identity, so
        that trainings side by side don't overwrite each other's.
    identity : mapping of str to str
        What decides the weights.
    """

    def __init__(self, folder: Path, identity: Mapping[str, str]) -> None:
        self._folder = folder
        self._identity = identity
        self._run = digest_of(canonical_json(dict(identity)))[:16]

    def of(self, network: str) -> Checkpoint:
        """Return the checkpoint of the network of that name."""
        path = self._folder / f"{self._run}.{network}{_SUFFIX}"
        return Checkpoint(path, self._identity)

    def check_resumable(self, progress: Progress) -> None:
        """Make sure that going on is possible, or that there is nothing to go on from.

        Raises
        ------
        ConflictError
            If there are only other runs' checkpoints; it says how they differ.
        InputError
            If the newest of them is damaged.
        """
        files = list(self._folder.glob(f"*{_SUFFIX}"))
        if any(path.name.startswith(self._run) for path in files):
            return
        if files:
            newest = max(files, key=lambda path: path.stat().st_mtime_ns)
            Checkpoint(newest, self._identity).read()
        progress.note("there is no checkpoint of this run yet: it starts anew")

    def remove(self) -> None:
        """Remove this run's files; those of other runs stay."""
        for path in self._folder.glob(f"*{self._run}.*{_SUFFIX}*"):
            path.unlink(missing_ok=True)
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()
