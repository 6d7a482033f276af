"""The bill of materials, and when it is refused."""

import json
import sys

import pytest

from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.sbom import write_sbom
from ktrdr.errors import InputError, RunError
from tests.unit.cli.kinfra.images.verify.subjects import subject

PROGRAM = """\
#!{python} -IS
import pathlib, sys
asked = sys.argv[1:]
if asked[1] != "docker:ktrdr-backend:prod":
    assert asked[1].startswith("docker-archive:"), asked
path = asked[asked.index("--output") + 1].removeprefix("spdx-json=")
pathlib.Path(path).write_text({document!r})
sys.exit({code})
"""


def package(purl: str) -> dict[str, object]:
    return {"externalRefs": [{"referenceType": "purl", "referenceLocator": purl}]}


PYTHON = package("pkg:pypi/numpy@2")
SYSTEM = package("pkg:deb/debian/libc6@2")


@pytest.fixture
def syft(tmp_path, monkeypatch):
    """Put a syft beside an interpreter, which answers as it is told to."""
    real = sys.executable
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    def install(*packages, code=0):
        document = json.dumps({"packages": packages})
        path = tmp_path / "syft"
        path.write_text(PROGRAM.format(python=real, document=document, code=code))
        path.chmod(0o755)

    return install


def write(folder):
    return write_sbom(Engine("docker"), subject().found, folder / "sboms")


def test_document_lies_in_the_folder_and_is_counted(syft, tmp_path):
    syft(PYTHON, PYTHON, SYSTEM, {"name": "the image itself"})
    made = write(tmp_path)
    assert made.path == tmp_path / "sboms" / "backend.spdx.json"
    assert made.path.is_file()
    assert made.packages == {"Python": 2, "Debian": 1}


@pytest.fixture
def podman(engines):
    engines.install("podman")
    return engines


# In this order, as both are run by the interpreter that syft then hides.
def test_podmans_image_is_read_from_an_archive(podman, syft, tmp_path):
    syft(PYTHON, SYSTEM)
    made = write_sbom(Engine("podman"), subject().found, tmp_path)
    assert made.packages == {"Python": 1, "Debian": 1}
    (call,) = podman.calls
    assert call[1:3] == ["save", "--format=docker-archive"]
    assert call[-1] == "ktrdr-backend:prod"


@pytest.mark.parametrize(("there", "told"), [(PYTHON, "Debian"), (SYSTEM, "Python")])
def test_document_without_a_kind_of_package_is_refused(syft, tmp_path, there, told):
    syft(there)
    with pytest.raises(RunError, match=f"names no {told} package"):
        write(tmp_path)


def test_failed_scan_is_told(syft, tmp_path):
    syft(code=1)
    with pytest.raises(RunError, match="syft could not read docker:ktrdr-backend"):
        write(tmp_path)


def test_syft_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="syft is not installed"):
        write(tmp_path)
