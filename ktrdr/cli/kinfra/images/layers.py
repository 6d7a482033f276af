"""How well the layers of an image are used, and what they weigh when pulled."""

import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from ktrdr.cli.kinfra.images.archive import (
    layer_names,
    member,
    path_bytes,
    plain,
    zstandard,
)
from ktrdr.cli.kinfra.images.engine import Engine

# How a layer says that a path of an earlier one is gone, or a folder's content.
_GONE = ".wh."
_EMPTIED = ".wh..wh..opq"
# What builders and registries compress with unless told otherwise.
_ZSTD_LEVEL = 3
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Layers:
    """The layers of one image.

    Attributes
    ----------
    count : int
    kept_bytes : int
        In files that a container sees.
    total_bytes : int
        In all files of all layers.
    pull_bytes : int
        Of all layers, compressed with zstd.
    """

    count: int
    kept_bytes: int
    total_bytes: int
    pull_bytes: int

    @property
    def efficiency(self) -> float:
        """Share of the bytes that a container sees, 1 at best."""
        return self.kept_bytes / self.total_bytes if self.total_bytes else 1.0


def read_layers(engine: Engine, reference: str) -> Layers:
    """Return what the layers of an image hold and weigh.

    Raises
    ------
    EngineError
        If the engine can't give the image away, for example because it has none.
    MissingExtraError
        If zstandard is not installed.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "image.tar"
        call = [*engine.save_call(reference), "--output", str(path)]
        engine.run(*call, timeout_s=1800)
        with tarfile.open(path) as archive:
            return _weigh(list(_layers(archive)))


def _layers(archive: tarfile.TarFile) -> Iterator["_Layer"]:
    for name in layer_names(member(archive, "manifest.json")):
        sizes = path_bytes(member(archive, name))
        compressed = _compressed(plain(member(archive, name)))
        yield _Layer(sizes=sizes, pull_bytes=compressed)


@dataclass(frozen=True, kw_only=True)
class _Layer:
    sizes: dict[str, int]
    pull_bytes: int


def _weigh(layers: list[_Layer]) -> Layers:
    return Layers(
        count=len(layers),
        kept_bytes=kept_bytes(layer.sizes for layer in layers),
        total_bytes=sum(sum(layer.sizes.values()) for layer in layers),
        pull_bytes=sum(layer.pull_bytes for layer in layers),
    )


def kept_bytes(layers: Iterable[dict[str, int]]) -> int:
    """Return the bytes in files that are left when all layers lie on each other."""
    kept: dict[str, int] = {}
    for layer in layers:
        for path in layer:
            folder, _, name = path.rpartition("/")
            if name == _EMPTIED:
                _forget(kept, folder)
            elif name.startswith(_GONE):
                _forget(kept, f"{folder}/{name.removeprefix(_GONE)}".lstrip("/"))
        kept |= layer
    return sum(kept.values())


def _forget(kept: dict[str, int], gone: str) -> None:
    for path in [one for one in kept if one == gone or one.startswith(f"{gone}/")]:
        del kept[path]


def _compressed(layer: IO[bytes]) -> int:
    compressor = zstandard().ZstdCompressor(level=_ZSTD_LEVEL)
    return sum(map(len, compressor.read_to_iter(layer, read_size=_CHUNK_BYTES)))
