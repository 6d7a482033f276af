"""The locks hold what images may hold, by hash, and are made from today's inputs."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ktrdr.cli.kinfra.images.contract import Image, load_contract
from tools.lock_inputs import FOLDER, PYTHONS, LockInputs, lock_inputs, torch_inputs
from tools.torch_wheels import TABLE, wheel_names

ROOT = Path(__file__).parents[2]
CONTRACT = load_contract(ROOT)
LOCKS = (*lock_inputs(ROOT), *torch_inputs(ROOT))
# Modules whose package has another name.
PACKAGES = {"sklearn": "scikit-learn", "nvidia": "nvidia-.*|cuda-.*"}
MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_ENTRY = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+) ; (?P<marker>.+?)"
    r"(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})+)$",
    re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    name: str
    version: str
    marker: str
    hashes: frozenset[str]


def entries(text: str) -> list[Entry]:
    """Return what a lock pins; fail if a line of it is anything else."""
    rest = _ENTRY.sub("", text)
    odd = [line for line in rest.splitlines() if line and not line.strip()[0] == "#"]
    assert not odd, odd
    return [
        Entry(
            name=found["name"],
            version=found["version"],
            marker=found["marker"],
            hashes=frozenset(re.findall(r"[0-9a-f]{64}", found["hashes"])),
        )
        for found in _ENTRY.finditer(text)
    ]


def locked(image: Image) -> list[Entry]:
    return entries((ROOT / image.lock).read_text("utf-8"))


def unwanted(image: Image, names: set[str]) -> set[str]:
    """Return those of ``names`` that the image must not hold, on any platform."""
    patterns = [
        PACKAGES.get(module, module.replace("_", "-"))
        for module in image.must_not_import
    ]
    return {name for name in names if any(re.fullmatch(p, name) for p in patterns)}


each_lock = pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.name))
each_image = pytest.mark.parametrize(
    "image", CONTRACT.images, ids=lambda image: str(image.key)
)


@each_lock
def test_lock_is_made_from_todays_inputs(lock: LockInputs):
    text = (ROOT / lock.path).read_text("utf-8")
    assert text.startswith(lock.header), "inputs have changed: run `make locks`"


@each_lock
def test_every_package_is_pinned_by_hash_and_no_line_names_a_host(lock: LockInputs):
    text = (ROOT / lock.path).read_text("utf-8")
    assert entries(text)
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash)", text, re.MULTILINE)


def test_line_without_a_hash_is_noticed():
    with pytest.raises(AssertionError, match="numpy"):
        entries("numpy==2.0 ; sys_platform == 'linux'\n")


def test_folder_holds_these_locks_and_no_other():
    assert {path.name for path in (ROOT / FOLDER).iterdir()} == {
        *(lock.path.name for lock in LOCKS),
        TABLE.name,
    }


@each_image
def test_lock_holds_nothing_that_the_image_must_not_import(image: Image):
    names = {entry.name for entry in locked(image)}
    assert not unwanted(image, names)
    # Torch comes by its own lock, and nothing of ktrdr uses triton.
    assert not names & {"torch", "triton"}


def test_cuda_package_in_the_lock_of_a_cpu_image_is_noticed():
    names = {"numpy", "nvidia-cublas", "cuda-bindings", "triton", "scikit-learn"}
    assert unwanted(CONTRACT.image("worker-cpu"), names) == names - {"numpy"}
    assert unwanted(CONTRACT.image("worker-gpu"), names) == {"triton", "scikit-learn"}


@each_image
@pytest.mark.parametrize("python", PYTHONS)
def test_lock_holds_all_that_ktrdr_depends_on(image: Image, python: str):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = list(map(Requirement, project["project"]["dependencies"]))
    for platform in image.platforms:
        there = releases(image, python, platform)
        for need in needed:
            version = there.get(canonicalize_name(need.name), "not there")
            assert need.specifier.contains(version), (need, version)


def test_what_kinfra_installs_together_agrees():
    """The workflows' action puts these three into one environment."""
    found: dict[tuple[str, str], set[str]] = {}
    for name in ("build", "backend", "verify"):
        for entry in entries((ROOT / FOLDER / f"{name}.txt").read_text("utf-8")):
            found.setdefault((entry.name, entry.marker), set()).add(entry.version)
    assert not {key: versions for key, versions in found.items() if len(versions) > 1}


@pytest.mark.parametrize("python", PYTHONS)
def test_images_agree_on_the_release_of_each_package(python: str):
    found: dict[str, set[str]] = {}
    for image in CONTRACT.images:
        for platform in image.platforms:
            for name, version in releases(image, python, platform).items():
                found.setdefault(name, set()).add(version)
    assert not {name: v for name, v in found.items() if len(v) > 1}


def releases(image: Image, python: str, platform: str) -> dict[str, str]:
    """Return name and release of what the lock installs somewhere."""
    environment = {
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
        "platform_machine": MACHINES[platform],
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    return {
        entry.name: entry.version
        for entry in locked(image)
        if Marker(entry.marker).evaluate(environment)
    }


def test_torch_is_one_release_everywhere():
    found = {
        (entry.name, entry.version)
        for lock in torch_inputs(ROOT)
        for entry in entries((ROOT / lock.path).read_text("utf-8"))
    }
    assert found == {("torch", CONTRACT.torch_release)}


@pytest.mark.parametrize("lock", torch_inputs(ROOT), ids=lambda lock: str(lock.name))
def test_torch_lock_knows_each_file_that_a_build_may_take(lock: LockInputs):
    table = tomllib.loads((ROOT / TABLE).read_text("utf-8"))
    files = table[str(lock.torch_build)]
    names = wheel_names(
        str(lock.torch_release), str(lock.torch_build), PYTHONS, lock.platforms
    )
    assert list(files) == names
    (entry,) = entries((ROOT / lock.path).read_text("utf-8"))
    assert entry.hashes >= set(files.values())
    # Any other hash would let the default index's CUDA build into a CPU image.
    if lock.torch == "cpu":
        assert entry.hashes == set(files.values())
