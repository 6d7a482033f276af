"""A system to try an image in: a database, a network and a folder, gone afterwards."""

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from ktrdr.cli.kinfra.images.engine import Done
from ktrdr.cli.kinfra.images.verify.check import Fault
from ktrdr.cli.kinfra.images.verify.subject import (
    HARDENED,
    HOME,
    TIMEOUT_S,
    Subject,
    failure,
)

# The oldest that stand-ins and registries both have; the schema needs nothing newer.
_POSTGRES = "postgres:17"
_DATABASE_S = 60.0
_PAUSE_S = 0.1
# What a container needs beyond the grace that it gives its work.
_STOP_S = 5.0
GRACE_S = 10.0

AnswerT = TypeVar("AnswerT", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class System:
    """Where the image's containers run together.

    Attributes
    ----------
    subject : Subject
    name : str
        Of network and volume; containers' names begin with it.
    password : str
        Of the database.
    """

    subject: Subject
    name: str
    password: str

    @property
    def options(self) -> tuple[str, ...]:
        """How each container is run: in the network, hardened, with its folder."""
        url = f"postgresql://postgres:{self.password}@{self.name}-db/postgres"
        return (
            f"--network={self.name}",
            f"--volume={self.name}:{HOME}",
            f"--env=KTRDR_DATABASE_URL={url}",
            f"--env=KTRDR_GRACE_S={GRACE_S:g}",
        )

    def run(self, *command: str, timeout_s: float = TIMEOUT_S) -> Done:
        """Run a command in a container of its own."""
        return self.subject.run(*command, options=self.options, timeout_s=timeout_s)

    def do(self, *command: str, options: tuple[str, ...] = ()) -> str:
        """Run a command and return what it writes.

        Raises
        ------
        Fault
            If it fails.
        """
        done = self.subject.run(*command, options=(*self.options, *options))
        if done.code:
            raise Fault(f"`{' '.join(command)}` {failure(done)}")
        return done.out

    def do_json(
        self, kind: type[AnswerT], *command: str, options: tuple[str, ...] = ()
    ) -> AnswerT:
        """Run a command with ``--json`` and return what it answers.

        Raises
        ------
        Fault
            If it fails, or writes anything else than the JSON that is expected.
        """
        out = self.do(*command, "--json", options=options)
        try:
            return kind.model_validate_json(out)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            why = f"{where}: {first['msg']}" if where else first["msg"]
            raise Fault(
                f"`{' '.join(command)} --json` answered {out[:300]!r}, which can't be "
                f"read: {why}"
            ) from None

    def query(self, statement: str) -> str:
        """Ask the database, by its own command."""
        command = ("psql", "-h", "127.0.0.1", "-U", "postgres", "-Atc", statement)
        return self.subject.engine.run("exec", f"{self.name}-db", *command).strip()

    @contextmanager
    def server(self, *command: str) -> "Iterator[Server]":
        """Lend a running server, by default the one that the image starts."""
        engine, name = self.subject.engine, f"{self.name}-{secrets.token_hex(3)}"
        began_s = time.monotonic()
        own = ("--detach", f"--name={name}", *HARDENED, *self.options)
        try:
            engine.run("run", *own, self.subject.reference, *command)
            yield Server(system=self, name=name, began_s=began_s)
        finally:
            engine.attempt("rm", "--force", "--volumes", name)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A container that goes on until it is stopped.

    Attributes
    ----------
    system : System
    name : str
    began_s : float
        When it was started, on the monotonic clock.
    """

    system: System
    name: str
    began_s: float

    def seconds_until(self, *probe: str, limit_s: float) -> float:
        """Return how long after its start a command in it first succeeded.

        Raises
        ------
        Fault
            If that takes longer than ``limit_s``, or it ended.
        """
        engine = self.system.subject.engine
        while True:
            done = engine.attempt("exec", self.name, *probe, timeout_s=limit_s)
            seconds = time.monotonic() - self.began_s
            if done.code == 0 and seconds <= limit_s:
                return seconds
            code = self.exit_code()
            if code is not None:
                raise Fault(f"it ended with exit code {code}: {self.log()}")
            if seconds > limit_s:
                raise Fault(
                    f"`{' '.join(probe)}` did not succeed within {limit_s:g} s: "
                    f"{(done.err or done.out).strip()[-200:]}; log: {self.log()}"
                )
            time.sleep(_PAUSE_S)

    def stop(self) -> float:
        """Stop it by SIGTERM and return how long that took.

        Raises
        ------
        Fault
            If it does not end by itself, or says that it failed.
        """
        engine, limit_s = self.system.subject.engine, GRACE_S + _STOP_S
        began_s = time.monotonic()
        engine.run("stop", f"--time={limit_s:.0f}", self.name)
        seconds, code = time.monotonic() - began_s, self.exit_code()
        if code != 0:
            raise Fault(f"it ended with exit code {code}, expected 0: {self.log()}")
        return seconds

    def exit_code(self) -> int | None:
        """Return the exit code; None while it runs."""
        template = "{{.State.Running}} {{.State.ExitCode}}"
        told = self.system.subject.engine.run(
            "container", "inspect", "--format", template, self.name
        )
        running, code = told.split()
        return None if running == "true" else int(code)

    def log(self) -> str:
        """Return the end of what it wrote."""
        done = self.system.subject.engine.attempt("logs", "--tail=10", self.name)
        return (done.err.strip() or done.out.strip())[-600:]


@contextmanager
def running_system(subject: Subject) -> Iterator[System]:
    """Lend a system with an empty database.

    Raises
    ------
    EngineError, Fault
        If it can't be made.
    """
    engine, name = subject.engine, f"ktrdr-verify-{secrets.token_hex(4)}"
    system = System(subject=subject, name=name, password=secrets.token_hex(16))
    with ExitStack() as stack:
        for kind in ("network", "volume"):
            engine.run(kind, "create", name)
            stack.callback(engine.attempt, kind, "rm", name)
        database = f"{name}-db"
        stack.callback(engine.attempt, "rm", "--force", "--volumes", database)
        engine.run(
            *("run", "--detach", f"--name={database}", f"--network={name}"),
            *(
                "--tmpfs=/var/lib/postgresql",
                f"--env=POSTGRES_PASSWORD={system.password}",
                # For psql inside.
                f"--env=PGPASSWORD={system.password}",
            ),
            _POSTGRES,
        )
        Server(system=system, name=database, began_s=time.monotonic()).seconds_until(
            # Over TCP, which the server of the preparations does not listen on.
            *("psql", "-h", database, "-U", "postgres", "-c", "SELECT 1"),
            limit_s=_DATABASE_S,
        )
        yield system
