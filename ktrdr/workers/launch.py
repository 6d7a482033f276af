"""Start a worker: check what it needs, then let it work."""

from ktrdr.workers.options import WorkerOptions

_THREADS_S = 0.5


def run_worker(options: WorkerOptions) -> None:
    """Run a worker in this process until it is told to stop.

    Raises
    ------
    InputError
        If it can't be what it is asked to be, such as one that lacks torch.
    IncompatibleError
        If torch, the database or the backend don't fit.
    DatabaseError
        If the database stays out of reach.
    """
    import asyncio
    import os

    from ktrdr.logs import set_up_logs
    from ktrdr.settings import settings
    from ktrdr.tracing import start_tracing, stop_tracing
    from ktrdr.workers.health import free_socket
    from ktrdr.workers.identity import WorkerIdentity, worker_name
    from ktrdr.workers.options import queues_of
    from ktrdr.workers.service import WorkerService
    from ktrdr.workers.startup import validate_ml_dependencies

    config = settings()
    set_up_logs(config.log_level, config.log_format)
    start_tracing("ktrdr-worker", config.otlp_endpoint)
    device = (
        validate_ml_dependencies(config.accelerator, options.device)
        if options.kind == "training"
        else "cpu"
    )
    queues = queues_of(options, device)
    first_port = config.worker_port if options.port is None else options.port
    listening = free_socket(config.worker_host, first_port)
    port = listening.getsockname()[1]
    name = options.name or config.worker_name or worker_name(options.kind, port)
    identity = WorkerIdentity(
        name=name,
        kind=options.kind,
        device=device,
        queues=queues,
        concurrency=options.concurrency,
        port=port,
    )

    async def work() -> None:
        await WorkerService(identity, config).run(listening)
        await asyncio.to_thread(stop_tracing)
        # All is told; a thread that waits for a store that hangs is not waited for.
        asyncio.get_running_loop().call_later(_THREADS_S, os._exit, 0)

    asyncio.run(work())


def worker_main(options: WorkerOptions) -> int:
    """Run a worker and return the exit code of its process."""
    import structlog

    from ktrdr.errors import handling_of, is_defect, message_of

    try:
        run_worker(options)
    # The border of the process: whatever ends it is told.
    except Exception as error:
        log = structlog.stdlib.get_logger(__name__)
        log.error(message_of(error), exc_info=error if is_defect(error) else None)
        return handling_of(error).exit_code
    return 0
