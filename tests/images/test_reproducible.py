"""A commit gives the same layers again, and a change of ktrdr leaves the large ones."""

import hashlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.images.build import build_image, own_platform
from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.recipe import Wishes, make_recipe
from tests.docker_context import ROOT, copy_context

CONTRACT = load_contract(ROOT)
EPOCH = "1700000000"
NAMES = tuple(f"ktrdr-reproducible:{name}" for name in ("first", "second", "changed"))
# A build from nothing takes minutes.
pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine.find()
    yield engine
    engine.attempt("image", "rm", "--force", *NAMES)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    copy_context(folder)
    return folder


def build(
    engine: Engine, key: str, source: Path, name: str, *, uses_cache: bool, commit: str
) -> list[str]:
    """Build an image and return the digests of its layers, uncompressed."""
    wishes = Wishes(platform=own_platform(), uses_cache=uses_cache)
    identity = {"COMMIT": commit, "SOURCE_DATE_EPOCH": EPOCH}
    recipe = make_recipe(CONTRACT, CONTRACT.image(key), wishes, identity)
    build_image(engine, recipe, source, [name])
    root = engine.inspect(name)["RootFS"]
    assert isinstance(root, dict)
    return list(root["Layers"])


def content_of(archive: tarfile.TarFile, member: str | tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    assert file is not None, f"{member} is no file"
    return file.read()


def files(engine: Engine, name: str, folder: Path) -> dict[tuple[int, str], str]:
    """Return what is known of each file by layer and path, as text."""
    path = folder / "image.tar"
    form = ["--format", "docker-archive"] if engine.name == "podman" else []
    engine.run("save", *form, "--output", str(path), name)
    with tarfile.open(path) as archive:
        manifest = json.loads(content_of(archive, "manifest.json"))
        found = {}
        for number, layer in enumerate(manifest[0]["Layers"]):
            with tarfile.open(fileobj=archive.extractfile(layer)) as members:
                for one in members:
                    content = content_of(members, one) if one.isfile() else b""
                    digest = hashlib.sha256(content)
                    found[number, one.name] = (
                        f"{one.mode:o} {one.uid} {one.mtime} {one.linkname} "
                        f"{digest.hexdigest()}"
                    )
    return found


@pytest.mark.parametrize(
    "key", ["backend", pytest.param("worker-cpu", marks=pytest.mark.slow)]
)
def test_layers_come_again_and_large_ones_outlast_a_change_of_ktrdr(
    key: str, engine: Engine, source: Path, tmp_path: Path
):
    one, two, three = NAMES
    commit = "0" * 40
    first = build(engine, key, source, one, uses_cache=False, commit=commit)
    if build(engine, key, source, two, uses_cache=False, commit=commit) != first:
        before, after = (files(engine, name, tmp_path) for name in (one, two))
        assert before == after
        pytest.fail("the same files, but in another order")
    module = source / "ktrdr" / "errors.py"
    module.write_text(f"{module.read_text('utf-8')}# changed\n", "utf-8")
    changed = build(engine, key, source, three, uses_cache=True, commit="1" * 40)
    # Root, packages and torch stay as they are: only ktrdr's own layer is another.
    assert len(changed) == len(first)
    assert len(set(first) - set(changed)) == 1
