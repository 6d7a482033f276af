"""What an engine gives away as an image: an archive of layers, each an archive."""

import gzip
import json
import tarfile
from importlib import import_module
from io import BufferedReader
from types import ModuleType
from typing import IO, cast

from ktrdr.errors import MissingExtraError

_MANIFEST = "manifest.json"
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_CHUNK_BYTES = 1 << 20


def content_bytes(saved: IO[bytes]) -> int:
    """Return the bytes in all files of all layers of an image.

    Unlike what engines report it is the same wherever they keep the image: whole
    blocks of a file system do not count, nor do headers of archives or compression.

    Parameters
    ----------
    saved : IO
        What ``save`` of an engine writes; read once, from start to end.

    Raises
    ------
    tarfile.TarError
        If it can't be read, or lacks a layer.
    MissingExtraError
        If a layer is compressed with zstd and zstandard is not installed.
    """
    try:
        names, sizes = _read(saved)
    finally:
        # Who writes it must not find the pipe closed.
        while saved.read(_CHUNK_BYTES):
            pass
    missing = [name for name in names if name not in sizes]
    if missing or not names:
        raise tarfile.ReadError(
            f"{len(missing)} of its {len(names)} layers are not there or no archives"
        )
    return sum(sizes[name] for name in names)


def _read(saved: IO[bytes]) -> tuple[list[str], dict[str, int]]:
    """Return the names of the layers, and the bytes in all that could be one."""
    names: list[str] = []
    sizes: dict[str, int] = {}
    with tarfile.open(fileobj=saved, mode="r|", bufsize=_CHUNK_BYTES) as archive:
        # The manifest can be the last of it.
        for one in archive:
            if one.name == _MANIFEST:
                names = layer_names(member(archive, one))
            elif one.isfile():
                sizes |= _size_if_layer(one.name, member(archive, one))
    return names, sizes


def _size_if_layer(name: str, blob: BufferedReader) -> dict[str, int]:
    try:
        return {name: sum(path_bytes(blob).values())}
    except tarfile.ReadError:
        # Such as the image's configuration.
        return {}


def layer_names(manifest: IO[bytes]) -> list[str]:
    """Return which members of an image's archive are its layers, the lowest first."""
    names: list[str] = json.load(manifest)[0]["Layers"]
    return names


def member(archive: tarfile.TarFile, which: str | tarfile.TarInfo) -> BufferedReader:
    """Return a file of an archive, opened.

    Raises
    ------
    tarfile.ReadError
        If it is no file.
    """
    found = archive.extractfile(which)
    if not isinstance(found, BufferedReader):
        raise tarfile.ReadError(f"{which} is no file")
    return found


def plain(layer: BufferedReader) -> IO[bytes]:
    """Return a layer without its compression.

    Docker gives layers away as it keeps them. Where that is in containerd's store,
    what was pulled is still compressed.

    Raises
    ------
    MissingExtraError
        If zstandard is needed and not installed.
    """
    start = layer.peek(len(_ZSTD))
    if start.startswith(_GZIP):
        return cast("IO[bytes]", gzip.open(layer))
    if start.startswith(_ZSTD):
        decompressor = zstandard().ZstdDecompressor()
        return cast(
            "IO[bytes]", decompressor.stream_reader(layer, read_across_frames=True)
        )
    return layer


def zstandard() -> ModuleType:
    """Return the library that reads and writes zstd.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        return import_module("zstandard")
    except ModuleNotFoundError:
        raise MissingExtraError("zstandard", "images") from None


def path_bytes(layer: BufferedReader) -> dict[str, int]:
    """Return the bytes that each path of a layer holds.

    Only files hold any, and of several names of a file the first.

    Raises
    ------
    tarfile.ReadError
        If it is no archive.
    MissingExtraError
        If zstandard is needed and not installed.
    """
    with tarfile.open(fileobj=plain(layer), mode="r|", bufsize=_CHUNK_BYTES) as archive:
        return {
            one.name.removeprefix("./"): one.size if one.isfile() else 0
            for one in archive
        }
