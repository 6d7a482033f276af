"""What the engine's host has to offer."""

import json
import re
import shutil
import socket
from pathlib import Path
from typing import Any

from ktrdr.cli.kinfra.environments.template import ports_of
from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.engine import Engine, silence_of
from ktrdr.cli.kinfra.images.verify.check import Fault, NotChecked
from ktrdr.errors import NotFoundError

_FREE_GB = 10.0
_MEMORY_GB = 4.0
# `service_completed_successfully` and `--pull never` work from there on.
_OLDEST_COMPOSE = (2, 20)
# Where tools describe devices to podman.
_CDI = ("/etc/cdi", "/run/cdi")
_RELEASE = re.compile(r"(\d+)\.(\d+)[\w.+-]*")


def version(engine: Engine) -> str:
    """Return the engine's release."""
    template = "{{.Server.Version}}" if engine.name == "docker" else "{{.Version}}"
    done = engine.attempt("version", "--format", template)
    return f"{engine.name} {done.out.strip() or 'of an unknown release'}"


def expect_docker(engine: Engine) -> None:
    """Make sure that podman was not taken for a docker that is away for a moment."""
    if engine.name != "docker" and shutil.which("docker"):
        raise Fault(
            f"docker is installed and does not answer: {silence_of('docker')}; start "
            f"it, or set KTRDR_ENGINE={engine.name} to mean {engine.name}"
        )


def compose(engine: Engine) -> str:
    """Make sure that compose is there and new enough."""
    if engine.name == "podman":
        if shutil.which("podman-compose") is None:
            raise Fault("podman-compose is not installed: install its package")
        return Engine("podman-compose").run("--version").split("\n")[0]
    done = engine.attempt("compose", "version", "--short")
    found = _RELEASE.search(done.out)
    if done.code or found is None:
        raise Fault("`docker compose` does not answer: install Docker's compose plugin")
    oldest = ".".join(map(str, _OLDEST_COMPOSE))
    if (int(found[1]), int(found[2])) < _OLDEST_COMPOSE:
        raise Fault(f"compose {found[0]} is too old, expected {oldest} or newer")
    return f"compose {found[0]}"


def disk(engine: Engine) -> str:
    """Make sure that images and volumes have room."""
    info = _info(engine)
    root = info.get("DockerRootDir") or (info.get("store") or {}).get("graphRoot")
    if not root or not Path(root).exists():
        raise NotChecked("the engine keeps its files elsewhere than on this machine")
    free_gb = shutil.disk_usage(root).free / 1e9
    if free_gb < _FREE_GB:
        raise Fault(
            f"{free_gb:.1f} GB are free in {root}, expected {_FREE_GB:.0f}: remove "
            f"what nothing uses with `{engine.name} system prune`"
        )
    return f"{free_gb:.0f} GB free in {root}"


def size(engine: Engine) -> str:
    """Make sure that an environment finds memory and processors."""
    info = _info(engine)
    host = info.get("host") or {}
    memory_gb = float(info.get("MemTotal") or host.get("memTotal") or 0) / 1e9
    cpus = int(info.get("NCPU") or host.get("cpus") or 0)
    if memory_gb < _MEMORY_GB:
        raise Fault(
            f"the engine has {memory_gb:.1f} GB of memory, expected {_MEMORY_GB:.0f} "
            "or more: give its machine more"
        )
    return f"{memory_gb:.0f} GB, {cpus} processors"


def gpu(engine: Engine) -> str:
    """Make sure that containers can use the GPU, where there is one."""
    if shutil.which("nvidia-smi") is None:
        raise NotChecked("no GPU of NVIDIA here, as there is no nvidia-smi")
    if engine.name == "podman":
        return _gpu_by_cdi()
    if "nvidia" not in (_info(engine).get("Runtimes") or {}):
        raise Fault(
            "docker has no runtime nvidia: install the NVIDIA container toolkit and "
            "run `nvidia-ctk runtime configure`"
        )
    return "NVIDIA's runtime is there"


def _gpu_by_cdi() -> str:
    files = [
        path
        for folder in _CDI
        for pattern in ("*.yaml", "*.json")
        for path in sorted(Path(folder).glob(pattern))
    ]
    named = [path for path in files if _names_nvidia(path)]
    if not named:
        raise NotChecked(
            f"no file in {' or '.join(_CDI)} tells podman of a GPU of NVIDIA: `nvidia-"
            f"ctk cdi generate --output={_CDI[0]}/nvidia.yaml` writes one"
        )
    return f"NVIDIA's devices are in {', '.join(map(str, named))}"


def _names_nvidia(path: Path) -> bool:
    try:
        return "nvidia" in path.read_text("utf-8", errors="replace")
    except OSError:
        return False


def images(engine: Engine) -> str:
    """Tell which of the table's images are here."""
    try:
        contract = load_contract()
    except NotFoundError as error:
        raise NotChecked(f"only known in a checkout: {error}") from None
    here = [one for one in contract.images if engine.has_image(one.reference)]
    missing = [one.key for one in contract.images if one not in here]
    if not here:
        raise NotChecked("none is here: `make images` builds them")
    absent = f"; not {', '.join(missing)}" if missing else ""
    return f"{', '.join(one.reference for one in here)}{absent}"


def ports(engine: Engine) -> str:
    """Make sure that nobody else has the standard ports."""
    used = [port for port in ports_of(0).values() if _is_used(port)]
    ours = engine.attempt("ps", "--format", "{{.Names}} {{.Ports}}").out
    others = [port for port in used if f":{port}->" not in ours]
    if others:
        raise Fault(
            f"other programs listen on {' and '.join(map(str, others))}: stop them, "
            "or use sandboxes, which take other ports"
        )
    by = f"{', '.join(map(str, used))} by containers" if used else "all free"
    return f"standard ports: {by}"


def _is_used(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _info(engine: Engine) -> dict[str, Any]:
    form = "{{json .}}" if engine.name == "docker" else "json"
    found: dict[str, Any] = json.loads(engine.run("info", "--format", form))
    return found
