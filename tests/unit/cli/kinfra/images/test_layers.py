"""What the layers of an image hold, with the archive an engine would give."""

import hashlib
import json

import pytest

from ktrdr.cli.kinfra.images import layers
from ktrdr.cli.kinfra.images.engine import Engine
from tests.unit.cli.kinfra.images.archives import COMPRESSIONS, image, tar


@pytest.mark.parametrize(
    ("later", "kept"),
    [
        ({}, 30),
        ({"app/b": 7}, 17),
        ({"app/.wh.b": 0}, 10),
        ({".wh.app": 0}, 0),
        ({"app/.wh..wh..opq": 0, "app/c": 1}, 1),
        ({".wh.ap": 0}, 30),
    ],
)
def test_what_a_later_layer_hides_is_not_kept(later, kept):
    assert layers.kept_bytes([{"app/a": 10, "app/b": 20}, later]) == kept


def test_an_archive_is_read_layer_by_layer(docker):
    archive = tar(
        {
            # Written after the layers by some engines, before them by others.
            "one.tar": tar({"./app/a": b"0" * 600_000, "app/b": b"1" * 100_000}),
            "manifest.json": json.dumps([{"Layers": ["one.tar", "two.tar"]}]).encode(),
            "two.tar": tar({"app/b": b"2" * 300_000}),
        }
    )
    docker.give_away(archive)
    found = layers.read_layers(Engine("docker"), "x:1")
    assert (found.count, found.kept_bytes, found.total_bytes) == (2, 900_000, 1_000_000)
    assert found.efficiency == pytest.approx(0.9)
    assert 0 < found.pull_bytes < 10_000


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_layer_weighs_the_same_however_a_store_keeps_it(docker, compression):
    incompressible = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(9000))
    docker.give_away(image(compression, {"a": incompressible, "b": b"0" * 100_000}))
    found = layers.read_layers(Engine("docker"), "x:1")
    assert (found.count, found.total_bytes) == (1, 388_000)
    # Compressed once, and not what another compression made of it.
    assert 288_000 < found.pull_bytes < 290_000


def test_podman_gives_an_archive_of_the_same_form(engines):
    engines.install("podman")
    with pytest.raises(FileNotFoundError):
        layers.read_layers(Engine("podman"), "x:1")
    assert engines.calls[0][1:4] == ["save", "--format", "docker-archive"]
