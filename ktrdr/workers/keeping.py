"""Checkpoints between a job's scratch folder and the artifact store.

They travel through the store, so that any worker on any host can go on. One that is
noted of no operation any more is deleted at once, as a long training writes many; no
other operation has the same, since each writes its id into it.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import structlog

from ktrdr.errors import DataError, InputError, NotFoundError, StorageError
from ktrdr.operations import AttemptToken, Operations
from ktrdr.storage import ArtifactStore, blob_path, parse_digest
from ktrdr.workers.events import CheckpointEvent
from ktrdr.workers.patience import Patience

# A crash loses no more than this and what a job itself waits between checkpoints.
_LEAST_S_BETWEEN_UPLOADS = 5.0
_NETWORK = re.compile(r"[A-Za-z0-9_-]{1,64}")
_log = structlog.stdlib.get_logger(__name__)


def checkpoint_path(folder: Path, network: str) -> Path:
    """Return where in ``folder`` a job looks for the checkpoint of ``network``."""
    if not _NETWORK.fullmatch(network):
        raise InputError(f"{network!r} can't name a network's checkpoint")
    return folder / f"{network}.safetensors"


async def fetch_checkpoints(
    store: ArtifactStore,
    checkpoints: Mapping[str, str],
    folder: Path,
    note: Callable[[str], None],
) -> bool:
    """Put checkpoints, digests by network, into ``folder``; tell if there are any.

    One that is lost or damaged is noted, and that network's training begins anew.
    """
    folder.mkdir(parents=True)
    for network, digest in checkpoints.items():
        try:
            data = await asyncio.to_thread(store.get, parse_digest(digest))
        except (NotFoundError, DataError) as error:
            note(f"the training of {network} begins anew: {error}")
            continue
        checkpoint_path(folder, network).write_bytes(data)
    return any(folder.iterdir())


class CheckpointKeeper:
    """Puts the newest checkpoint of each network into the store and notes it.

    A store or database that is away delays that and does not disturb the job.

    Parameters
    ----------
    kept : mapping of str to str
        Those that earlier attempts have left: digests by network.
    """

    def __init__(
        self,
        operations: Operations,
        token: AttemptToken,
        store: ArtifactStore,
        patience: Patience,
        kept: Mapping[str, str],
    ) -> None:
        self._kept = dict(kept)
        self._operations = operations
        self._token = token
        self._store = store
        self._patience = patience
        self._newest: dict[str, Path] = {}
        self._has_news = asyncio.Event()
        self._keeping = asyncio.Lock()

    def hear(self, event: CheckpointEvent) -> None:
        """Remember a checkpoint that the job wrote."""
        self._newest[event.name] = event.path
        self._has_news.set()

    async def run(self) -> None:
        """Keep checkpoints until cancelled.

        Raises
        ------
        AttemptSuperseded
            If the attempt may write no more.
        """
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            await self.keep()
            await asyncio.sleep(_LEAST_S_BETWEEN_UPLOADS)

    async def rest(self) -> None:
        """Wait for an upload under way: broken off, nothing would name its blob."""
        async with self._keeping:
            pass

    async def keep(self) -> None:
        """Keep what was written since the last time."""
        async with self._keeping:
            for network, path in tuple(self._newest.items()):
                del self._newest[network]
                is_kept = False
                try:
                    await self._keep_one(network, path)
                    is_kept = True
                except StorageError as error:
                    _log.warning("checkpoint was not kept", error=str(error))
                finally:
                    if not is_kept:
                        self._newest.setdefault(network, path)
                        self._has_news.set()

    async def clear(self) -> None:
        """Delete the checkpoints of an operation that is completed."""
        kept, self._kept = set(self._kept.values()), {}
        for digest in kept:
            await self._delete(digest)

    async def _keep_one(self, network: str, path: Path) -> None:
        # A job that has just ended removes its checkpoints.
        with suppress(FileNotFoundError):
            digest = await asyncio.to_thread(_put, self._store, path)
            write = partial(self._operations.checkpoint, self._token, network, digest)
            await self._patience.retry(write)
            before = self._kept.get(network)
            self._kept[network] = digest
            if before is not None and before not in self._kept.values():
                await self._delete(before)

    async def _delete(self, digest: str) -> None:
        try:
            path = blob_path(digest)
            await asyncio.to_thread(self._store.files.delete, path)
        except StorageError as error:
            # `ktrdr store gc` finds it.
            _log.warning("old checkpoint was not deleted", error=str(error))


def _put(store: ArtifactStore, path: Path) -> str:
    return store.put(path.read_bytes())
