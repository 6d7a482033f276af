"""Start the system in the background, and stop it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ktrdr.cli.local.plan import SystemOptions
from ktrdr.cli.local.state import running_system
from ktrdr.errors import (
    BackendError,
    Handling,
    JobFailed,
    KtrdrError,
    StorageError,
)
from ktrdr.processes import is_alive
from ktrdr.settings import settings

_STOP_WITHIN_S = 60.0
_SECONDS_BETWEEN_LOOKS = 0.05


@dataclass(frozen=True, kw_only=True)
class Started:
    """A system, and whether this call started it."""

    url: str
    pid: int
    is_new: bool


def start_system(options: SystemOptions, *, port_is_wish: bool) -> Started:
    """Start the system unless it runs, and return when it is ready.

    Raises
    ------
    KtrdrError
        If it does not become ready; the message tells why and where its logs are.
    """
    there = running_system(settings().run_path)
    if there is not None:
        return Started(url=there.url, pid=there.pid, is_new=False)
    logs = _log_folder()
    with (logs / "supervisor.log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            _command(options, port_is_wish=port_is_wish),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            text=True,
        )
    try:
        answer = json.loads(_first_line(process) or "{}")
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    if "ready" in answer:
        return Started(url=answer["ready"], pid=process.pid, is_new=True)
    process.terminate()
    process.wait()
    message = (
        f"ktrdr did not start: {answer.get('failed', 'it ended without a word')}; "
        f"{logs} has the logs"
    )
    if "handling" in answer:
        raise JobFailed(message, Handling(**answer["handling"]))
    raise BackendError(message)


def stop_system() -> bool:
    """Stop the system that runs, all of it; tell whether there was one.

    Raises
    ------
    KtrdrError
        If it does not end in time.
    """
    there = running_system(settings().run_path)
    if there is None:
        return False
    os.kill(there.pid, signal.SIGTERM)
    deadline_s = time.monotonic() + _STOP_WITHIN_S
    while running_system(settings().run_path) is not None or _lives(there.pid):
        if time.monotonic() > deadline_s:
            raise KtrdrError(
                f"process {there.pid} did not stop within {_STOP_WITHIN_S:g} s; "
                f"{settings().run_path / 'logs'} tells what it waits for"
            )
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return True


def _log_folder() -> Path:
    folder = settings().run_path / "logs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the folder {folder} can't be made: {error.strerror}; KTRDR_HOME has to "
            "name a folder that can be written"
        ) from None
    return folder


def _command(options: SystemOptions, *, port_is_wish: bool) -> list[str]:
    return [
        *(sys.executable, "-m", "ktrdr.cli.local.supervisor"),
        f"--host={options.host}",
        f"--port={options.port}",
        f"--backtest-workers={options.backtest_workers}",
        f"--training-workers={options.training_workers}",
        *(["--port-is-wish"] if port_is_wish else []),
    ]


def _first_line(process: "subprocess.Popen[str]") -> str:
    # The pipe is closed afterwards: nobody reads what else the supervisor says.
    if process.stdout is None:
        raise RuntimeError("the supervisor is started with a pipe from it")
    with process.stdout as stream:
        return stream.readline()


def _lives(pid: int) -> bool:
    try:
        # A child of this process stays until it is waited for.
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    return is_alive(pid)
