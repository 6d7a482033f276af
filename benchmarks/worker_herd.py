"""Many workers in one process: ``python -m benchmarks.worker_herd FIRST NUMBER``.

Each is the real one, with its own pools of connections, heartbeats, sweep, queue and
HTTP server; only what a process of its own would cost in memory is shared. Ends when
its standard input does.
"""

import asyncio
import os
import sys
from pathlib import Path

from ktrdr.logs import set_up_logs
from ktrdr.settings import Settings, settings
from ktrdr.workers.health import free_socket
from ktrdr.workers.identity import WorkerIdentity
from ktrdr.workers.service import WorkerService


def main() -> None:
    """Run workers ``herd-FIRST`` and so on."""
    first, number = map(int, sys.argv[1:])
    set_up_logs("error", "text")
    asyncio.run(_run(range(first, first + number)))


async def _run(numbers: range) -> None:
    workers = [asyncio.create_task(_worker(number)) for number in numbers]
    ending = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    await asyncio.wait({ending, *workers}, return_when=asyncio.FIRST_COMPLETED)
    for task in filter(asyncio.Task.done, workers):
        # It was to work until the end: this tells why it did not.
        task.result()
    # The database goes too, so nothing has to be put in order.
    os._exit(0)


async def _worker(number: int) -> None:
    listening = free_socket("127.0.0.1", 0)
    identity = WorkerIdentity(
        name=f"herd-{number}",
        kind="backtest",
        device="cpu",
        queues=("backtest",),
        concurrency=1,
        port=listening.getsockname()[1],
    )
    await WorkerService(identity, _settings_of(number)).run(listening)


def _settings_of(number: int) -> Settings:
    home: Path = settings().home / f"herd-{number}"
    return settings().model_copy(update={"home": home})


if __name__ == "__main__":
    main()
