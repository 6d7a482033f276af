"""An image under examination, of which all is known already."""

from typing import Any

from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.references import Found
from ktrdr.cli.kinfra.images.verify.facts import BuildFacts, FileFacts, ProcessFacts
from ktrdr.cli.kinfra.images.verify.metadata import lock_digest
from ktrdr.cli.kinfra.images.verify.subject import Subject

CONTRACT = load_contract()
NOTHING: dict[str, Any] = {
    "set_id": [],
    "shells": [],
    "installers": [],
    "build_tools": [],
    "not_roots": [],
    "writable": [],
    "secrets": [],
    "other_packages": [],
    "left_behind": [],
    "foreign_certificates": [],
    "n_certificates": 148,
    "home_owner": CONTRACT.user,
}
LABELS = {
    "org.ktrdr.image": "backend",
    "org.opencontainers.image.title": "ktrdr backend",
    "org.opencontainers.image.source": "https://example.org/ktrdr",
    "org.opencontainers.image.licenses": "MIT",
    "org.opencontainers.image.version": "0.1.0",
    "org.opencontainers.image.revision": "abc",
}
HEALTH: dict[str, Any] = {
    "Test": ["CMD", "python", "-I", "-S", "/app/healthcheck.py"],
    "Interval": 10 * 10**9,
    "Timeout": 5 * 10**9,
    "StartPeriod": 2 * CONTRACT.image("backend").ready_s * 10**9,
    "Retries": 3,
}
CONFIG: dict[str, Any] = {
    "User": CONTRACT.user,
    "ExposedPorts": {"8000/tcp": {}, "5002/tcp": {}},
    "Entrypoint": ["dumb-init", "--"],
    "Cmd": ["ktrdr", "serve"],
    "Env": ["PATH=/app/.venv/bin", "KTRDR_HOME=/var/lib/ktrdr"],
    "Healthcheck": HEALTH,
    "Labels": LABELS,
}
MARKERS = {
    "python_full_version": "3.13.5",
    "python_version": "3.13",
    "sys_platform": "linux",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
}


def subject(
    key: str = "backend",
    *,
    config: dict[str, Any] | None = None,
    files: dict[str, Any] | None = None,
    process: dict[str, Any] | None = None,
    build: dict[str, Any] | None = None,
    is_slim: bool = False,
) -> Subject:
    """An image that is as it should be, but for what is given."""
    image = CONTRACT.image(key)
    found = Found(image=image, reference=image.reference, is_slim=is_slim)
    made = Subject(engine=Engine("docker"), contract=CONTRACT, found=found)
    facts = {
        "version": "0.1.0",
        "commit": "abc",
        "lock": lock_digest(CONTRACT.root, made),
        "image": key,
        "accelerator": image.accelerator,
        "torch": None,
        "python": "3.13.5",
    }
    seen: dict[str, Any] = {
        "user": CONTRACT.user,
        "python": "3.13.5",
        "prefix": "/app/.venv",
        "init": ["dumb-init", "--", "python", "-"],
        "markers": MARKERS,
        "packages": {"ktrdr": "0.1.0"},
        "build": BuildFacts.model_validate({**facts, **(build or {})}),
        "is_root_read_only": True,
        "capabilities": "0",
    }
    made.__dict__["config"] = {**CONFIG, **(config or {})}
    made.__dict__["files"] = FileFacts(**{**NOTHING, **(files or {})})
    made.__dict__["process"] = ProcessFacts(**{**seen, **(process or {})})
    return made
