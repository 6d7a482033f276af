"""What is taken from torch, and that a torch laid out otherwise is refused."""

import importlib.util
from pathlib import Path

import pytest

KEPT = ("torch/nn/linear.py", "torch/bin/torch_shm_manager", "torch/lib/libshm.so")


@pytest.fixture
def trim_torch(script, monkeypatch):
    module = script("trim_torch")
    # Libraries are empty files here.
    monkeypatch.setattr(module, "strip_symbols", lambda path: path.stat().st_size)
    return module


def named(trim_torch, build: str) -> list[str]:
    """Return a path for everything that the tables name."""
    found = [one.pattern for one in trim_torch.REMOVALS if build in one.builds]
    as_paths = [one.replace("[tT]est", "test").replace("**", "a") for one in found]
    return [one.replace("*", "x") for one in as_paths]


def lay_out(folder: Path, paths) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"1234")


@pytest.mark.parametrize("build", ["cpu", "cuda"])
def test_what_is_named_goes_and_all_else_stays(trim_torch, tmp_path, build):
    removed = named(trim_torch, build)
    lay_out(tmp_path, (*removed, *KEPT, *trim_torch.STRIPPED[build]))
    saved = list(trim_torch.trim(tmp_path, build))
    assert len(saved) == len(removed) + len(trim_torch.STRIPPED[build])
    assert {size for size, _ in saved} == {4}
    assert not [path for path in removed if (tmp_path / path).exists()]
    left = (*KEPT, *trim_torch.STRIPPED[build])
    assert [path for path in left if (tmp_path / path).is_file()] == list(left)


@pytest.mark.parametrize("build", ["cpu", "cuda"])
def test_each_thing_that_is_named_must_be_there(trim_torch, tmp_path, build):
    uncertain = {one.pattern for one in trim_torch.REMOVALS if not one.is_certain}
    everything = (*named(trim_torch, build), *trim_torch.STRIPPED[build])
    patterns = [one.pattern for one in trim_torch.REMOVALS if build in one.builds]
    patterns += trim_torch.STRIPPED[build]
    for pattern, missing in zip(patterns, everything, strict=True):
        folder = tmp_path / missing.replace("/", "-")
        lay_out(folder, set(everything) - {missing})
        if pattern in uncertain:
            list(trim_torch.trim(folder, build))
            continue
        with pytest.raises(trim_torch.TrimError) as error:
            list(trim_torch.trim(folder, build))
        assert pattern in str(error.value)


def test_a_library_that_cannot_be_stripped_ends_the_build(script, tmp_path):
    trim_torch = script("trim_torch")
    build = "cpu"
    lay_out(tmp_path, (*named(trim_torch, build), *trim_torch.STRIPPED[build]))
    with pytest.raises(trim_torch.TrimError, match=r"libtorch_cpu\.so can't be strip"):
        list(trim_torch.trim(tmp_path, build))


def test_the_tables_fit_the_release_that_is_pinned(trim_torch):
    spec = importlib.util.find_spec("torch")
    assert spec is not None
    assert spec.origin is not None
    site_packages = Path(spec.origin).parents[1]
    certain = [
        one.pattern
        for one in trim_torch.REMOVALS
        if "cpu" in one.builds and one.is_certain
    ]
    missing = [one for one in certain if not any(site_packages.glob(one))]
    assert missing == []
    stripped = trim_torch.STRIPPED["cpu"]
    assert [one for one in stripped if not (site_packages / one).is_file()] == []
