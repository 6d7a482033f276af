"""What a running PostgreSQL tells of itself in its ``postmaster.pid``."""

import subprocess
from pathlib import Path

_STATUS_LINE = 7


class Postmaster:
    """The main process of the server on the folder ``data``."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._file = data / "postmaster.pid"

    @property
    def pid(self) -> int | None:
        """Its process id, None if there is none that is really this server."""
        lines = self._lines()
        if not lines or not lines[0].isdigit():
            return None
        pid = int(lines[0])
        # After a crash the number may belong to anybody.
        return pid if str(self._data) in _command_of(pid) else None

    @property
    def is_ready(self) -> bool:
        """Whether it takes connections."""
        lines = self._lines()
        has_status = len(lines) > _STATUS_LINE
        return has_status and lines[_STATUS_LINE].strip() == "ready" and bool(self.pid)

    def forget(self) -> None:
        """Remove what a server that was killed left; only when none runs."""
        self._file.unlink(missing_ok=True)

    def _lines(self) -> list[str]:
        try:
            return self._file.read_text().splitlines()
        except FileNotFoundError:
            return []


def _command_of(pid: int) -> str:
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            return ""
    ps = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout
