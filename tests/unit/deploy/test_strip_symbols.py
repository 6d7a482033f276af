"""Symbols go from a library, and what the loader maps stays the same."""

import importlib.util
import struct
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = 4096
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")
# c10::isValidDeviceType
CALLED = "_ZN3c1017isValidDeviceTypeENS_10DeviceTypeE"
CODE, SYMBOLS, NAMES, MORE = b"C" * 100, b"S" * 3 * PAGE, b"\0.names\0", b"M" * 50


@pytest.fixture
def strip(script):
    return script("strip_symbols")


def library(*, has_segment_behind: bool) -> bytes:
    """Return a library with symbols behind its code, and perhaps a segment behind."""
    start = HEADER.size + 2 * SEGMENT.size
    symbols = start + len(CODE)
    names = symbols + len(SYMBOLS)
    behind = 5 * PAGE
    loaded = 2 if has_segment_behind else 0
    sections = [
        (0,) * 10,
        (1, 1, 2, start, start, len(CODE), 0, 0, 1, 0),
        (1, 2, 0, 0, symbols, len(SYMBOLS), 0, 0, 1, 24),
        (1, 3, 0, 0, names, len(NAMES), 0, 0, 1, 0),
        (1, 1, loaded, 8 * PAGE, behind, len(MORE), 0, 0, 1, 0),
        (1, 8, 2, 9 * PAGE, behind, 500, 0, 0, 1, 0),
    ]
    size = len(MORE) if has_segment_behind else 0
    segments = [
        (1, 5, 0, 0, 0, symbols, symbols, PAGE),
        (1, 6, behind, 8 * PAGE, 8 * PAGE, size, size, PAGE),
    ]
    tables = 6 * PAGE
    sizes = (HEADER.size, SEGMENT.size, 2, SECTION.size, len(sections), 3)
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    data = bytearray(HEADER.pack(identity, 3, 62, 1, 0, 64, tables, 0, *sizes))
    for segment in segments:
        data += SEGMENT.pack(*segment)
    data += CODE + SYMBOLS + NAMES
    data += bytes(behind - len(data)) + MORE
    data += bytes(tables - len(data))
    for section in sections:
        data += SECTION.pack(*section)
    return bytes(data)


def mapped(data: bytes) -> dict[int, bytes]:
    """Return what the loader puts where, places in the file aside."""
    _, *fields = HEADER.unpack_from(data)
    found = {}
    for index in range(fields[9]):
        place = fields[4] + index * SEGMENT.size
        _, _, offset, address, _, size, _, align = SEGMENT.unpack_from(data, place)
        assert offset % align == address % align
        told = HEADER.size + fields[9] * SEGMENT.size if not offset else 0
        found[address] = data[offset + told : offset + size]
    return found


@pytest.mark.parametrize("has_segment_behind", [True, False])
def test_symbols_go_and_what_is_mapped_stays(strip, has_segment_behind):
    before = library(has_segment_behind=has_segment_behind)
    after = bytes(strip.without_symbols(before))
    assert SYMBOLS not in after
    assert len(before) - len(after) >= 2 * PAGE
    assert mapped(after) == mapped(before)


def test_sections_are_found_at_their_new_places(strip):
    after = bytes(strip.without_symbols(library(has_segment_behind=True)))
    header, _, sections = strip.read_tables(after)
    code, symbols, names, more, empty = sections[1:]
    assert after[code.offset : code.offset + code.size] == CODE
    assert after[more.offset : more.offset + more.size] == MORE
    assert after[names.offset : names.offset + names.size] == NAMES
    assert header.names_index == 3
    assert symbols.size == 0
    assert empty.size == 500


def test_a_library_of_torch_still_works(strip, tmp_path):
    spec = importlib.util.find_spec("torch")
    assert spec is not None
    assert spec.origin is not None
    original = Path(spec.origin).parent / "lib/libc10.so"
    copy = tmp_path / original.name
    copy.write_bytes(original.read_bytes())
    assert strip.strip_symbols(copy) > 0
    assert copy.stat().st_size < original.stat().st_size
    code = f"import ctypes; c10 = ctypes.CDLL({str(copy)!r}); assert c10.{CALLED}(0)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"!<arch>\n" + bytes(100), "no 64-bit little-endian ELF"),
        (b"\x7fELF\x02\x01" + bytes(100), "is it stripped already"),
    ],
    ids=["an archive", "without sections"],
)
def test_what_is_not_understood_is_refused_and_left(strip, tmp_path, data, reason):
    path = tmp_path / "lib.so"
    path.write_bytes(data)
    with pytest.raises(strip.StripError, match=reason):
        strip.strip_symbols(path)
    assert path.read_bytes() == data


@pytest.mark.parametrize("place", [200, PAGE + 10], ids=["code", "segment behind"])
def test_a_changed_byte_is_noticed(strip, place):
    before = library(has_segment_behind=True)
    after = strip.without_symbols(before)
    after[place] ^= 1
    with pytest.raises(strip.StripError, match="have changed"):
        strip.check(before, after)


def test_a_segment_at_another_address_is_noticed(strip):
    before = library(has_segment_behind=True)
    after = strip.without_symbols(before)
    second = strip.read_segments(after, strip.Header(*HEADER.unpack_from(after)))[1]
    moved = second._replace(address=9 * PAGE)
    SEGMENT.pack_into(after, HEADER.size + SEGMENT.size, *moved)
    with pytest.raises(strip.StripError, match="segment at address 0x8000"):
        strip.check(before, after)
