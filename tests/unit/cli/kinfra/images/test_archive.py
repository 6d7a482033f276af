"""What is read of an image's archive, however its layers are kept."""

import io
import sys
import tarfile

import pytest

from ktrdr.cli.kinfra.images.archive import content_bytes
from ktrdr.errors import MissingExtraError
from tests.unit.cli.kinfra.images.archives import COMPRESSIONS, image, tar

LAYERS = {"a": b"0" * 100, "folder/b": b"1"}, {"a": b"2" * 7}


class Pipe(io.RawIOBase):
    """A stream that can only be read on, and tells how much was."""

    def __init__(self, content: bytes):
        self.content = io.BytesIO(content)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self.content.readinto(buffer)


def piped(content: bytes) -> io.BufferedReader:
    return io.BufferedReader(Pipe(content))


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_files_of_all_layers_count_however_they_are_kept(compression):
    assert content_bytes(piped(image(compression, *LAYERS))) == 108


def test_further_names_of_a_file_folders_and_links_hold_nothing():
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, kind in [("d", tarfile.DIRTYPE), ("s", tarfile.SYMTYPE)]:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "a"
            archive.addfile(member)
        # Some writers give a further name the size of its file.
        again = tarfile.TarInfo("b")
        again.type, again.linkname, again.size = tarfile.LNKTYPE, "a", 100
        archive.addfile(again)
    manifest = b'[{"Layers": ["1.tar"]}]'
    saved = tar({"1.tar": written.getvalue(), "manifest.json": manifest})
    assert content_bytes(piped(saved)) == 0


def test_a_layer_that_is_in_the_image_twice_counts_twice():
    layer = tar({"a": b"0" * 100})
    manifest = b'[{"Layers": ["1.tar", "1.tar"]}]'
    saved = piped(tar({"1.tar": layer, "manifest.json": manifest}))
    assert content_bytes(saved) == 200


@pytest.mark.parametrize(
    "saved",
    [
        b"",
        b"no archive" * 500,
        tar({"1.tar": tar({"a": b"0"})}),
        tar({"manifest.json": b'[{"Layers": ["1.tar"]}]'}),
        tar({"1.tar": b"cut" * 500, "manifest.json": b'[{"Layers": ["1.tar"]}]'}),
    ],
)
def test_what_lacks_a_layer_is_not_weighed_and_read_to_its_end(saved):
    stream = piped(saved)
    with pytest.raises(tarfile.ReadError):
        content_bytes(stream)
    assert stream.read() == b""


def test_without_zstandard_the_user_hears_what_to_install(monkeypatch):
    saved = image("zstd", *LAYERS)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match="zstandard is not installed"):
        content_bytes(piped(saved))
