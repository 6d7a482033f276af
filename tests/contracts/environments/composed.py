"""The compose files of every environment, read as they are written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy" / "environments"
TEMPLATES = ROOT / "ktrdr" / "cli" / "kinfra" / "templates"
_OPENS = re.compile(r"(?<!\$)\$\{(\w+)(?:(:?[-?])|\})")


@dataclass(frozen=True)
class Environment:
    """One environment: its compose files, and the file that sets their variables."""

    name: str
    files: tuple[Path, ...]
    variables: Path

    @property
    def shared(self) -> tuple[Path, ...]:
        """Files whose services its own extend."""
        texts = [path.read_text("utf-8") for path in self.files]
        named = {
            one for text in texts for one in re.findall(r"extends: {file: (\S+),", text)
        }
        return tuple((self.files[0].parent / one).resolve() for one in sorted(named))

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [yaml.safe_load(path.read_text("utf-8")) for path in self.files]

    def services(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield name and fields of each service, with those that it extends."""
        for document in self.documents:
            for name, fields in document["services"].items():
                yield name, {**_extended(self.files[0].parent, fields), **fields}

    def read_variables(self) -> dict[str, set[str]]:
        """Return each variable that is read, with its defaults."""
        found: dict[str, set[str]] = {}
        for path in (*self.files, *self.shared):
            written = path.read_text("utf-8")
            forms = [yaml.safe_load(one) for one in {written, in_image_mode(written)}]
            for text in strings(forms):
                for name, default in references(text):
                    found.setdefault(name, set()).update(default)
        for _, fields in self.services():
            passed = fields.get("environment") or {}
            for name in (one for one, value in passed.items() if value is None):
                found.setdefault(name, set())
        return found

    def set_variables(self) -> dict[str, str]:
        """Return what the file of variables sets or has as a comment."""
        text = self.variables.read_text("utf-8")
        return dict(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=(.*)$", text, re.MULTILINE))


def in_image_mode(text: str) -> str:
    """Return a compose file of source mode as its comments change it to image mode."""
    lines: list[str] = []
    left_out: int | None = None
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if left_out is not None and (not line or indent < left_out):
            left_out = None
        told = line.strip()
        if told.startswith("# Source mode"):
            left_out = indent
        elif told.startswith("# Image mode: "):
            new = " " * indent + told.removeprefix("# Image mode: ")
            mark = new.partition(":")[0] + ":"
            # What stands right above it, which may take several lines.
            last = max(i for i, one in enumerate(lines) if one.startswith(mark))
            assert all(one.startswith(" " * indent + "  ") for one in lines[last + 1 :])
            lines[last:] = [new]
        elif left_out is None:
            lines.append(line)
    return "\n".join(lines) + "\n"


def _extended(folder: Path, fields: dict[str, Any]) -> dict[str, Any]:
    if "extends" not in fields:
        return {}
    path = folder / fields["extends"]["file"]
    services = yaml.safe_load(path.read_text("utf-8"))["services"]
    found: dict[str, Any] = services[fields["extends"]["service"]]
    return found


def references(text: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each variable in ``text``, inside defaults too, with its default."""
    for match in _OPENS.finditer(text):
        if match[2] is None or "?" in match[2]:
            yield match[1], set()
            continue
        depth, end = 1, match.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield match[1], {text[match.end() : end - 1]}


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for one in value.values() for text in strings(one))
    elif isinstance(value, list):
        yield from (text for one in value for text in strings(one))


HOMELAB = tuple(
    FOLDER / "homelab" / f"docker-compose.{part}.yml"
    for part in ("core", "workers", "gpu-worker")
)
ENVIRONMENTS = (
    *(
        Environment(
            name,
            (FOLDER / name / "docker-compose.yml",),
            FOLDER / name / ".env.example",
        )
        for name in ("local", "canary")
    ),
    Environment("homelab", HOMELAB, FOLDER / "homelab" / ".env.example"),
    Environment(
        "sandbox",
        tuple(TEMPLATES / f"docker-compose.{one}.yml" for one in ("base", "source")),
        TEMPLATES / ".env.sandbox",
    ),
)
