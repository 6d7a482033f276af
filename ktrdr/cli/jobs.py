"""Run a job process from a command and show its progress."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ktrdr.cli.display import Display
    from ktrdr.schemas import Part


def run_job(
    module: str, request: "Part", *, as_json: bool = False
) -> dict[str, object]:
    """Run ``module`` on ``request`` in a child process and return its result.

    Progress goes to standard error, nothing of it with ``as_json``. An interrupt ends
    the job and is raised again.
    """
    from ktrdr.cli.display import Display

    with Display(is_silent=as_json) as display:
        return show_job(module, request, display)


def show_job(module: str, request: "Part", display: "Display") -> dict[str, object]:
    """Run ``module`` on ``request`` in a child process, shown on ``display``."""
    from ktrdr.cli.command_trace import trace_command
    from ktrdr.cli.display import show_event
    from ktrdr.workers import JobProcess, ResultEvent

    trace_command()
    with JobProcess(module, request) as job:
        # Importing its libraries takes a job seconds on a slow disk.
        display.phase("start")
        for event in job.events():
            if isinstance(event, ResultEvent):
                return event.result
            show_event(display, event)
    raise RuntimeError("a job's events end with its result or an error")
