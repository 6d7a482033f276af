"""What the running system is: a file that `ktrdr up` writes and commands read."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ktrdr.processes import is_alive


@dataclass(frozen=True, kw_only=True)
class SystemState:
    """A system that `ktrdr up` started.

    Attributes
    ----------
    url : str
        Of its backend.
    pid : int
        Of its supervisor.
    started_at : str
        ISO 8601, UTC.
    """

    url: str
    pid: int
    started_at: str


def running_system(run_path: Path) -> SystemState | None:
    """Return the system whose state is kept in ``run_path``, if it still runs."""
    try:
        state = SystemState(**json.loads(_file(run_path).read_bytes()))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None
    # By itself the process id proves nothing: after a restart of the machine it may be
    # that of any program, which `ktrdr down` would end.
    return state if is_alive(state.pid) and _is_held(lock_path(run_path)) else None


def lock_path(run_path: Path) -> Path:
    """Return the file whose lock the supervisor holds as long as it lives."""
    return run_path / "lock"


def write_state(run_path: Path, state: SystemState) -> None:
    """Tell commands about the system that now answers."""
    run_path.mkdir(parents=True, exist_ok=True)
    temporary = _file(run_path).with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(asdict(state)), encoding="utf-8")
    temporary.replace(_file(run_path))


def forget_state(run_path: Path) -> None:
    """Tell commands that no system runs any more."""
    _file(run_path).unlink(missing_ok=True)


def _file(run_path: Path) -> Path:
    return run_path / "system.json"


def _is_held(path: Path) -> bool:
    try:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def recorded_processes(run_path: Path) -> list[dict[str, Any]]:
    """Return what the supervisor last recorded of its processes."""
    try:
        document = json.loads((run_path / "processes.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return []
    processes: list[dict[str, Any]] = document["processes"]
    return processes
