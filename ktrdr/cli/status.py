"""``ktrdr status``: how the system that ``ktrdr up`` started is doing."""

from typing import TYPE_CHECKING, Any

import typer

from ktrdr.cli.options import AsJson, Url

if TYPE_CHECKING:
    from rich.table import Table

    from ktrdr.schemas import ReadyDocument, WorkerDocument

_NOT_READY_EXIT_CODE = 1


def status(url: Url = None, as_json: AsJson = False) -> None:
    """Tell how backend, database and workers are; ends with 1 when not all are well."""
    from ktrdr.cli.local.state import recorded_processes
    from ktrdr.cli.output import notes, print_json
    from ktrdr.cli.system import client_of, named_url, system_url
    from ktrdr.settings import settings

    found = system_url(url)
    if found is None:
        if as_json:
            print_json({"url": None, "is_ready": False})
        else:
            notes().print("ktrdr does not run here: `ktrdr up` starts it.")
        raise typer.Exit(_NOT_READY_EXIT_CODE)
    client = client_of(found)
    ready, workers = client.system.ready(), client.system.workers()
    is_ours = named_url(url) is None
    processes = recorded_processes(settings().run_path) if is_ours else []
    if as_json:
        print_json(_document(found, ready, workers, processes))
    else:
        _print(found, ready, workers, processes)
    if ready.status != "ready" or any(one["state"] != "running" for one in processes):
        raise typer.Exit(_NOT_READY_EXIT_CODE)


def _document(
    url: str,
    ready: "ReadyDocument",
    workers: "tuple[WorkerDocument, ...]",
    processes: list[dict[str, Any]],
) -> dict[str, object]:
    return {
        "url": url,
        "is_ready": ready.status == "ready",
        "parts": [part.model_dump(mode="json") for part in ready.parts],
        "processes": processes,
        "workers": [worker.model_dump(mode="json") for worker in workers],
    }


def _print(
    url: str,
    ready: "ReadyDocument",
    workers: "tuple[WorkerDocument, ...]",
    processes: list[dict[str, Any]],
) -> None:
    from ktrdr.cli.operation_view import workers_table
    from ktrdr.cli.output import console

    out = console()
    out.print(f"Backend {url}: {ready.status.replace('_', ' ')}", markup=False)
    for part in ready.parts:
        reason = f", {part.reason}" if part.reason else ""
        state = "ready" if part.is_ready else "not ready"
        out.print(f"  {part.name}: {state}{reason}", markup=False)
    if processes:
        out.print("\nProcesses", style="bold")
        out.print(_processes_table(processes))
    out.print("\nWorkers", style="bold")
    out.print(workers_table(workers) if workers else "  none has registered")


def _processes_table(processes: list[dict[str, Any]]) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("process", "state", "pid", "restarts", "last exit"):
        table.add_column(column, no_wrap=True)
    for one in processes:
        cells = (one["state"].replace("_", " "), one["pid"], one["restarts"])
        shown = ("" if cell is None else str(cell) for cell in cells)
        code = one["exit_code"]
        table.add_row(one["name"], *shown, "" if code is None else str(code))
    return table
