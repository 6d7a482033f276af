"""The embedded PostgreSQL: one server for one folder."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from ktrdr.database.disk import write_private
from ktrdr.database.embedded.cluster import (
    DATABASE,
    OWNER,
    check_cluster,
    make_cluster,
    no_space,
)
from ktrdr.database.embedded.identity import choose_identity
from ktrdr.database.embedded.launching import Identity, Launch, plain_environment
from ktrdr.database.embedded.locks import exclusive, is_held
from ktrdr.database.embedded.place import Place, programs_for
from ktrdr.database.embedded.ports import HOST, free_port, is_free
from ktrdr.database.embedded.postmaster import Postmaster
from ktrdr.errors import DatabaseError, StorageError
from ktrdr.settings import settings

_LOCK_S = 60.0
_START_S = 60.0
_STOP_S = 30.0
_KILL_S = 10.0
_PAUSE_S = 0.005
_PORTS_TRIED = 5
# With less than a file of the write-ahead log it does not start.
_FULL_BYTES = 2**24
_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}

# For one person's machine: few processes, little memory, every commit on disk.
_OPTIONS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "io_method": "sync",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "log_timezone": "UTC",
    "timezone": "UTC",
    # One file for each day of the week, emptied when the day comes again. Errors of
    # statements are told to those who sent them and need no line here.
    "logging_collector": "on",
    "log_filename": "server-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_file_mode": "0600",
    "log_checkpoints": "off",
    "log_min_messages": "log",
}


class EmbeddedPostgres:
    """PostgreSQL on loopback, with a password, in a folder of its own.

    Parameters
    ----------
    folder : Path, optional
        That of the settings if left out.
    options : mapping, optional
        Settings of PostgreSQL that differ from those for daily work.
    ends_with_us : bool
        Whether the server goes when this process does; else it lives on.
    avoid_namespace : bool
        As root, run it as an account without rights even if namespaces work.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        options: Mapping[str, str] | None = None,
        ends_with_us: bool = False,
        avoid_namespace: bool = False,
    ) -> None:
        self.folder = (folder or settings().postgres_path).resolve()
        self._options = {**_OPTIONS, **(options or {})}
        self._ends_with_us = ends_with_us
        self._avoid_namespace = avoid_namespace
        self._child: subprocess.Popen[bytes] | None = None
        self._place = Place(self.folder)

    @property
    def url(self) -> str:
        """URL of its database, with the password.

        Raises
        ------
        DatabaseError
            If it was never started.
        """
        try:
            password = (self._place.cluster / "password").read_text()
            port = (self.folder / "port").read_text()
        except FileNotFoundError:
            raise DatabaseError(
                f"there is no PostgreSQL in {self.folder} yet: `ktrdr up` makes it"
            ) from None
        return f"postgresql://{OWNER}:{password}@{HOST}:{port}/{DATABASE}"

    @property
    def exists(self) -> bool:
        """Whether there is a database already, running or not."""
        return self._place.cluster.exists()

    @property
    def pid(self) -> int | None:
        """Process id of the server, None if it does not run."""
        return self._postmaster.pid if is_held(self._place.server_lock) else None

    @property
    def is_running(self) -> bool:
        """Whether it runs and takes connections."""
        return is_held(self._place.server_lock) and self._postmaster.is_ready

    @property
    def _postmaster(self) -> Postmaster:
        return Postmaster(self._place.cluster / "data")

    def start(self) -> bool:
        """Start it unless it runs; return whether this call did.

        Raises
        ------
        MissingExtraError
            If PostgreSQL's programs are not installed.
        DatabaseError, IncompatibleError, StorageError
            If it can't run, with the reason.
        """
        if self.is_running:
            return False
        self._place.prepare()
        with exclusive(self._place.start_lock, _LOCK_S):
            if self._is_there_after_all():
                return False
            self._start_here()
        return True

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> bool:
        """Stop it; return whether it ran.

        Parameters
        ----------
        mode : str
            ``fast`` ends connections and writes all to disk; ``immediate`` is as if
            it crashed: the next start recovers, and nothing committed is lost.
        """
        if not is_held(self._place.server_lock):
            return False
        with exclusive(self._place.start_lock, _LOCK_S):
            if self._end(_SIGNALS[mode], _STOP_S) or self._end(signal.SIGQUIT, _KILL_S):
                return True
        raise DatabaseError(
            f"PostgreSQL in {self.folder} (process {self.pid}) has not ended within "
            f"{_STOP_S + _KILL_S:.0f} s; its log is in {self._log_folder}"
        )

    def _is_there_after_all(self) -> bool:
        """Wait for one that is starting or ending, whoever began it."""
        deadline = time.monotonic() + _START_S
        while is_held(self._place.server_lock):
            if self._postmaster.is_ready:
                return True
            if time.monotonic() > deadline:
                raise DatabaseError(
                    f"a PostgreSQL in {self.folder} neither takes connections nor "
                    f"ends since {_START_S:.0f} s; its log is in {self._log_folder}"
                )
            time.sleep(_PAUSE_S)
        return False

    def _start_here(self) -> None:
        identity = choose_identity(
            self._place.cluster, avoid_namespace=self._avoid_namespace
        )
        programs = programs_for(identity)
        cluster = self._place.settle(identity)
        if cluster.exists():
            check_cluster(cluster)
        else:
            sync = self._options.get("fsync") != "off"
            make_cluster(cluster, programs, identity, sync=sync)
        # Nobody holds the server's lock, so whatever it names is not this server.
        self._postmaster.forget()
        for _ in range(_PORTS_TRIED):
            if self._try_port(programs / "postgres", identity):
                return
        raise DatabaseError(
            f"PostgreSQL in {self.folder} found no free port on {HOST}, "
            f"{_PORTS_TRIED} times"
        )

    def _try_port(self, program: Path, identity: Identity) -> bool:
        port = free_port(self._last_port)
        if port != self._last_port:
            write_private(self.folder / "port", str(port))
        self._launch(program, identity, port)
        deadline = time.monotonic() + _START_S
        while not self._postmaster.is_ready:
            if self._is_gone():
                if not is_free(port):
                    return False
                raise self._failure()
            if time.monotonic() > deadline:
                raise DatabaseError(
                    f"PostgreSQL in {self.folder} is not ready after {_START_S:.0f} s: "
                    f"{self._last_words()}"
                )
            time.sleep(_PAUSE_S)
        return True

    def _launch(self, program: Path, identity: Identity, port: int) -> None:
        options = {**self._options, "port": str(port), "log_directory": "../log"}
        settings_of = [f"--{name}={value}" for name, value in options.items()]
        launch = Launch(
            program=str(program),
            arguments=("-D", str(self._place.cluster / "data"), *settings_of),
            identity=identity.kind,
            uid=identity.uid,
            gid=identity.gid,
            lock=str(self._place.server_lock),
            log=str(self._log_folder / "start.log"),
            detach=not self._ends_with_us,
            parent=os.getpid() if self._ends_with_us else None,
        )
        self._reap()
        self._child = subprocess.Popen(
            launch.command, stdin=subprocess.DEVNULL, env=plain_environment()
        )
        if not self._ends_with_us:
            # It has started another process, which holds the lock by now.
            self._reap()

    def _is_gone(self) -> bool:
        if self._ends_with_us and self._child is not None:
            return self._child.poll() is not None
        return not is_held(self._place.server_lock)

    def _end(self, how: signal.Signals, timeout_s: float) -> bool:
        """Send ``how`` as soon as it can be sent, and wait for the end of all."""
        deadline, told = time.monotonic() + timeout_s, None
        while is_held(self._place.server_lock):
            pid = self._postmaster.pid
            # None while it starts, and when only its children are left.
            if pid is not None and pid != told:
                told = pid
                with suppress(ProcessLookupError):
                    os.kill(pid, how)
            if time.monotonic() > deadline:
                return False
            time.sleep(_PAUSE_S)
        self._reap()
        return True

    def _reap(self) -> None:
        if self._child is not None:
            self._child.wait()
            self._child = None

    @property
    def _last_port(self) -> int | None:
        try:
            return int((self.folder / "port").read_text())
        except (FileNotFoundError, ValueError):
            return None

    @property
    def _log_folder(self) -> Path:
        return self._place.cluster / "log"

    def _last_words(self) -> str:
        logs = sorted(self._log_folder.glob("*.log"), key=lambda f: f.stat().st_mtime)
        lines = [
            line
            for log in logs[-2:]
            for line in log.read_text(errors="replace").splitlines()[-4:]
        ]
        return "; ".join(lines)

    def _failure(self) -> DatabaseError | StorageError:
        words = self._last_words()
        is_full = shutil.disk_usage(self.folder).free < _FULL_BYTES
        if is_full or "No space left" in words:
            return no_space(self.folder)
        return DatabaseError(f"PostgreSQL in {self.folder} does not start: {words}")
