"""Where torch of an image comes from."""

import pytest

from ktrdr.cli.kinfra.images import torch_source
from ktrdr.cli.kinfra.images.torch_source import Wanted, find_torch, in_folder
from ktrdr.errors import InputError

CPU = Wanted(
    release="2.13.0",
    build="cpu",
    platform="linux/amd64",
    python=None,
    usual_python="3.13",
)
CUDA = Wanted(
    release="2.13.0",
    build="cu130",
    platform="linux/amd64",
    python=None,
    usual_python="3.13",
)


def wheel(python: str, build: str = "+cpu", machine: str = "x86_64") -> str:
    return f"torch-2.13.0{build}-{python}-manylinux_2_28_{machine}.whl"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Lend a folder that pip is configured with, as the only one."""
    made = tmp_path / "wheels"
    made.mkdir()
    monkeypatch.setattr(torch_source, "configured_folders", lambda: [made])
    return made


@pytest.mark.parametrize(
    ("names", "python"),
    [
        ([wheel("cp311-cp311")], "3.11"),
        ([wheel("cp311-cp311"), wheel("cp313-cp313")], "3.13"),
        ([wheel("cp311-cp311"), wheel("cp312-cp312")], "3.12"),
        ([wheel("cp39-cp39"), wheel("cp312-cp312")], "3.12"),
    ],
)
def test_python_is_the_usual_one_or_the_newest_that_has_a_wheel(folder, names, python):
    for name in names:
        (folder / name).touch()
    found = find_torch(CPU)
    assert (found.python, found.folder, found.index) == (python, folder, None)
    assert found.note is not None
    assert f"{folder}, for Python {python}" in found.note


@pytest.mark.parametrize(
    "name",
    [
        wheel("cp313-cp313", build=""),
        wheel("cp313-cp313", build="+cu130"),
        wheel("cp313-cp313", machine="aarch64"),
        wheel("cp313-cp313t"),
        "torch-2.12.0+cpu-cp313-cp313-manylinux_2_28_x86_64.whl",
    ],
)
def test_a_wheel_of_another_build_release_or_machine_does_not_fit(folder, name):
    (folder / name).touch()
    found = find_torch(CPU)
    assert found.folder is None
    assert found.index == "https://download.pytorch.org/whl/cpu"
    with pytest.raises(
        InputError, match=r"holds no torch-2\.13\.0\+cpu-\*_x86_64\.whl"
    ):
        in_folder(CPU, folder)


def test_a_named_release_of_python_is_kept_to(folder):
    (folder / wheel("cp311-cp311")).touch()
    wanted = Wanted(
        release="2.13.0",
        build="cpu",
        platform="linux/amd64",
        python="3.12",
        usual_python="3.13",
    )
    found = find_torch(wanted)
    assert (found.python, found.folder) == ("3.12", None)
    with pytest.raises(InputError, match=r"for Python 3\.12"):
        in_folder(wanted, folder)


def test_cuda_comes_from_the_configured_index_where_pytorchs_is_out_of_reach(
    folder, monkeypatch
):
    monkeypatch.setattr(torch_source, "answers", lambda index: False)
    found = find_torch(CUDA)
    assert found.index == "default"
    assert found.note is not None
    assert found.note.startswith("https://download.pytorch.org/whl/cu130")
    monkeypatch.setattr(torch_source, "answers", lambda index: True)
    assert find_torch(CUDA).index == "https://download.pytorch.org/whl/cu130"


def test_an_index_that_nobody_serves_does_not_answer():
    assert not torch_source.answers("http://127.0.0.1:9")


def test_folders_that_pip_and_uv_are_configured_with_are_found(tmp_path, monkeypatch):
    for name in ("uv", "pip", "more"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("UV_FIND_LINKS", f"{tmp_path}/uv,https://wheels.example")
    monkeypatch.setenv(
        "PIP_FIND_LINKS", f"file://{tmp_path}/pip {tmp_path}/more {tmp_path}/missing"
    )
    found = torch_source.configured_folders()
    expected = [tmp_path / "uv", tmp_path / "pip", tmp_path / "more"]
    assert [one for one in found if tmp_path in one.parents] == expected
