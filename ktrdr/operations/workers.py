"""Who works: the register of workers, and the build that the backend runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ktrdr.database import Database, Row, load_queries
from ktrdr.operations.rows import fetch_all, fetch_one, jsonb, storable_text
from ktrdr.schemas import WorkerDocument

WorkerState = Literal["starting", "ready", "draining", "stopped", "refused"]

_SQL = load_queries("ktrdr.operations", "sql", "workers.sql")


@dataclass(frozen=True, kw_only=True)
class NewWorker:
    """A worker as it enters itself; its fields are those of WorkerDocument."""

    name: str
    kind: Literal["backtest", "training"]
    device: Literal["cpu", "cuda", "mps"]
    queues: Sequence[str]
    concurrency: int
    host: str
    pid: int
    port: int | None
    build: Mapping[str, Any]
    state: WorkerState = "starting"
    reason: str | None = None


class WorkerRegistry:
    """The workers, and the backend that they must be compatible with.

    The sweep calls a worker lost that has not told of itself for long.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register(self, worker: NewWorker) -> None:
        """Enter a worker, in place of one that had its name before."""
        async with self._database.connection() as connection:
            await connection.execute(_SQL["register"], _parameters(worker))

    async def heartbeat(self, name: str, pid: int) -> bool:
        """Tell that the worker lives; False asks it to register again."""
        return await self._change("heartbeat", name=name, pid=pid)

    async def set_state(
        self, name: str, pid: int, state: WorkerState, reason: str | None = None
    ) -> bool:
        """Say what the worker does now; False asks it to register again."""
        reason = reason if reason is None else storable_text(reason)
        return await self._change(
            "set_state", name=name, pid=pid, state=state, reason=reason
        )

    async def list(self) -> list[WorkerDocument]:
        """Return all workers by name, each with the operations that it runs."""
        async with self._database.connection() as connection:
            rows = await fetch_all(connection, _SQL["list"])
        return [WorkerDocument.model_validate(row) for row in rows]

    async def prune(self, older_than_days: float) -> int:
        """Forget workers that have been silent for longer; return how many."""
        older = {"older_s": older_than_days * 86_400}
        async with self._database.connection() as connection:
            return (await connection.execute(_SQL["prune"], older)).rowcount

    async def announce_backend(self, build: Mapping[str, Any]) -> None:
        """Say which build the backend runs."""
        async with self._database.connection() as connection:
            await connection.execute(_SQL["announce_backend"], {"build": jsonb(build)})

    async def backend_build(self) -> dict[str, Any] | None:
        """Return the build of the backend that started last; None before the first."""
        async with self._database.connection() as connection:
            row = await fetch_one(connection, _SQL["backend_build"])
        return None if row is None else dict(row["build"])

    async def _change(self, statement: str, **parameters: object) -> bool:
        async with self._database.connection() as connection:
            return (
                await fetch_one(connection, _SQL[statement], **parameters) is not None
            )


def _parameters(worker: NewWorker) -> Row:
    return {
        "name": worker.name,
        "kind": worker.kind,
        "device": worker.device,
        "queues": list(worker.queues),
        "concurrency": worker.concurrency,
        "host": worker.host,
        "pid": worker.pid,
        "port": worker.port,
        "build": jsonb(worker.build),
        "state": worker.state,
        "reason": worker.reason,
    }
