"""Make or check the locks of the images.

Usage: ``python -m tools.make_locks [--check] [--upgrade]``

Each lock in ``deploy/locks`` pins every package of one image by release and hash, for
all Pythons and platforms that the image is built for. What is locked stays as it is
until its inputs no longer allow it or ``--upgrade`` asks for the newest releases; its
hashes are those that the package index tells today. ``--check`` resolves again and
fails, changing nothing, if a file would change.
"""

import argparse
import difflib
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ktrdr.errors import KtrdrError, RunError
from tools.lock_inputs import LockInputs, lock_inputs, torch_inputs
from tools.torch_wheels import INDEX, MACHINES, torch_locks

ROOT = Path(__file__).parents[1]
# Oldest C library of the base images: Debian bookworm's.
GLIBC = "manylinux_2_36"
TIMEOUT_S = 600
# Torch names these as its dependencies. CPU builds need none; of the CUDA build's,
# triton serves torch.compile alone, which ktrdr does not use, and is 938 MB.
_CUDA = re.compile(r"(nvidia|cuda)-|triton$")
_PIN = re.compile(r"^([a-z0-9-]+)==(\S+) ; (.*?)(?: \\)?$", re.MULTILINE)
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
_HASH_LINE = re.compile(r" \\\n +--hash=\S+")


