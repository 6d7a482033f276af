"""Environments as compose itself understands them, and the files to compare with.

``python -m tests.environments.rendered`` writes the files anew.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.contracts.environments.composed import ENVIRONMENTS, FOLDER, ROOT, TEMPLATES

GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Rendering:
    """Files that are brought up together, with the variables of their example."""

    name: str
    files: tuple[Path, ...]
    variables: Path

    @property
    def golden(self) -> Path:
        return GOLDEN / f"{self.name}.yml"

    def document(self) -> dict[str, Any]:
        """Return what compose makes of them, without this machine's paths."""
        files = [part for path in self.files for part in ("--file", str(path))]
        command = ["docker", "compose", *files, "--env-file", str(self.variables)]
        command += ["--project-directory", str(self.files[0].parent)]
        command += ["--project-name", f"ktrdr-{self.name}", "--profile", "*", "config"]
        done = subprocess.run(command, capture_output=True, text=True, env=_bare())
        assert done.returncode == 0, done.stderr
        text = done.stdout.replace(str(ROOT), "/checkout")
        document: dict[str, Any] = yaml.safe_load(text)
        return document

    def text(self) -> str:
        return yaml.safe_dump(self.document(), sort_keys=True, width=88)


def _bare() -> dict[str, str]:
    """Return an environment in which nothing changes what the files say."""
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def _renderings() -> list[Rendering]:
    found = [
        Rendering(one.name, one.files, one.variables)
        for one in ENVIRONMENTS
        if one.name in ("local", "canary")
    ]
    homelab = FOLDER / "homelab"
    found += [
        Rendering(
            f"homelab-{part}",
            (homelab / f"docker-compose.{part}.yml",),
            homelab / ".env.example",
        )
        for part in ("core", "workers", "gpu-worker")
    ]
    base = TEMPLATES / "docker-compose.base.yml"
    source = TEMPLATES / "docker-compose.source.yml"
    variables = TEMPLATES / ".env.sandbox"
    return [
        *found,
        Rendering("sandbox", (base, source), variables),
        Rendering("sandbox-images", (base,), variables),
    ]


RENDERINGS = _renderings()

if __name__ == "__main__":
    for rendering in RENDERINGS:
        rendering.golden.write_text(rendering.text(), encoding="utf-8")
