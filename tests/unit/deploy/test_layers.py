import os
from pathlib import Path

import pytest

PACKAGES = "lib/python3.13/site-packages"


@pytest.fixture
def layers(script, monkeypatch, tmp_path):
    module = script("layers")
    for name in ("TORCH", "PACKAGES", "SOURCE"):
        monkeypatch.setattr(module, name, tmp_path / "out" / name.lower())
    return module


@pytest.fixture
def torch_layer(layers, script, monkeypatch):
    module = script("torch_layer")
    monkeypatch.setattr(module, "TORCH", layers.TORCH)
    return module


def lay_out(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def files(layer: Path) -> set[str]:
    return {str(one.relative_to(layer)) for one in layer.rglob("*") if one.is_file()}


def test_each_file_goes_into_the_layer_of_what_changes_with_it(
    layers, torch_layer, tmp_path
):
    torch, package, ours = (
        f"app/.venv/{PACKAGES}/{name}/__init__.py"
        for name in ("torch", "numpy", "ktrdr")
    )
    commands = ("app/.venv/bin/ktrdr", "app/.venv/bin/kinfra")
    lay_out(tmp_path, torch, package, ours, *commands, "build-info.json")
    torch_layer.set_aside(tmp_path)
    # In between it is found where it was, and gets its bytecode.
    assert (tmp_path / torch).is_file()
    layers.split(tmp_path)
    assert files(layers.TORCH) == {torch}
    assert files(layers.PACKAGES) == {package}
    assert files(layers.SOURCE) == {ours, *commands, "build-info.json"}


def test_source_that_is_mounted_over_is_ours(layers, tmp_path):
    pointer = f"app/.venv/{PACKAGES}/_ktrdr.pth"
    lay_out(tmp_path, "app/src/ktrdr/__init__.py", pointer)
    layers.split(tmp_path)
    assert files(layers.SOURCE) == {"app/src/ktrdr/__init__.py", pointer}


def test_nothing_tells_when_or_by_whom_it_was_built(script, tmp_path):
    trees, tree = script("trees"), tmp_path / "tree"
    lay_out(tree, "bin/program", "library.so", "private/key")
    (tree / "bin/program").chmod(0o700)
    (tree / "library.so").chmod(0o660)
    (tree / "private").chmod(0o700)
    (tree / "link").symlink_to("library.so")
    trees.normalise(tree)
    modes = {one.name: one.stat().st_mode & 0o7777 for one in tree.rglob("*")}
    assert modes["program"] == modes["private"] == modes["bin"] == 0o755
    assert modes["library.so"] == 0o644
    times = {os.lstat(one).st_mtime for one in (tree, *tree.rglob("*"))}
    assert times == {trees.EPOCH}
    # The engine stores what is changed, if by its mode alone, a second time.
    changed = {one: os.lstat(one).st_ctime_ns for one in tree.rglob("*")}
    trees.normalise(tree)
    assert {one: os.lstat(one).st_ctime_ns for one in tree.rglob("*")} == changed
