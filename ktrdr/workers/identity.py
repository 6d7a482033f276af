"""Which worker this is, and whether it fits the backend."""

import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ktrdr.build_info import WORKER_PROTOCOL, build_info
from ktrdr.workers.options import WorkerKind
from ktrdr.workers.startup import Device


@dataclass(frozen=True, kw_only=True)
class WorkerIdentity:
    """What a worker registers as.

    Attributes
    ----------
    queues : tuple of str
        From which it takes work.
    port : int
        Of its health and metrics.
    """

    name: str
    kind: WorkerKind
    device: Device
    queues: tuple[str, ...]
    concurrency: int
    port: int

    @property
    def host(self) -> str:
        """Name of this machine or container."""
        return socket.gethostname()

    @property
    def pid(self) -> int:
        """Process id."""
        return os.getpid()


def worker_name(kind: WorkerKind, port: int) -> str:
    """Return the name of a worker that was given none."""
    return f"{socket.gethostname()}-{kind}-{port}"


def worker_build() -> dict[str, Any]:
    """Return what this worker runs, as it registers it."""
    return {**asdict(build_info()), "protocol": WORKER_PROTOCOL}


def misfit(backend: Mapping[str, Any] | None) -> str | None:
    """Return why this worker does not fit the backend's build; None if it does.

    A backend that never announced itself is waited for, not judged.
    """
    if backend is None:
        return None
    mine = worker_build()
    for name in ("protocol", "version"):
        if backend.get(name) != mine[name]:
            return (
                f"this worker has {name} {mine[name]} and the backend "
                f"{backend.get(name, 'none')}: "
                f"install ktrdr {backend.get('version')} here or use the images of "
                "the backend's release, and start the worker again"
            )
    return None