def main(arguments: Sequence[str]) -> int:
    """Make or check all locks and return the exit code."""
    parser = argparse.ArgumentParser(prog="make_locks", description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--upgrade", action="store_true")
    options = parser.parse_args(arguments)
    try:
        locks = resolve_all(ROOT, upgrade=options.upgrade)
        changed = [path for path, text in locks.items() if _read(path) != text]
        if options.check:
            return report(locks, changed)
        for path in changed:
            (ROOT / path).write_text(locks[path], "utf-8")
            print(f"wrote {path}")
        check_installable(ROOT)
    except KtrdrError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    print(f"{len(locks)} files are up to date")
    return 0


def report(locks: dict[Path, str], changed: list[Path]) -> int:
    """Show how locks would change; return the exit code."""
    for path in changed:
        before, after = (text.splitlines() for text in (_read(path), locks[path]))
        lines = difflib.unified_diff(before, after, str(path), "resolved", lineterm="")
        sys.stderr.write("\n".join(list(lines)[:40]) + "\n")
    if changed:
        sys.stderr.write("Error: locks have drifted: run `make locks`\n")
        return 1
    print(f"{len(locks)} files are what their inputs resolve to")
    return 0


def resolve_all(root: Path, *, upgrade: bool = False) -> dict[Path, str]:
    """Return the text of each lock, and of the table, by path in the repository."""
    inputs = lock_inputs(root)
    by_torch = {one.torch: one for one in torch_inputs(root)}
    pure = resolve_torch(by_torch["cuda"], index=None)
    # The default index has one CUDA build only. Another one's libraries are those that
    # PyTorch's index of that build names.
    build = by_torch["cuda"].torch_build
    is_default = cuda_build(pure) == build
    if not is_default:
        pure = resolve_torch(by_torch["cuda"], index=f"{INDEX}/{build}")
    cuda_names = sorted({name for name, *_ in _PIN.findall(pure) if _CUDA.match(name)})

    texts: dict[str, str] = {}
    for one in inputs:
        without = cuda_names if one.torch == "cpu" else ["triton"]
        constraints = texts.get(one.agrees_with or "", "")
        index = None if is_default or one.torch != "cuda" else f"{INDEX}/{build}"
        kept = "" if upgrade else _read(one.path)
        texts[one.name] = compile_lock(
            one, kept=kept, without=without, constraints=constraints, index=index
        )
    locks = {one.path: texts[one.name] for one in inputs}
    default = torch_hashes(pure) if is_default else []
    return locks | torch_locks(root, by_torch.values(), default)


def resolve_torch(one: LockInputs, index: str | None) -> str:
    """Return torch with everything it needs, as a lock."""
    return compile_lock(one, emit_torch=True, index=index)


def torch_hashes(text: str) -> list[str]:
    """Return the hashes of torch itself in a lock."""
    entry = re.search(r"^torch==.*\n(?: +--hash=.*\n)+", text, re.MULTILINE)
    return _HASH.findall(entry[0]) if entry else []


def cuda_build(text: str) -> str:
    """Return for which CUDA the torch of a lock is built, such as ``cu130``."""
    versions = {name: version for name, version, _ in _PIN.findall(text)}
    major, minor = versions["cuda-toolkit"].split(".")[:2]
    return f"cu{major}{minor}"


def compile_lock(
    one: LockInputs,
    *,
    kept: str = "",
    without: Sequence[str] = (),
    constraints: str = "",
    index: str | None = None,
    emit_torch: bool = False,
) -> str:
    """Resolve one lock and return its text.

    Parameters
    ----------
    one : LockInputs
    kept : str
        Lock whose releases stay where they can.
    without : sequence of str
        Packages that are left out though others name them.
    constraints : str
        Lock to agree with.
    index : str or None
        Package index for torch alone, None for the default index.
    emit_torch : bool
        Whether torch itself is part of the lock.
    """
    pins = [
        f"{name}=={version} ; {marker}"
        for name, version, marker in _PIN.findall(constraints)
    ]
    command = ["pip", "compile", "pyproject.toml", "--universal", "--generate-hashes"]
    command += ["--python-version", one.pythons[0], "--no-header", "--no-build"]
    command += ["--annotation-style", "line", "--quiet", "--output-file", "lock.txt"]
    if not emit_torch:
        command += ["--no-emit-package", "torch"]
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text(
            _project(one, without, pins, index), "utf-8"
        )
        (folder / "lock.txt").write_text(without_hashes(kept), "utf-8")
        run_uv(*command, cwd=folder)
        return one.header + (folder / "lock.txt").read_text("utf-8")


def without_hashes(lock: str) -> str:
    """Return a lock's releases alone.

    uv takes over the hashes of the file it is given, forged ones too, and asks the
    index for those that are not there.
    """
    return _HASH_LINE.sub("", lock)


def check_installable(root: Path) -> None:
    """Check that each lock has a wheel of each package everywhere.

    Raises
    ------
    RunError
        If a package has none for a Python and platform.
    """
    for one in lock_inputs(root):
        for platform in one.platforms:
            for python in one.pythons:
                install_dry(root / one.path, platform, python)


def install_dry(lock: Path, platform: str, python: str) -> None:
    """Find a wheel of each package in a lock for one platform, installing nothing."""
    with TemporaryDirectory() as folder:
        run_uv(
            *("pip", "install", "--dry-run", "--quiet", "--no-deps", "--no-build"),
            *("--require-hashes", "--requirements", str(lock), "--target", folder),
            *("--python-version", python),
            *("--python-platform", f"{MACHINES[platform]}-{GLIBC}"),
            cwd=Path(folder),
        )


def run_uv(*arguments: str, cwd: Path) -> None:
    """Run the environment's own uv.

    Raises
    ------
    RunError
        If it fails; tells its last lines.
    """
    uv = Path(sys.executable).with_name("uv")
    # A folder of wheels holds one Python's and platform's: it would decide for all.
    environment = {k: v for k, v in os.environ.items() if k != "UV_FIND_LINKS"}
    done = subprocess.run(
        [uv, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-20:])
        raise RunError(f"`uv {' '.join(arguments)}` failed:\n{tail}")


def _project(
    one: LockInputs, without: Sequence[str], pins: list[str], index: str | None
) -> str:
    requirements = list(one.requirements)
    if one.torch != "none":
        requirements.append(f"torch=={one.torch_release}")
    text = f"""\
[project]
name = "ktrdr"
version = "0"
requires-python = ">={one.pythons[0]}"
dependencies = {json.dumps(requirements)}
[tool.uv]
environments = {json.dumps([_environment(one)])}
exclude-dependencies = {json.dumps(list(without))}
constraint-dependencies = {json.dumps(pins)}
"""
    if index is None:
        return text
    return f"""{text}
[tool.uv.sources]
torch = {{ index = "torch" }}
[[tool.uv.index]]
name = "torch"
url = {json.dumps(index)}
explicit = true
"""


def _environment(one: LockInputs) -> str:
    major, minor = one.pythons[-1].split(".")
    terms = [
        f"python_full_version < '{major}.{int(minor) + 1}'",
        "sys_platform == 'linux'",
    ]
    # That a lock serves both machines needs no mention on every line.
    if len(one.platforms) < len(MACHINES):
        machines = [f"platform_machine == '{MACHINES[name]}'" for name in one.platforms]
        terms.append(f"({' or '.join(machines)})")
    return " and ".join(terms)


def _read(path: Path) -> str:
    file = ROOT / path
    return file.read_text("utf-8") if file.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
