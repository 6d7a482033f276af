"""The container engine: docker or podman, by its command."""

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, cast

from ktrdr.cli.kinfra.images.archive import content_bytes
from ktrdr.errors import InputError, NotFoundError, RunError

NAMES = ("docker", "podman")
# How each engine's command names a host of its configuration.
_HOSTS = {"docker": "--context", "podman": "--connection"}
# What an engine tells itself by, and its machine's name. Podman has the latter alone.
_SELF = {"docker": "{{.ID}} {{.Name}}", "podman": "{{.Host.Hostname}}"}
_ANSWER_TIMEOUT_S = 30.0
# Exit code that the command `timeout` gives for the same.
_TIMED_OUT = 124
_TOLD_LINES = 20
# By docker's name; containerd's is "overlayfs". These answer at once, where an archive
# takes a while to read.
_STORES_THAT_COUNT_BYTES = ("overlay2",)


class EngineError(RunError):
    """The engine could not do what it was asked; the message ends with its own."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A call of the engine that ended.

    Attributes
    ----------
    code : int
        Exit code; 124 if the time ran out.
    out, err : str
        What it wrote.
    """

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Engine:
    """A container engine that answers.

    Attributes
    ----------
    name : str
        ``docker`` or ``podman``, which is also its command.
    """

    name: str

    @classmethod
    def find(cls, name: str | None = None, context: str | None = None) -> "Engine":
        """Return the engine ``name``, by default the one that ``KTRDR_ENGINE`` names.

        Where neither names one, it is docker if that answers, else podman. With a
        context it is docker alone, as the other engine knows other hosts by that name;
        so it is where variables of docker name its host.

        Raises
        ------
        InputError
            If none answers, on the context's host if that is given; tells what each
            said.
        """
        name = name or os.environ.get("KTRDR_ENGINE") or None
        if name is not None and name not in NAMES:
            raise InputError(
                f"{name[:80]!r} is no container engine that ktrdr knows; "
                f"known are {' and '.join(NAMES)}"
            )
        name = name or ("docker" if context else None)
        silences = {}
        for one in (name,) if name else _candidates():
            silence = silence_of(one, context)
            if silence is None:
                return cls(one)
            silences[one] = silence
        told = "; ".join(f"{one}: {why}" for one, why in silences.items())
        where = f" on {context}" if context else ""
        raise InputError(
            f"no container engine answers{where} ({told}): install or start one, "
            "or name another with --engine or KTRDR_ENGINE"
        )

    def host(self, context: str | None) -> list[str]:
        """Return the options that name a host; none for the engine's own."""
        return [] if context is None else [_HOSTS[self.name], context]

    def identity(self, context: str | None) -> str:
        """Return what the engine of a host tells itself by, and its machine's name."""
        asked = ("info", "--format", _SELF[self.name])
        return self.run(*self.host(context), *asked).strip()

    def run(
        self, *arguments: str, stdin: str | None = None, timeout_s: float = 600
    ) -> str:
        """Return what a call writes to its standard output.

        Raises
        ------
        EngineError
            If it fails or takes longer than ``timeout_s``.
        """
        done = self.attempt(*arguments, stdin=stdin, timeout_s=timeout_s)
        if done.code:
            raise EngineError(self.failure(arguments, done))
        return done.out

    def attempt(
        self,
        *arguments: str,
        stdin: str | None = None,
        timeout_s: float = 600,
        variables: Mapping[str, str] | None = None,
    ) -> Done:
        """Make a call whose failure is one of the answers.

        Its environment is ``variables`` alone; this process's if None.
        """
        command = [self.name, *arguments]
        try:
            done = subprocess.run(
                command,
                # Nothing to read is nothing to wait for.
                input=stdin or "",
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_s,
                env=variables,
            )
        except subprocess.TimeoutExpired as late:
            err = f"{_text(late.stderr)}\nno end after {timeout_s:g} s"
            return Done(code=_TIMED_OUT, out=_text(late.stdout), err=err)
        return Done(code=done.returncode, out=done.stdout, err=done.stderr)

    def stream(self, *arguments: str, folder: Path | None = None) -> None:
        """Make a call in ``folder`` whose output is shown on standard error.

        Raises
        ------
        EngineError
            If it fails.
        """
        done = subprocess.run(
            [self.name, *arguments],
            stdin=subprocess.DEVNULL,
            # Standard output is for the command's own result.
            stdout=2,
            cwd=folder,
        )
        if done.returncode:
            raise EngineError(
                f"`{self._told(arguments)}` failed with exit code "
                f"{done.returncode}; its output is above"
            )

    def pour(
        self, *arguments: str, source: Path | None = None, target: Path | None = None
    ) -> None:
        """Make a call that reads from one file and writes to another, byte by byte.

        Raises
        ------
        EngineError
            If it fails; ``target`` then holds what came before.
        """
        with ExitStack() as stack:
            given = stack.enter_context(open(source or os.devnull, "rb"))
            taken = stack.enter_context(open(target or os.devnull, "wb"))
            done = subprocess.run(
                [self.name, *arguments],
                stdin=given,
                stdout=taken,
                stderr=subprocess.PIPE,
            )
        if done.returncode:
            told = Done(code=done.returncode, out="", err=_text(done.stderr))
            raise EngineError(self.failure(arguments, told))

    def has_image(self, reference: str) -> bool:
        """Return whether the image is there."""
        return self.attempt("image", "inspect", reference).code == 0

    def inspect(self, reference: str) -> dict[str, object]:
        """Return what the engine knows about an image.

        Raises
        ------
        NotFoundError
            If it is not there.
        """
        done = self.attempt("image", "inspect", reference)
        if done.code:
            raise NotFoundError(
                f"{self.name} has no image {reference}: build it with "
                f"`kinfra images build`, or pull it ({done.err.strip()[-300:]})"
            )
        document: dict[str, object] = json.loads(done.out)[0]
        return document

    def size_bytes(self, reference: str) -> int:
        """Return what an image weighs: the bytes in the files of all its layers.

        It is the same wherever the engine keeps images. Engines' own figures are not:
        docker with containerd's store counts whole blocks, podman archives' headers.

        Raises
        ------
        KtrdrError
            If it is not there.
        """
        if self.name == "docker" and self._store() in _STORES_THAT_COUNT_BYTES:
            shown = ("--no-trunc", "--human=false", "--format", "{{.Size}}")
            return sum(map(int, self.run("history", *shown, reference).split()))
        return self._saved_bytes(reference)

    def save_call(self, reference: str) -> list[str]:
        """Return the arguments that write an image as an archive."""
        form = ["--format", "docker-archive"] if self.name == "podman" else []
        return ["save", *form, reference]

    def _store(self) -> str:
        return self.run("info", "--format", "{{.Driver}}").strip()

    def _saved_bytes(self, reference: str) -> int:
        call = self.save_call(reference)
        # A file, as nobody reads a second pipe while the archive is read.
        with TemporaryFile() as errors:
            with subprocess.Popen(
                [self.name, *call],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            ) as saving:
                found = _content(cast("IO[bytes]", saving.stdout))
            errors.seek(0)
            err = _text(errors.read())
        if saving.returncode or isinstance(found, str):
            done = Done(code=saving.returncode, out=str(found), err=err)
            raise EngineError(self.failure(call, done))
        return found

    def failure(self, arguments: Sequence[str], done: Done) -> str:
        """Return how a call failed, with the end of what the engine said."""
        tail = "\n".join((done.err or done.out).strip().splitlines()[-_TOLD_LINES:])
        return f"`{self._told(arguments)}` failed with exit code {done.code}:\n{tail}"

    def _told(self, arguments: Sequence[str]) -> str:
        command = " ".join([self.name, *arguments])
        return command if len(command) <= 300 else f"{command[:300]} ..."


