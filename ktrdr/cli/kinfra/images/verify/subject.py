"""The image that is verified, and how its containers are run."""

import json
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from ktrdr.cli.kinfra.images.contract import Contract, Image
from ktrdr.cli.kinfra.images.engine import Done, Engine
from ktrdr.cli.kinfra.images.references import Found
from ktrdr.cli.kinfra.images.verify.check import Fault
from ktrdr.cli.kinfra.images.verify.facts import (
    FileFacts,
    ImportFacts,
    ProcessFacts,
)

HOME = "/var/lib/ktrdr"
# As the documents tell users to run them: any check that needs more than this fails.
HARDENED = (
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--tmpfs=/tmp",
)
_ALONE = ("--network=none",)
_PROBES = Path(__file__).parent / "probes"
TIMEOUT_S = 300.0
# Rooms that need torch; an image without it can't import them.
_TORCH_ROOMS = ("ktrdr.neural", "ktrdr.training")

FactsT = TypeVar("FactsT", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An image under examination.

    Attributes
    ----------
    engine : Engine
    contract : Contract
    found : Found
        Which image it is, and what it has to be.
    """

    engine: Engine
    contract: Contract
    found: Found

    @property
    def image(self) -> Image:
        """What it has to be."""
        return self.found.image

    @property
    def reference(self) -> str:
        """What the engine calls it."""
        return self.found.reference

    @property
    def is_assembled(self) -> bool:
        """Whether its root holds only what is needed to run, and no shell."""
        return self.image.slim_budget_mb is not None and not self.found.is_slim

    def run(
        self,
        *command: str,
        options: tuple[str, ...] = _ALONE,
        stdin: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Done:
        """Run ``command`` in a container of its own, hardened and without network."""
        name = f"ktrdr-verify-{secrets.token_hex(6)}"
        own = ("--rm", "--interactive", f"--name={name}", *HARDENED, *options)
        try:
            return self.engine.attempt(
                "run", *own, self.reference, *command, stdin=stdin, timeout_s=timeout_s
            )
        finally:
            # Left behind by an engine whose command ran out of time.
            self.engine.attempt("rm", "--force", "--volumes", name)

    def ask(
        self,
        probe: str,
        kind: type[FactsT],
        *arguments: str,
        options: tuple[str, ...] = _ALONE,
    ) -> FactsT:
        """Run one of the programs in ``probes`` inside and return what it found.

        Raises
        ------
        Fault
            If it fails, or answers with something else.
        """
        program = (_PROBES / f"{probe}.py").read_text("utf-8")
        done = self.run("python", "-", *arguments, options=options, stdin=program)
        if done.code:
            raise Fault(f"the probe `{probe}` {failure(done)}")
        try:
            # Whatever a library prints while it is loaded comes before.
            return kind.model_validate_json(done.out.strip().splitlines()[-1])
        except (IndexError, ValidationError):
            raise Fault(
                f"the probe `{probe}` answered {done.out[-300:]!r}, which can't be read"
            ) from None

    @cached_property
    def config(self) -> dict[str, object]:
        """What the image says of itself: user, ports, labels and so on."""
        document = self.engine.inspect(self.reference)
        config = dict(_mapping(document.get("Config")))
        # Podman tells the health check beside the others, not among them.
        if "Healthcheck" in document:
            config.setdefault("Healthcheck", document["Healthcheck"])
        return config

    @cached_property
    def environment(self) -> dict[str, str]:
        """The image's own variables."""
        pairs = self.config.get("Env") or []
        if not isinstance(pairs, list):
            return {}
        return dict(str(pair).partition("=")[::2] for pair in pairs)

    @cached_property
    def labels(self) -> dict[str, str]:
        """The image's labels."""
        found = _mapping(self.config.get("Labels"))
        return {name: str(value) for name, value in found.items()}

    @cached_property
    def files(self) -> FileFacts:
        """What lies in its file system; seen as root, from whom nothing is hidden."""
        options = (*_ALONE, "--user=0:0", "--cap-add=DAC_READ_SEARCH")
        return self.ask("files", FileFacts, HOME, options=options)

    @cached_property
    def process(self) -> ProcessFacts:
        """What a program in it sees: user, packages, build information."""
        return self.ask("process", ProcessFacts)

    @cached_property
    def imports(self) -> ImportFacts:
        """How imports come out: of what must be there, what not, and all of ktrdr."""
        request = json.dumps(import_request(self.image))
        return self.ask("imports", ImportFacts, request)


def import_request(image: Image) -> dict[str, object]:
    """Return what the probe `imports` is asked in ``image``."""
    return {
        "wanted": image.must_import,
        "unwanted": image.must_not_import,
        "package": "ktrdr",
        "without": _TORCH_ROOMS if image.accelerator == "none" else (),
    }


def failure(done: Done) -> str:
    """Return how a command failed, with the end of what it wrote."""
    told = (done.err.strip() or done.out.strip())[-600:]
    return f"ended with exit code {done.code}: {told or 'nothing was said'}"


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
