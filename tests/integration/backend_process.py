"""A backend in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

_STARTS_WITHIN_S = 30.0


class BackendProcess:
    """`ktrdr serve` on a free port."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self._log = log
        self.url = self._find_url()

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_ready(self) -> None:
        self._until(lambda: httpx.get(f"{self.url}/api/v1/health/ready").is_success)

    def stop(self, within_s: float = 15.0) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def _find_url(self) -> str:
        pattern = re.compile(r"url=(http://\S+)")
        self._until(lambda: pattern.search(self.log))
        found = pattern.search(self.log)
        assert found is not None
        return found[1]

    def _until(self, condition) -> None:
        deadline_s = time.monotonic() + _STARTS_WITHIN_S
        while not condition():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline_s, self.log
            time.sleep(0.05)


@contextmanager
def running_backend(
    home: Path, database_url: str, *arguments: str, **variables: str
) -> Iterator[BackendProcess]:
    log = home / "backend.log"
    command = [sys.executable, "-m", "ktrdr", "serve", "--port", "0", *arguments]
    environment = {
        **os.environ,
        "KTRDR_HOME": str(home),
        # Never the checkout's: strategies can be saved and deleted.
        "KTRDR_STRATEGIES": str(home / "strategies"),
        "KTRDR_DATABASE_URL": database_url,
        **variables,
    }
    with log.open("w") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=file, text=True, env=environment
        )
    try:
        yield BackendProcess(process, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
