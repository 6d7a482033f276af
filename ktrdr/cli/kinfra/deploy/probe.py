"""What a service says of itself, asked from inside of its container."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ktrdr.cli.kinfra.compose import Container
from ktrdr.cli.kinfra.deploy.project import Project

Role = Literal["backend", "worker"]
_ASKED = {
    "backend": ("KTRDR_PORT", 8000, ("/api/v1/health/ready", "/api/v1/build")),
    "worker": ("KTRDR_WORKER_PORT", 5002, ("/health/ready", "/metrics")),
}
_BUILD = re.compile(r"^ktrdr_build_info\{(.*)\} 1", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
# The token comes by standard input: others of the host read command lines.
_PROGRAM = """
import json, sys, urllib.error, urllib.request
ask = json.load(sys.stdin)
open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
answers = []
for path in ask["paths"]:
    request = urllib.request.Request(f"http://127.0.0.1:{ask['port']}{path}")
    if ask["token"]:
        request.add_header("Authorization", f"Bearer {ask['token']}")
    try:
        with open_url(request, timeout=5) as answer:
            answers.append([answer.status, answer.read().decode()])
    except urllib.error.HTTPError as error:
        answers.append([error.code, error.read().decode()])
    except OSError as error:
        answers.append([0, str(error)])
print(json.dumps(answers))
"""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a service said.

    Attributes
    ----------
    is_ready : bool
        Whether it does its work.
    reason : str or None
        Why not, or why it could not be asked.
    commit, version : str or None
        The build that it runs; None if it did not tell.
    """

    is_ready: bool
    reason: str | None = None
    commit: str | None = None
    version: str | None = None


def role_of(service: str) -> Role | None:
    """Return which of our servers a service is, by its name."""
    if service == "backend":
        return "backend"
    return "worker" if re.search(r"-worker(-|$)", service) else None


def ask(project: Project, container: Container, role: Role, token: str) -> Report:
    """Ask the server in a container whether it is ready and what it is."""
    variable, default, paths = _ASKED[role]
    port = int(container.variables.get(variable) or default)
    request = json.dumps({"port": port, "paths": paths, "token": token})
    done = project.ask(
        container.identifier, "python", "-I", "-S", "-c", _PROGRAM, stdin=request
    )
    if done.code:
        return Report(is_ready=False, reason=(done.err or done.out).strip()[-300:])
    (ready, told), (known, build) = json.loads(done.out)
    if ready != 200:
        return Report(is_ready=False, reason=told[:500])
    if known != 200:
        return Report(is_ready=False, reason=f"its build can't be asked: {build[:300]}")
    facts = _of_backend(build) if role == "backend" else _of_worker(build)
    return Report(
        is_ready=True, commit=facts.get("commit"), version=facts.get("version")
    )


def _of_backend(document: str) -> Mapping[str, Any]:
    backend: Mapping[str, Any] = json.loads(document)["backend"]
    return backend


def _of_worker(metrics: str) -> Mapping[str, str]:
    match = _BUILD.search(metrics)
    return dict(_LABEL.findall(match[1])) if match else {}