def _candidates() -> tuple[str, ...]:
    # Who names docker's host means docker; podman would show an empty world.
    is_named = os.environ.get("DOCKER_HOST") or os.environ.get("DOCKER_CONTEXT")
    return ("docker",) if is_named and shutil.which("docker") else NAMES


def silence_of(name: str, context: str | None = None) -> str | None:
    """Return why an engine does not answer; None if it does."""
    if shutil.which(name) is None:
        return "not installed"
    if name == "podman" and context and os.environ.get("CONTAINER_HOST"):
        return f"it would heed CONTAINER_HOST and not {context}; unset that"
    engine = Engine(name)
    # Asks the server too: docker without one fails here.
    asked = (*engine.host(context), "info")
    done = engine.attempt(*asked, timeout_s=_ANSWER_TIMEOUT_S)
    if done.code == 0:
        return None
    lines = (done.err or done.out).strip().splitlines() or ["no answer"]
    return lines[-1][:200]


def _content(saved: IO[bytes]) -> int | str:
    """Return the bytes in an image's files, or why its archive can't be read."""
    try:
        return content_bytes(saved)
    except tarfile.TarError as error:
        return f"what it wrote is no archive of an image: {error}"


def _text(output: str | bytes | None) -> str:
    # Python gives bytes after a time-out even where text was asked for.
    return (
        output.decode(errors="replace") if isinstance(output, bytes) else output or ""
    )
