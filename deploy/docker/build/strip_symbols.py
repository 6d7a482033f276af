"""Cut out of a shared library what is never loaded: its symbol tables.

A fifth of ``libtorch_cpu`` is names for debuggers. Debian's ``strip`` takes them too,
but a build would then need Debian's packages beside Python's, its releases differ in
what they write, and it breaks some libraries that ``patchelf`` has changed, as it has
torch's for CUDA. Here every segment keeps its address and its bytes, and that is
checked: a library that could not be tried, for want of a GPU, runs as it did.
"""

import struct
from pathlib import Path
from typing import NamedTuple

_ELF64_LITTLE = b"\x7fELF\x02\x01"
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_NO_BITS = 8
_ALLOCATED = 2
_PAGE = 4096


class StripError(Exception):
    """The library is not laid out as expected; it was left as it is."""


class Header(NamedTuple):
    """Start of an ELF file; offsets are places in the file."""

    identity: bytes
    kind: int
    machine: int
    release: int
    entry: int
    segments_offset: int
    sections_offset: int
    flags: int
    size: int
    segment_size: int
    n_segments: int
    section_size: int
    n_sections: int
    names_index: int


class Segment(NamedTuple):
    """What the loader maps: ``size`` bytes of the file."""

    kind: int
    flags: int
    offset: int
    address: int
    physical: int
    size: int
    memory: int
    alignment: int


class Section(NamedTuple):
    """What tools see; loaded if it is allocated."""

    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


_REMOVED = Section(*[0] * 10)


class Part(NamedTuple):
    """Bytes of the file that are loaded, and how far to the front they move."""

    start: int
    end: int
    shift: int


def strip_symbols(path: Path) -> int:
    """Cut from the library at ``path`` what is not loaded; return the bytes saved.

    Raises
    ------
    StripError
        If it is no 64-bit library, or has a layout that is not understood.
    """
    data = path.read_bytes()
    stripped = without_symbols(data)
    path.write_bytes(stripped)
    return len(data) - len(stripped)


def without_symbols(data: bytes) -> bytearray:
    """Return a library without what is not loaded; names of sections stay."""
    header, segments, sections = read_tables(data)
    parts = loaded_parts(segments)
    out = bytearray(parts[-1].end - parts[-1].shift)
    for start, end, shift in parts:
        out[start - shift : end - shift] = data[start:end]
    names = sections[header.names_index]
    moved_names = names._replace(offset=len(out))
    out += data[names.offset : names.offset + names.size]
    out += bytes(-len(out) % 8)
    header = header._replace(
        segments_offset=moved(header.segments_offset, parts), sections_offset=len(out)
    )
    for one in sections:
        new = moved_names if one == names else moved_section(one, parts)
        out += _SECTION.pack(*new)
    _HEADER.pack_into(out, 0, *header)
    for index, segment in enumerate(segments):
        new_place = moved(segment.offset, parts) if segment.size else segment.offset
        place = header.segments_offset + index * _SEGMENT.size
        _SEGMENT.pack_into(out, place, *segment._replace(offset=new_place))
    check(data, out)
    return out


def read_tables(data: bytes) -> tuple[Header, list[Segment], list[Section]]:
    """Return the headers of a library."""
    if not data.startswith(_ELF64_LITTLE):
        raise StripError("it is no 64-bit little-endian ELF file")
    header = Header(*_HEADER.unpack_from(data))
    if not header.names_index:
        raise StripError("its sections have no names: is it stripped already?")
    return header, read_segments(data, header), read_sections(data, header)


def read_segments(data: bytes | bytearray, header: Header) -> list[Segment]:
    """Return the program headers."""
    end = header.segments_offset + header.n_segments * _SEGMENT.size
    table = data[header.segments_offset : end]
    return [Segment(*fields) for fields in _SEGMENT.iter_unpack(table)]


def read_sections(data: bytes, header: Header) -> list[Section]:
    """Return the section headers."""
    end = header.sections_offset + header.n_sections * _SECTION.size
    table = data[header.sections_offset : end]
    return [Section(*fields) for fields in _SECTION.iter_unpack(table)]


def loaded_parts(segments: list[Segment]) -> list[Part]:
    """Return the parts of the file that are loaded, as far to the front as may be.

    Place in the file and address agree modulo the alignment, so parts move by
    multiples of the largest one.
    """
    loaded = sorted((one.offset, one.offset + one.size) for one in segments if one.size)
    step = max(_PAGE, *(one.alignment for one in segments))
    parts: list[Part] = []
    for start, end in loaded:
        if parts and start <= parts[-1].end + step:
            last = parts.pop()
            parts.append(last._replace(end=max(last.end, end)))
        else:
            free = start - (parts[-1].end - parts[-1].shift if parts else 0)
            parts.append(Part(start, end, free // step * step))
    if not parts or parts[0].start:
        raise StripError("its start is in no segment")
    return parts


def moved(offset: int, parts: list[Part]) -> int:
    """Return where the byte at ``offset`` comes to lie."""
    for start, end, shift in parts:
        if start <= offset <= end:
            return offset - shift
    raise StripError(f"byte {offset} of the file is not loaded")


def moved_section(section: Section, parts: list[Part]) -> Section:
    """Return a section at its new place, or an empty one for what is not loaded.

    Empty ones stay, as sections name each other by their number.
    """
    if not section.flags & _ALLOCATED:
        return _REMOVED
    if section.kind == _NO_BITS:
        return section._replace(offset=0)
    return section._replace(offset=moved(section.offset, parts))


def check(before: bytes, after: bytearray) -> None:
    """Raise StripError unless the loader maps the same bytes to the same addresses."""
    old, new = (Header(*_HEADER.unpack_from(one)) for one in (before, after))
    old_segments, new_segments = read_segments(before, old), read_segments(after, new)
    # Places in the file differ, and only they: with the old ones all is equal.
    table = old.n_segments * _SEGMENT.size
    restored = memoryview(bytearray(after))
    restored[: _HEADER.size] = before[: _HEADER.size]
    restored[new.segments_offset : new.segments_offset + table] = before[
        old.segments_offset : old.segments_offset + table
    ]
    for one, two in zip(old_segments, new_segments, strict=True):
        if one != two._replace(offset=one.offset) or (
            (one.offset - two.offset) % max(one.alignment, 1)
        ):
            raise StripError(f"the segment at address {one.address:#x} has changed")
        loaded = memoryview(before)[one.offset : one.offset + one.size]
        if loaded != restored[two.offset : two.offset + two.size]:
            raise StripError(f"the bytes at address {one.address:#x} have changed")
