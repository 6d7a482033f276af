"""What an image says of itself, against the table."""

import hashlib
import re
from pathlib import Path

from ktrdr.cli.kinfra.images.references import LABEL
from ktrdr.cli.kinfra.images.verify.check import Fault, require_none
from ktrdr.cli.kinfra.images.verify.facts import BuildFacts
from ktrdr.cli.kinfra.images.verify.subject import Subject

_OCI = "org.opencontainers.image"
_LABELS = tuple(f"{_OCI}.{one}" for one in ("title", "source", "licenses"))
# Settings of the machine that built it, and what nobody may read out of an image.
_BUILDERS_OWN = re.compile(
    r"CERT|CA_BUNDLE|CAINFO|PROXY|^PIP_|^UV_|TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY",
    re.IGNORECASE,
)
# A check of its own looks into it.
_DISTRIBUTIONS_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_SECRET = re.compile(
    r"://[^/\s:@]+:[^/\s@]+@|PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}|\bktrdr_[A-Za-z0-9_-]{20,}"
)
_TORCH_LOCKS = {"cpu": "torch-cpu.txt", "cuda": "torch-cuda.txt"}
_MB = 1e6


def size(subject: Subject) -> str:
    """Hold the size on disk to the budget."""
    found = subject.engine.size_bytes(subject.reference) / _MB
    budget = subject.found.budget_mb
    if found > budget:
        raise Fault(
            f"{found:.0f} MB, over the budget of {budget} MB: `kinfra images sizes` "
            "tells what weighs most"
        )
    return f"{found:.0f} of {budget} MB"


def labels(subject: Subject) -> str:
    """Hold the labels to the table and to the build information."""
    found, build = subject.labels, build_facts(subject)
    expected = {
        LABEL: subject.image.key,
        f"{_OCI}.version": build.version,
        f"{_OCI}.revision": build.commit,
    }
    wrong = [
        f"{name} is {found.get(name)!r}, expected {value!r}"
        for name, value in expected.items()
        if found.get(name) != value
    ]
    require_none(wrong, "labels are wrong")
    require_none([one for one in _LABELS if not found.get(one)], "labels are missing")
    return f"{subject.image.key} {build.version} at {build.commit[:12]}"


def build_information(subject: Subject) -> str:
    """Hold ``/build-info.json`` to the table, the locks and what is installed."""
    build, image = build_facts(subject), subject.image
    expected = {
        "image": (build.image, image.key),
        "accelerator": (build.accelerator, image.accelerator),
        "version": (build.version, subject.process.packages.get("ktrdr")),
        "python": (build.python, subject.process.python),
        "lock": (build.lock, lock_digest(subject.contract.root, subject)),
        "torch": (build.torch, subject.process.packages.get("torch")),
    }
    wrong = [
        f"{name} is {found!r}, expected {value!r}"
        for name, (found, value) in expected.items()
        if found != value
    ]
    require_none(wrong, "entries of /build-info.json are wrong")
    return f"lock {build.lock[:12]}, Python {build.python}"


def build_facts(subject: Subject) -> BuildFacts:
    """Return the image's build information.

    Raises
    ------
    Fault
        If it has none.
    """
    if subject.process.build is None:
        raise Fault("there is no /build-info.json")
    return subject.process.build


def lock_paths(root: Path, subject: Subject) -> tuple[Path, ...]:
    """Return the locks that the image is made from, torch's own last."""
    lock = root / subject.image.lock
    if subject.image.accelerator == "none":
        return (lock,)
    return (lock, lock.parent / _TORCH_LOCKS[subject.image.accelerator])


def lock_digest(root: Path, subject: Subject) -> str:
    """Return the SHA-256 of the image's locks, one after the other."""
    whole = b"".join(path.read_bytes() for path in lock_paths(root, subject))
    return hashlib.sha256(whole).hexdigest()


def declared_user(subject: Subject) -> str:
    """Hold the user, declared and real, to the table."""
    wanted = subject.contract.user
    for how, found in (
        ("is declared", str(subject.config.get("User", ""))),
        ("runs", subject.process.user),
    ):
        if found != wanted:
            raise Fault(f"the user {found or 'root'} {how}, expected {wanted}")
    return wanted


def ports(subject: Subject) -> str:
    """Hold the ports to the table; none needs a privilege."""
    declared = subject.config.get("ExposedPorts") or {}
    found = sorted(str(port).removesuffix("/tcp") for port in _names(declared))
    wanted = sorted(map(str, subject.image.ports))
    if found != wanted:
        raise Fault(f"ports {', '.join(found) or 'none'}, expected {', '.join(wanted)}")
    require_none([port for port in wanted if int(port) < 1024], "privileged ports")
    return ", ".join(wanted)


def environment(subject: Subject) -> str:
    """Make sure that no variable is the builder's own or a secret."""
    found = [
        name
        for name, value in subject.environment.items()
        if _BUILDERS_OWN.search(name) and value != _DISTRIBUTIONS_BUNDLE
    ]
    require_none(found, "variables of the builder or secret ones")
    values = [name for name, it in subject.environment.items() if _SECRET.search(it)]
    require_none(values, "variables that hold a secret")
    return f"{len(subject.environment)} variables"


def history(subject: Subject) -> str:
    """Make sure that how it was built, which everybody can read, tells no secret."""
    told = subject.engine.run(
        "history", "--no-trunc", "--format", "{{.CreatedBy}}", subject.reference
    ).splitlines()
    found = [line[:80] for line in told if _SECRET.search(line)]
    require_none(found, "steps that tell a secret")
    return f"{len(told)} steps"


def _names(declared: object) -> list[str]:
    return list(declared) if isinstance(declared, dict) else []
