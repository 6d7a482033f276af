"""The installed packages, against the locks."""

import pytest

from ktrdr.cli.kinfra.images.verify.check import Fault
from ktrdr.cli.kinfra.images.verify.metadata import lock_paths
from ktrdr.cli.kinfra.images.verify.packages import (
    differences,
    locked,
    packages,
    requirement_lines,
)
from ktrdr.errors import InputError
from tests.unit.cli.kinfra.images.verify.subjects import CONTRACT, MARKERS, subject

LOCK = """\
# Made by a program.
numpy==2.3.0 ; sys_platform == 'linux' \\
    --hash=sha256:00 \\
    --hash=sha256:11
    # via ktrdr
typing_extensions==4.15.0 ; python_full_version < '3.13'
ruamel.yaml==1.0  # via something
--only-binary=:all:
"""


def test_lock_is_read_without_hashes_comments_and_options():
    assert requirement_lines(LOCK) == [
        "numpy==2.3.0 ; sys_platform == 'linux'",
        "typing_extensions==4.15.0 ; python_full_version < '3.13'",
        "ruamel.yaml==1.0",
    ]


def test_lines_hold_where_their_markers_do():
    lines = requirement_lines(LOCK)
    assert locked(lines, MARKERS) == {"numpy": "2.3.0", "ruamel-yaml": "1.0"}
    older = {**MARKERS, "python_full_version": "3.11.2", "python_version": "3.11"}
    assert "typing-extensions" in locked(lines, older)


def test_line_that_pins_nothing_is_refused():
    with pytest.raises(InputError, match="pins no release"):
        locked(["numpy>=2"], MARKERS)


def test_every_difference_is_told():
    wanted = {"numpy": "2.3.0", "rich": "14.0", "torch": "2.13.0", "six": "1.0"}
    found = {"numpy": "2.2.0", "torch": "2.13.0+cpu", "six": "1.0", "nvidia-nccl": "2"}
    assert differences(wanted, found) == [
        "numpy 2.2.0 is not 2.3.0",
        "nvidia-nccl 2 is not locked",
        "rich 14.0 is not installed",
    ]


def installed(key: str) -> dict[str, str]:
    image = subject(key)
    lines = [
        line
        for path in lock_paths(CONTRACT.root, image)
        for line in requirement_lines(path.read_text("utf-8"))
    ]
    return {**locked(lines, MARKERS), "ktrdr": "0.1.0"}


@pytest.mark.parametrize("key", [image.key for image in CONTRACT.images])
def test_image_made_from_its_lock_passes(key):
    there = installed(key)
    assert ("torch" in there) is (CONTRACT.image(key).accelerator != "none")
    assert packages(subject(key, process={"packages": there}))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"nvidia-cublas": "13.0"}, "nvidia-cublas 13.0 is not locked"),
        ({"numpy": "1.26"}, "numpy 1.26 is not"),
    ],
)
def test_image_that_differs_from_its_lock_fails(change, told):
    there = {**installed("worker-cpu"), **change}
    with pytest.raises(Fault, match=told):
        packages(subject("worker-cpu", process={"packages": there}))


def test_image_without_ktrdr_itself_fails():
    there = {name: one for name, one in installed("backend").items() if name != "ktrdr"}
    with pytest.raises(Fault, match="packages are missing: ktrdr"):
        packages(subject(process={"packages": there}))
