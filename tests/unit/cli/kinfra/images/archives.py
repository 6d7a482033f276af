"""Archives as engines write them when an image is saved."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable

import zstandard


def zstd(content: bytes) -> bytes:
    """Compress in two frames, as some builders do."""
    frame = zstandard.ZstdCompressor().compress
    half = len(content) // 2
    return frame(content[:half]) + frame(content[half:])


# How a store can keep a layer.
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda content: content,
    "gzip": gzip.compress,
    "zstd": zstd,
}


def tar(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()


def image(compression: str, *layers: dict[str, bytes]) -> bytes:
    """Return an image as docker saves it from containerd's store."""
    compress = COMPRESSIONS[compression]
    names = [f"blobs/sha256/{number}" for number, _ in enumerate(layers)]
    blobs = {name: compress(tar(one)) for name, one in zip(names, layers, strict=True)}
    manifest = [{"Config": "blobs/sha256/c", "Layers": names}]
    return tar(
        {
            # An image's configuration, and a layer of another platform's image.
            "blobs/sha256/c": b'{"architecture": "amd64"}' + b" " * 2000,
            "blobs/sha256/f": compress(tar({"other": b"o" * 5000})),
            **blobs,
            "manifest.json": json.dumps(manifest).encode(),
            "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        }
    )
